"""Where things stand in the text of a document: ends of nodes, lines of entries, and the comments that are theirs.

libyaml ends a block at the next token, behind comments and blank lines; an edit needs to know where it ends.
"""

from __future__ import annotations

from typing import Any

from yaml.nodes import CollectionNode, Node, ScalarNode


class CannotSplice(Exception):
    """The text is laid out in a way that is not edited in place; a larger part is written anew."""


class Source:
    """A text and the places in it, as offsets of characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        head, found, _ = text.partition("\n")
        self.newline = "\r\n" if found and head.endswith("\r") else "\n"

    def start(self, node: Node) -> int:
        return _index(node.start_mark)

    def column(self, node: Node) -> int:
        return self.start(node) - self.line_start(self.start(node))

    def end(self, node: Node) -> int:
        """The end of what the node itself says, without the comments and blank lines behind it."""
        end = _index(node.end_mark)
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            return self.start(node) + len(self.text[self.start(node) : end].rstrip())
        if isinstance(node, CollectionNode) and not node.flow_style:
            last = node.value[-1]
            return max(map(self.end, last)) if isinstance(last, tuple) else self.end(last)
        return end

    def line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """The end of the line, before its line break."""
        end = self.text.find("\n", offset)
        end = len(self.text) if end < 0 else end
        return end - 1 if self.text[offset:end].endswith("\r") else end

    def next_line(self, offset: int) -> int:
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1

    def rest_of_line(self, offset: int) -> str:
        return self.text[offset : self.line_end(offset)]

    def is_alone(self, start: int, end: int) -> bool:
        """Whether nothing but space, a comma and a comment stands beside it in its lines."""
        before = self.text[self.line_start(start) : start]
        return not before.strip() and self._is_last(end)

    def own_lines(self, start: int, end: int, column: int) -> tuple[int, int]:
        """The lines of an entry that begins in ``column``, with the comments that are its own.

        Its own are those directly above it in its column, and those directly below that are indented deeper.
        Raise CannotSplice when something else stands in its lines.
        """
        if not self.is_alone(start, end):
            raise CannotSplice
        first = self.line_start(start)
        while first and self._comment_column(above := self.line_start(first - 1)) == column:
            first = above
        return first, self.below(end, column)

    def below(self, end: int, column: int) -> int:
        """Where a new entry goes below one that begins in ``column``: behind the comments that are its own.

        Raise CannotSplice when something else stands behind it in its line.
        """
        if not self._is_last(end):
            raise CannotSplice
        offset = self.next_line(end)
        while offset < len(self.text) and self._comment_column(offset) > column:
            offset = self.next_line(offset)
        return offset

    def with_gap(self, first: int, last: int) -> int:
        """The end of lines that go, with the blank lines below them when there are also blank lines above."""
        if first and self.text[self.line_start(first - 1) : first].strip():
            return last
        while last < len(self.text) and not self.rest_of_line(last).strip():
            last = self.next_line(last)
        return last

    def _is_last(self, end: int) -> bool:
        return self.rest_of_line(end).lstrip(" \t,")[:1] in ("", "#")

    def _comment_column(self, line: int) -> int:
        """The column of the comment that is all there is in a line; -1 without one."""
        content = self.rest_of_line(line)
        stripped = content.lstrip(" ")
        return len(content) - len(stripped) if stripped.startswith("#") else -1


def _index(mark: Any) -> int:
    index: int = mark.index
    return index
