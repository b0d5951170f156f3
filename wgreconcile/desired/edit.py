"""Edits of a document that leave every byte that they do not mean: comments, order, quotes, blank lines.

The text is spliced where the data differ. What comes out is read again and must be the new data; where a layout
is too unusual for that, the smallest part around it is written anew, in the end the whole document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from wgreconcile.desired import blocks, brackets
from wgreconcile.desired.documents import compose, parse
from wgreconcile.desired.emit import block_text, dump, inline
from wgreconcile.desired.source import CannotSplice, Source
from wgreconcile.desired.splices import IN_BRACKETS, Data, Owner, Splices, is_same
from wgreconcile.errors import StateError

BYTE_ORDER_MARK = "\ufeff"
DEPTHS = (32, 1)
"""How deep an edit looks for what differs: as deep as it gets, then no deeper than the fields of the document."""


def edit(text: str, new: Mapping[str, Any]) -> str:
    """``text`` changed so that it reads as ``new``. A text that is no document is replaced."""
    body = text.removeprefix(BYTE_ORDER_MARK)
    try:
        old = parse(body, "")
    except StateError:
        return dump(new)
    if is_same(old, new):
        return text
    for result in _attempts(body, old, new):
        if reads_as(result, new):
            return text[: len(text) - len(body)] + result
    return dump(new)


def _attempts(text: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Results from the most careful one on."""
    root, source = compose(text), Source(text)
    if root is None:
        return
    for depth in DEPTHS:
        editor = _Editor(Splices(source), depth)
        try:
            editor.inside(root, old, new, IN_BRACKETS)
            yield editor.splices.applied()
        except CannotSplice:
            continue
    header = text[: source.line_start(source.start(root))]
    yield header + dump(new).replace("\n", source.newline)


def reads_as(text: str, data: Mapping[str, Any]) -> bool:
    """Whether a document of this text has these data."""
    try:
        return is_same(parse(text, ""), data)
    except StateError:
        return False


class _Editor:
    """Walks through the nodes of a document, ``depth`` levels deep, and splices where the data differ."""

    def __init__(self, splices: Splices, depth: int) -> None:
        self.splices = splices
        self._depth = depth

    def change(self, node: Node, old: Data, new: Data, owner: Owner) -> None:
        """Replace as little of a value as possible, at worst the whole of it."""
        if is_same(old, new):
            return
        mark = self.splices.mark()
        try:
            self.inside(node, old, new, owner)
        except CannotSplice:
            self.splices.back(mark)
            self._write_anew(node, new, owner)

    def inside(self, node: Node, old: Data, new: Data, owner: Owner) -> None:
        """Replace pieces of a value. Raise CannotSplice."""
        if isinstance(node, ScalarNode) and not isinstance(new, (Mapping, list)):
            self._scalar(node, new, owner)
            return
        if self._depth == 0:
            raise CannotSplice
        self._depth -= 1
        try:
            self._collection(node, old, new)
        finally:
            self._depth += 1

    def _collection(self, node: Node, old: Data, new: Data) -> None:
        if isinstance(node, MappingNode) and isinstance(new, Mapping):
            room = brackets if node.flow_style else blocks
            room.change_mapping(self.splices, node, old, new, self.change)
        elif isinstance(node, SequenceNode) and isinstance(new, list):
            room = brackets if node.flow_style else blocks
            room.change_sequence(self.splices, node, old, new, self.change)
        else:
            raise CannotSplice

    def _scalar(self, node: ScalarNode, new: Data, owner: Owner) -> None:
        source = self.splices.source
        start, end = source.start(node), source.end(node)
        in_block = owner.after is not None
        becomes_block = in_block and block_text(new, 0) and not source.rest_of_line(end).strip()
        if start == end or "\n" in source.text[start:end] or becomes_block or node.style in ("|", ">"):
            raise CannotSplice
        style = node.style if node.style in ("'", '"') else None
        self.splices.put(start, end, inline(new, in_flow=not in_block, style=style))

    def _write_anew(self, node: Node, new: Data, owner: Owner) -> None:
        source = self.splices.source
        start, end = source.start(node), source.end(node)
        if owner.after is None:
            if start == end:  # a key in brackets without a value has no colon either
                raise CannotSplice
            self.splices.put(start, end, inline(new, in_flow=True))
            return
        end = max(end, owner.after)
        head = source.line_end(owner.after)
        has_head = start > head and source.text[owner.after : head].strip()
        text = owner.written(new)
        if _was_in_brackets(node) or (block_text(new, 0) and (has_head or source.rest_of_line(end).strip())):
            text = " " + inline(new)
        # A comment behind the key or the dash stays there, whatever comes below it.
        if has_head and text.startswith("\n"):
            self.splices.put(head, end, text)
        elif has_head:
            self.splices.put(owner.after, owner.after, text)
            self.splices.put(head, end, "")
        else:
            self.splices.put(owner.after, end, text)


def _was_in_brackets(node: Node) -> bool:
    return isinstance(node, CollectionNode) and bool(node.flow_style and node.value)
