"""Replacements of pieces of a document's text, and the differences that they follow from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from yaml.nodes import Node

from wgreconcile.desired.emit import STEP, after_colon, after_dash
from wgreconcile.desired.source import CannotSplice, Source

Data = Any
"""What a document holds: mappings, lists and scalars, still without meaning."""


@dataclass(frozen=True, slots=True)
class Owner:
    """What a value belongs to: the column of its key or dash in a block, and the offset right behind that.

    ``step`` is how far behind its dash an item begins. In brackets there are no columns, and ``after`` is None.
    """

    column: int = 0
    after: int | None = None
    is_dash: bool = False
    step: int = STEP

    def written(self, value: Data) -> str:
        """The value as it stands behind this key or dash."""
        return after_dash(value, self.column, self.step) if self.is_dash else after_colon(value, self.column)


IN_BRACKETS = Owner()

Change = Callable[[Node, Data, Data, Owner], None]
"""Replaces what differs in a value inside of another one."""


class Splices:
    """Replacements of pieces of one text, in any order."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._splices: list[tuple[int, int, str]] = []

    def put(self, start: int, end: int, text: str) -> None:
        """Replace a piece; line breaks become those of the document."""
        self._splices.append((start, end, text.replace("\n", self.source.newline)))

    def put_lines(self, offset: int, lines: Sequence[str]) -> None:
        """Insert whole lines at the beginning of a line, or at the end of the text."""
        text = "\n".join(lines)
        is_open_end = offset == len(self.source.text) and not self.source.text.endswith("\n")
        self.put(offset, offset, f"\n{text}" if is_open_end else f"{text}\n")

    def remove_lines(self, first: int, last: int) -> None:
        """Remove whole lines, and the gap that they would leave."""
        self.put(first, self.source.with_gap(first, last), "")

    def mark(self) -> int:
        """A mark to go :meth:`back` to."""
        return len(self._splices)

    def back(self, mark: int) -> None:
        del self._splices[mark:]

    def applied(self) -> str:
        """The text with all replacements; raise CannotSplice when two of them overlap."""
        parts, position = [], 0
        for start, end, text in sorted(self._splices, key=lambda each: each[:2]):
            if start < position:
                raise CannotSplice
            parts += [self.source.text[position:start], text]
            position = end
        return "".join([*parts, self.source.text[position:]])


@dataclass(frozen=True, slots=True)
class Difference:
    """A stretch of two lists: items that stay, perhaps changed; items that go; items that come at ``position``.

    Positions are those of the old list. An item that comes is preceded by one that stays, if by any.
    """

    stay: tuple[tuple[int, Data], ...] = ()
    go: range = range(0)
    position: int = 0
    come: tuple[Data, ...] = ()


def differences(old: Sequence[Data], new: Sequence[Data]) -> Iterator[Difference]:
    """The differences of two lists, in order."""
    matcher = SequenceMatcher(None, [*map(_item, old)], [*map(_item, new)], autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        come = tuple(new[new_start:new_end])
        is_pairwise = tag == "equal" or not any(map(_is_peer, [*old[start:end], *come]))
        pairs = min(end - start, len(come)) if is_pairwise else 0
        yield Difference(
            stay=tuple(zip(range(start, start + pairs), come, strict=False)),
            go=range(start + pairs, end),
            position=start + pairs,
            come=come[pairs:],
        )


def is_same(one: Data, other: Data) -> bool:
    """Whether two pieces of data say the same. To Python 1, 1.0 and true are equal; to a document they are not."""
    return _identity(one) == _identity(other)


def _identity(value: Data) -> str:
    return json.dumps(value, sort_keys=True)


def _item(item: Data) -> str:
    """What an item of a list is known by: a peer stays the same one while its public key does."""
    return f"peer {item['public_key']}" if _is_peer(item) else _identity(item)


def _is_peer(item: Data) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("public_key"), str)
