"""One document from text to value, with all of its faults, each with its line."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wgreconcile.desired import codec, places, schema
from wgreconcile.desired.documents import parse
from wgreconcile.desired.model import Interface, Peer
from wgreconcile.desired.places import FieldPath
from wgreconcile.errors import Fault, StateError


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document says: its value as far as it is sound, and the faults of the rest."""

    value: Interface | Peer | None
    faults: tuple[Fault, ...] = ()


def read(kind: schema.Kind, text: str, file: str, *, name: str, origin: str, checked: bool = False) -> Reading:
    """Read an interface's or a peer's document; never raises on what it says.

    ``file`` is how faults call the document. ``checked`` skips the schema for a text that has passed it before.
    """
    try:
        data = parse(text, file)
    except StateError as error:
        return Reading(None, error.faults)
    problems = [] if checked else schema.check(kind, data)
    sound = _without(data, (each.path for each in problems)) if problems else data
    value, more = _decode(kind, sound, name, origin)
    # A missing public key is one fault, not a second one for what is left of the peer.
    problems += more
    return Reading(value, tuple(places.faults(file, text, problems)) if problems else ())


def _decode(kind: schema.Kind, data: Mapping[str, Any], name: str, origin: str) -> Any:
    decode = codec.interface_of if kind == "interface" else codec.peer_of
    return decode(data, name, origin)


def _without(data: Mapping[str, Any], paths: Iterable[FieldPath]) -> dict[str, Any]:
    """``data`` without the fields that the schema refused, so that the others are still looked at."""
    sound = copy.deepcopy(dict(data))
    for path in paths:
        _drop(sound, path)
    return sound


def _drop(node: Any, path: FieldPath) -> None:
    for step in path[:-1]:
        if not _has(node, step):
            return
        node = node[step]
    if not path or not _has(node, path[-1]):
        return
    if isinstance(node, list):
        # An item of a list leaves a gap: its neighbours keep their place in the document.
        node[int(path[-1])] = None
    else:
        del node[path[-1]]


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(step, int) and step < len(node)
    return isinstance(node, dict) and step in node
