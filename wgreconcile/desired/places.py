"""Where a fault sits: field paths for people, and the line of a path in a document's text.

Parsing keeps no line numbers, because ten thousand sound documents need none; a fault pays for its own line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wgreconcile import files
from wgreconcile.desired.wording import show_text
from wgreconcile.errors import Fault

if TYPE_CHECKING:
    from yaml.nodes import Node

FieldPath = tuple[str | int, ...]
"""Steps from the root of a document to a field: ``("peers", 2, "allowed_ips", 0)``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of one document, before it is known in which line the field stands."""

    path: FieldPath
    problem: str
    remedy: str = ""


def field_name(path: FieldPath) -> str:
    """``peers[2].allowed_ips[0]`` for ``("peers", 2, "allowed_ips", 0)``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{show_text(step)}" for step in path)
    return text.removeprefix(".")


def locate(text: str, path: FieldPath) -> int:
    """The line, from 1, of the deepest part of ``path`` that exists in ``text``; 0 when there is none."""
    return Lines(text).of(path)


class Lines:
    """The lines of one text, composed once for all of its faults."""

    def __init__(self, text: str) -> None:
        # A run over a sound state places nothing and does without PyYAML.
        from wgreconcile.desired.documents import compose

        self._root = compose(text)
        self._peers: dict[str, list[int]] | None = None

    def of(self, path: FieldPath) -> int:
        """The line of ``path``, as :func:`locate`."""
        node, line = self._root, _line(self._root)
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            node, line = found
        return line

    def peer_path(self, public_key: str, ordinal: int) -> FieldPath:
        """The path of the item of ``peers`` that has this public key for the ``ordinal``-th time, from 0."""
        if self._peers is None:
            self._peers = self._index()
        found = self._peers.get(public_key, [])
        return ("peers", found[ordinal]) if ordinal < len(found) else ("peers",)

    def _index(self) -> dict[str, list[int]]:
        found = _child(self._root, "peers")
        items = found[0].value if found and _kind(found[0]) == "sequence" else ()
        index: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            key = _child(item, "public_key")
            if key:
                index.setdefault(key[0].value, []).append(place)
        return index


def faults(file: str, text: str, problems: Iterable[Problem]) -> list[Fault]:
    """The problems of one document with their lines."""
    lines = Lines(text)
    return [
        Fault(file, lines.of(each.path), field_name(each.path), each.problem, each.remedy) for each in problems
    ]


class Placer:
    """Makes faults of what is known by document, peer and field.

    ``text_of`` gives the text of a document by its path below ``state``; without ``state`` there are no lines.
    """

    def __init__(self, state: Path | None, text_of: Callable[[str], str] | None = None) -> None:
        self._state = state
        self._text_of = text_of or self._read
        self._interfaces: dict[str, Lines] = {}

    def fault(
        self, origin: str, peer: str | None, ordinal: int, field: FieldPath, problem: str, remedy: str
    ) -> Fault:
        """A fault in ``field`` of the interface of a document, or of the peer of that key in it.

        ``ordinal`` counts the peers of the same key in one document.
        """
        lines = self._lines(origin)
        if peer is not None and not _is_of_peer(origin):
            field = (*lines.peer_path(peer, ordinal), *field)
        file = str(self._state / origin) if self._state else origin
        return Fault(file, lines.of(field), field_name(field), problem, remedy)

    def _lines(self, origin: str) -> Lines:
        if origin in self._interfaces:
            return self._interfaces[origin]
        try:
            lines = Lines(self._text_of(origin))
        except (OSError, UnicodeDecodeError):
            lines = Lines("")
        if not _is_of_peer(origin):  # one document of many peers is looked at many times
            self._interfaces[origin] = lines
        return lines

    def _read(self, origin: str) -> str:
        return files.read(self._state / origin).decode() if self._state else ""


def _is_of_peer(origin: str) -> bool:
    return "/" in origin


def _child(node: Any, step: str | int) -> tuple[Node, int] | None:
    """The node one step below, and the line that it begins in; for a field, the line of its name."""
    if _kind(node) == "mapping":
        for key, value in node.value:
            if _kind(key) == "scalar" and key.value == step:
                return value, _line(key)
    if _kind(node) == "sequence" and isinstance(step, int) and step < len(node.value):
        return node.value[step], _line(node.value[step])
    return None


def _kind(node: Any) -> str:
    """``mapping``, ``sequence`` or ``scalar``; asked this way, PyYAML's classes need not be imported."""
    return getattr(node, "id", "")


def _line(node: Node | None) -> int:
    return node.start_mark.line + 1 if node is not None and node.start_mark else 0
