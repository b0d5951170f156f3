"""A rendered configuration in pieces, so that the change of a few peers need not render all of them again."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from wgreconcile.observed.conf import Conf, peer_sections
from wgreconcile.planning.render import render_conf
from wgreconcile.values import PublicKey

_PEER = "\n[Peer]\n"


@dataclass(frozen=True, slots=True)
class Sections:
    """The text of a configuration: what stands before the first peer, and the section of each."""

    head: str = field(repr=False)
    of_peer: Mapping[PublicKey, str] = field(repr=False)

    @classmethod
    def of(cls, conf: Conf, text: str) -> Sections:
        """The pieces of ``text``, which is the rendered ``conf``."""
        pieces = {peer.public_key: section for section, peer in peer_sections(text, conf).items()}
        return cls(text.partition(_PEER)[0], pieces)

    def changed(self, keys: Set[PublicKey], few: Conf) -> Sections:
        """The pieces once the peers of ``keys`` are only those of ``few``."""
        kept = {key: section for key, section in self.of_peer.items() if key not in keys}
        return Sections(self.head, {**kept, **Sections.of(few, render_conf(few)).of_peer})

    def text(self, conf: Conf) -> str:
        """What :func:`render_conf` makes of ``conf``, whose pieces these are."""
        return _PEER.join([self.head, *(self.of_peer[each.public_key] for each in conf.peers)])
