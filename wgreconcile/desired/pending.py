"""Documents laid over a desired state that is in memory: the state as it would be read back.

What ten thousand peers need is done once; a change of a few costs what these few cost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wgreconcile.desired import codec, places, schema
from wgreconcile.desired.encode import Document
from wgreconcile.desired.layout import Found, document_of
from wgreconcile.desired.model import DesiredState, Interface, Peer
from wgreconcile.errors import Fault, StateError
from wgreconcile.values import PublicKey

Value = Interface | Peer
"""What a document says."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A state with documents laid over it, and what they did, by interface.

    ``touched`` are the peers that the documents hold, ``gone`` those that are no longer on the interface, and
    ``replaced`` those of the documents that were there before.
    """

    state: DesiredState
    touched: dict[str, set[PublicKey]] = field(default_factory=dict)
    gone: dict[str, set[PublicKey]] = field(default_factory=dict)
    replaced: list[Peer] = field(default_factory=list)


@dataclass(slots=True)
class _Overlay:
    """What the documents of one interface say. ``interface`` None: its own document is not among them."""

    interface: Interface | None = None
    is_gone: bool = False
    peers: list[Peer] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)


def lay_over(
    state: DesiredState, values: Mapping[str, Value | None], now: datetime, new: Collection[str] = ()
) -> Laid:
    """``state`` with what the documents at these paths say, None for one that is gone.

    ``now`` decides which peers are on their interface. At ``new`` paths there are none yet, which spares a look
    at all others. Raise StateError when peers are left without an interface; other rules across documents are not
    looked at.
    """
    laid = Laid(state)
    interfaces = {each.name: each for each in state.interfaces}
    for name, overlay in _by_interface(values).items():
        before = interfaces.pop(name, None)
        peers, paths = before.peers if before else (), overlay.paths.difference(new)
        replaced = [each for each in peers if each.origin in paths] if paths else []
        if before and not replaced and not overlay.interface and not overlay.is_gone:
            interfaces[name] = before.with_new(overlay.peers)
        elif after := _interface(name, overlay, before, [each for each in peers if each.origin not in paths]):
            interfaces[name] = after
        laid.touched[name] = {each.public_key for each in overlay.peers}
        laid.gone[name] = _active(replaced, now) - _active(overlay.peers, now)
        laid.replaced.extend(replaced)
    return replace(laid, state=DesiredState(tuple(interfaces.values()), state.warnings))


def values_of(documents: Mapping[str, Document | None]) -> dict[str, Value | None]:
    """What documents say, by their paths. Raise StateError with the faults of all of them."""
    values: dict[str, Value | None] = {}
    faults: list[Fault] = []
    for path, document in documents.items():
        try:
            values[path] = None if document is None else _value(path, document)
        except StateError as error:
            faults += error.faults
    if faults:
        raise StateError(faults)
    return values


def _value(path: str, document: Document) -> Value:
    """The value of a document. Raise StateError with all of its faults."""
    found = _found(path)
    problems = schema.check("peer" if found.peer else "interface", document)
    value: Value | None = None
    if not problems:
        decode = codec.peer_of if found.peer else codec.interface_of
        value, problems = decode(document, found.peer or found.interface, found.path)
    if value is None or problems:
        raise StateError(
            Fault(path, 0, places.field_name(each.path), each.problem, each.remedy) for each in problems
        )
    return value


def _by_interface(values: Mapping[str, Value | None]) -> dict[str, _Overlay]:
    overlays: dict[str, _Overlay] = defaultdict(_Overlay)
    for path, value in values.items():
        found = _found(path)
        overlay = overlays[found.interface]
        overlay.paths.add(path)
        if isinstance(value, Peer):
            overlay.peers.append(value)
        elif value is not None:
            overlay.interface = value
            overlay.peers += value.peers
        elif not found.peer:
            overlay.is_gone = True
    return overlays


def _interface(name: str, overlay: _Overlay, before: Interface | None, kept: Sequence[Peer]) -> Interface | None:
    """The interface with the documents laid over it; None when it is gone."""
    peers = (*kept, *overlay.peers)
    base = overlay.interface or (None if overlay.is_gone else before)
    if base is None and peers:
        problem = f"has peers of an interface {name}, which has no document"
        raise StateError([Fault(name, 0, "", problem, "add the interface first, or remove them with it")])
    return replace(base, peers=peers) if base else None


def _active(peers: Iterable[Peer], now: datetime) -> set[PublicKey]:
    return {each.public_key for each in peers if each.is_active(now)}


def _found(path: str) -> Found:
    found = document_of(path)
    if found is None:
        raise StateError([Fault(path, 0, "", "is no place for a document", "give it another name")])
    return found
