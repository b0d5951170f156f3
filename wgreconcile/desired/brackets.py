"""Edits of mappings and sequences in brackets: commas come and go with the items, and lines of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from yaml.nodes import MappingNode, SequenceNode

from wgreconcile.desired.blocks import added_fields
from wgreconcile.desired.emit import inline, key_text
from wgreconcile.desired.source import CannotSplice, Source
from wgreconcile.desired.splices import IN_BRACKETS, Change, Data, Splices, differences

Span = tuple[int, int]


def change_mapping(splices: Splices, node: MappingNode, old: Data, new: Data, change: Change) -> None:
    """Replace what differs. Raise CannotSplice, also when no field would stay."""
    source = splices.source
    names = [key.value for key, _ in node.value]
    _expect(source, source.start(node), "{", any(name in new for name in names))
    spans = [(source.start(key), max(source.end(key), source.end(value))) for key, value in node.value]
    for key, value in node.value:
        if key.value in new:
            change(value, old[key.value], new[key.value], IN_BRACKETS)
    for goes, run in groupby(range(len(names)), lambda index: names[index] not in new):
        if goes:
            _remove(splices, spans, list(run))
    for anchor, added in added_fields(names, new).items():
        texts = [f"{key_text(name)}: {inline(new[name], in_flow=True)}" for name in added]
        _insert(splices, spans, names.index(anchor) + 1, texts)


def change_sequence(splices: Splices, node: SequenceNode, old: Data, new: Data, change: Change) -> None:
    """Replace what differs. Raise CannotSplice, also when there are no items or would be none."""
    source = splices.source
    _expect(source, source.start(node), "[", bool(old and new))
    spans = [(source.start(item), source.end(item)) for item in node.value]
    for each in differences(old, new):
        for index, value in each.stay:
            change(node.value[index], old[index], value, IN_BRACKETS)
        _remove(splices, spans, each.go)
        _insert(splices, spans, each.position, [inline(item, in_flow=True) for item in each.come])


def _expect(source: Source, start: int, bracket: str, is_simple: bool) -> None:
    # A single pair in a sequence is a mapping without brackets of its own.
    if source.text[start] != bracket or not is_simple:
        raise CannotSplice


def _remove(splices: Splices, spans: Sequence[Span], run: Sequence[int]) -> None:
    """Remove items that follow each other."""
    source = splices.source
    if all(source.is_alone(*spans[index]) for index in run):
        for index in run:
            splices.remove_lines(*source.own_lines(*spans[index], _column(source, spans[index])))
        return
    first, last = run[0], run[-1]
    if last + 1 < len(spans):
        start, end = spans[first][0], spans[last + 1][0]
    elif first > 0:
        start, end = spans[first - 1][1], spans[last][1]
    else:
        raise CannotSplice
    if not {"\n", "#"}.isdisjoint(source.text[start:end]):
        raise CannotSplice  # a comment in between may be a neighbour's
    splices.put(start, end, "")


def _insert(splices: Splices, spans: Sequence[Span], position: int, texts: Sequence[str]) -> None:
    """Insert items behind the one before ``position``."""
    if not texts:
        return
    source, span = splices.source, spans[max(position - 1, 0)]
    if not source.is_alone(*span):
        at_front = "".join(f"{each}, " for each in texts)
        at_end = "".join(f", {each}" for each in texts)
        splices.put(*((span[0], span[0], at_front) if position == 0 else (span[1], span[1], at_end)))
        return
    column = _column(source, span)
    lines = [" " * column + each + "," for each in texts]
    if position == 0:
        splices.put_lines(source.own_lines(*span, column)[0], lines)
        return
    if not source.rest_of_line(span[1]).lstrip().startswith(","):
        splices.put(span[1], span[1], ",")
        lines[-1] = lines[-1][:-1]
    splices.put_lines(source.below(span[1], column), lines)


def _column(source: Source, span: Span) -> int:
    return span[0] - source.line_start(span[0])
