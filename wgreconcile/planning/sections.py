"""A rendered configuration in pieces, so that the change of a few peers need not render all of them again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

_PEER = "\n[Peer]\n"


@dataclass(frozen=True, slots=True)
class Sections:
    """The text of a configuration: what stands before the first peer, and the sections of all peers by their keys.

    Only of a rendered text, where each peer has one section and they are sorted by public key.
    """

    head: str = field(repr=False)
    peers: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Sections:
        """The pieces of a rendered ``text``."""
        head, *peers = text.split(_PEER)
        return cls(head, tuple(peers))

    @property
    def text(self) -> str:
        """What :func:`render_conf` makes of the configuration whose pieces these are."""
        return _PEER.join((self.head, *self.peers))

    def means(self, other: Sections) -> bool:
        """Whether the peers of both are the same, but for their names, which are comments."""
        return self.peers == other.peers or list(map(_settings, self.peers)) == list(map(_settings, other.peers))

    def split(self, keys: Iterable[str]) -> tuple[Sections, Sections]:
        """The peers of these public keys, and all others."""
        few: list[str] = []
        rest: list[str] = []
        end = 0
        for key in sorted(keys):
            begin, end = end, bisect_left(self.peers, key, lo=end, key=_key_of)
            rest += self.peers[begin:end]
            if end < len(self.peers) and _key_of(self.peers[end]) == key:
                few.append(self.peers[end])
                end += 1
        return Sections(self.head, tuple(few)), Sections(self.head, (*rest, *self.peers[end:]))

    def merged(self, few: Sections) -> Sections:
        """The head of ``few``, its peers, and the peers of these pieces; none may be in both."""
        peers = [*self.peers]
        for each in few.peers:
            peers.insert(bisect_left(peers, _key_of(each), key=_key_of), each)
        return Sections(few.head, tuple(peers))


def _settings(section: str) -> str:
    return section.partition("\n")[2] if section.startswith("# ") else section


def _key_of(section: str) -> str:
    at = section.find("\n") + 1 if section.startswith("# ") else 0
    return section[at + 12 : at + 56] if section.startswith("PublicKey = ", at) else ""
