"""From what a file means to documents of the desired state and the keys that are kept beside it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from wgreconcile.desired.encode import to_document
from wgreconcile.desired.model import Hooks, Interface, Peer, SecretFile
from wgreconcile.importing.reading import Reading
from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.values import PublicKey, SecretKey

Remarks = Literal["names", "descriptions"]
"""What becomes of a comment above a peer that is neither said nor marked to be its name."""

MOST_INLINE = 20
"""Up to so many peers stay in the interface's own document; of more, each becomes a file."""
LONGEST_SLUG = 48


@dataclass(frozen=True, slots=True)
class Draft:
    """What one file becomes: documents by path below the state folder, keys by path below the secret folder.

    The documents of peers stand in the order of the file, that of the interface comes last.
    """

    documents: dict[str, dict[str, Any]]
    secrets: dict[str, SecretKey] = field(repr=False)


def draft(
    name: str, reading: Reading, *, enabled: bool, remarks: Remarks = "names", names: Mapping[str, str] = {}
) -> Draft:
    """The documents and keys of the interface ``name``. Peers keep the file's order.

    ``names`` by public key come before those of the file.
    """
    settings, descriptions = [], []
    for each in reading.peers:
        is_description = each.label.is_remark and remarks == "descriptions"
        of_file = "" if is_description else each.settings.name
        settings.append(replace(each.settings, name=names.get(each.settings.public_key) or of_file))
        descriptions.append(each.label.name if is_description else "")
    slugs = list(unique_slugs(settings))
    peers = [
        _peer(each, description, f"{name}/{slug}.psk")
        for each, description, slug in zip(settings, descriptions, slugs, strict=True)
    ]
    interface = _interface(name, reading.conf, enabled)
    documents = {}
    if len(peers) > MOST_INLINE:
        # The interface comes last: a crash on the way leaves no interface that lacks peers it has live.
        documents = {f"{name}/{slug}.yaml": peer for slug, peer in zip(slugs, peers, strict=True)}
    elif peers:
        interface["peers"] = peers
    documents[f"{name}.yaml"] = interface
    return Draft(documents, dict(_secrets(name, reading.conf, settings, slugs)))


def unique_slugs(peers: Iterable[ConfPeer]) -> Iterator[str]:
    """A file name without ending for each peer, no two alike."""
    taken: dict[str, int] = {}
    for each in peers:
        slug = base = slug_of(each.name, each.public_key)
        while slug in taken:
            taken[base] += 1
            slug = f"{base}-{taken[base]}"
        taken[slug] = 1
        yield slug


def slug_of(name: str, public_key: PublicKey) -> str:
    """A name as the name of a file: short, a to z and digits; without one, from the public key."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].rstrip("-")
    return slug or f"peer-{re.sub('[^a-z0-9]', '', public_key.casefold())[:12]}"


def _interface(name: str, conf: Conf, enabled: bool) -> dict[str, Any]:
    interface = Interface(
        name=name,
        address=conf.address,
        listen_port=conf.listen_port,
        private_key=SecretFile(f"{name}.key"),
        mtu=conf.mtu,
        dns=conf.dns,
        table=conf.table,
        fwmark=conf.fwmark or None,
        hooks=Hooks(conf.pre_up, conf.post_up, conf.pre_down, conf.post_down),
        enabled=enabled,
    )
    return to_document(interface)


def _peer(peer: ConfPeer, description: str, preshared_key: str) -> dict[str, Any]:
    described = Peer(
        public_key=peer.public_key,
        name=peer.name,
        description=description,
        preshared_key=SecretFile(preshared_key) if peer.preshared_key is not None else None,
        allowed_ips=peer.allowed_ips,
        endpoint=peer.endpoint,
        persistent_keepalive=peer.persistent_keepalive,
    )
    return to_document(described)


def _secrets(
    name: str, conf: Conf, peers: Iterable[ConfPeer], slugs: Iterable[str]
) -> Iterator[tuple[str, SecretKey]]:
    if conf.private_key is not None:
        yield f"{name}.key", conf.private_key
    for peer, slug in zip(peers, slugs, strict=True):
        if peer.preshared_key is not None:
            yield f"{name}/{slug}.psk", peer.preshared_key
