"""A changed value into the data of its document: fields that did not change stay as they were written.

Documents hold more than values know: fields of one's own, lists written as text, a port in another notation.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from wgreconcile.desired.encode import Document, to_document
from wgreconcile.desired.model import Interface, Peer
from wgreconcile.values import PublicKey


def patch_interface(document: Mapping[str, Any], before: Interface | None, after: Interface) -> Document:
    """The document with the interface's own settings as in ``after``; its peers stay."""
    was = to_document(replace(before, peers=())) if before else {}
    return _patched(document, was, to_document(replace(after, peers=())))


def patch_peer(document: Mapping[str, Any], before: Peer | None, after: Peer) -> Document:
    """The document of a peer with its settings as in ``after``."""
    return _patched(document, to_document(before) if before else {}, to_document(after))


def patch_inline(document: Mapping[str, Any], changes: Mapping[PublicKey, tuple[Peer, Peer | None]]) -> Document:
    """The document of an interface with some of the peers that it lists changed, or gone where None follows.

    ``changes`` are peers before and after by public key.
    """
    result = {key: deepcopy(value) for key, value in document.items() if key != "peers"}
    items = [patched for item in document.get("peers", ()) for patched in _patched_item(item, changes)]
    if not items:
        return result
    # In the place where they stood.
    return {key: items if key == "peers" else result[key] for key in document}


def _patched_item(item: Document, changes: Mapping[PublicKey, tuple[Peer, Peer | None]]) -> list[Document]:
    if item["public_key"] not in changes:
        return [deepcopy(item)]
    before, after = changes[item["public_key"]]
    return [patch_peer(item, before, after)] if after else []


def _patched(document: Mapping[str, Any], was: Document, now: Document) -> Document:
    result = deepcopy(dict(document))
    for field in {**was, **now}:
        if was.get(field) == now.get(field):
            continue
        if field not in now:
            result.pop(field, None)
        elif isinstance(result.get(field), dict) and isinstance(now[field], dict):
            result[field] = _patched(result[field], was.get(field) or {}, now[field])
        else:
            result[field] = now[field]
    return result
