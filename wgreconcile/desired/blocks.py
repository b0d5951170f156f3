"""Edits of block mappings and sequences: whole lines come and go, each with the comments that are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yaml.nodes import MappingNode, Node, SequenceNode

from wgreconcile.desired.emit import STEP, after_colon, after_dash, key_text
from wgreconcile.desired.source import CannotSplice, Source
from wgreconcile.desired.splices import Change, Data, Owner, Splices, differences


def change_mapping(splices: Splices, node: MappingNode, old: Data, new: Data, change: Change) -> None:
    """Replace what differs. Raise CannotSplice, also when no field would stay."""
    source, column = splices.source, splices.source.column(node)
    entries: dict[str, tuple[Node, Node]] = {key.value: (key, value) for key, value in node.value}
    if not any(name in new for name in entries):
        raise CannotSplice
    for name, (key, value) in entries.items():
        if name in new:
            change(value, old[name], new[name], Owner(column, _behind_colon(source, key)))
    _remove_fields(splices, list(entries.values()), new, column)
    for anchor, names in added_fields(list(entries), new).items():
        lines = [" " * column + key_text(name) + ":" + after_colon(new[name], column) for name in names]
        splices.put_lines(source.below(_end_of_field(source, *entries[anchor]), column), lines)


def change_sequence(splices: Splices, node: SequenceNode, old: Data, new: Data, change: Change) -> None:
    """Replace what differs. Raise CannotSplice, also when no item would be there."""
    if not new:
        raise CannotSplice
    source, column = splices.source, splices.source.column(node)
    dashes = [_dash_of(source, item, column) for item in node.value]
    ends = [max(source.end(item), dash + 1) for item, dash in zip(node.value, dashes, strict=True)]
    steps = [_step(source, item, dash) for item, dash in zip(node.value, dashes, strict=True)]
    for each in differences(old, new):
        for index, value in each.stay:
            change(node.value[index], old[index], value, Owner(column, dashes[index] + 1, True, steps[index]))
        for index in each.go:
            splices.remove_lines(*source.own_lines(dashes[index], ends[index], column))
        if each.come:
            above = each.position - 1
            lines = [" " * column + "-" + after_dash(item, column, steps[max(above, 0)]) for item in each.come]
            top = source.own_lines(dashes[0], ends[0], column)[0]
            splices.put_lines(top if above < 0 else source.below(ends[above], column), lines)


def added_fields(names: Sequence[str], new: Mapping[str, Data]) -> dict[str, list[str]]:
    """New fields by the old field that they come below: the one before them, or the last one that stays."""
    anchor = [name for name in names if name in new][-1]
    added: dict[str, list[str]] = {}
    for name in new:
        if name in names:
            anchor = name
        else:
            added.setdefault(anchor, []).append(name)
    return added


def _remove_fields(splices: Splices, entries: Sequence[tuple[Node, Node]], new: Data, column: int) -> None:
    source = splices.source
    for index, (key, value) in enumerate(entries):
        if key.value in new:
            continue
        start, end = source.start(key), _end_of_field(source, key, value)
        if not source.text[source.line_start(start) : start].strip():
            splices.remove_lines(*source.own_lines(start, end, column))
            continue
        # The first field of an item stands behind the dash: the next one moves up to it.
        if index + 1 == len(entries) or entries[index + 1][0].value not in new:
            raise CannotSplice
        following = source.start(entries[index + 1][0])
        if "#" in source.text[end:following]:
            raise CannotSplice
        splices.put(start, following, "")


def _end_of_field(source: Source, key: Node, value: Node) -> int:
    return max(source.end(value), _behind_colon(source, key))


def _behind_colon(source: Source, key: Node) -> int:
    end = source.end(key)
    rest = source.rest_of_line(end)
    if not rest.lstrip(" \t").startswith(":"):
        raise CannotSplice
    return end + rest.index(":") + 1


def _dash_of(source: Source, item: Node, column: int) -> int:
    """The offset of the dash of an item, in its line or above it."""
    line = source.line_start(source.start(item))
    while source.text[line + column : line + column + 1] != "-":
        if line == 0:
            raise CannotSplice
        line = source.line_start(line - 1)
    return line + column


def _step(source: Source, item: Node, dash: int) -> int:
    """How far behind its dash an item begins, where they share a line."""
    between = source.text[dash + 1 : source.start(item)]
    return len(between) + 1 if between and not between.strip(" ") else STEP
