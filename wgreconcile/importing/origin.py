"""Faults of documents that were never kept, told of the line in the configuration file that they came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wgreconcile.errors import Fault
from wgreconcile.importing.documents import Draft
from wgreconcile.importing.reading import HOOKS, SPELLING, Reading
from wgreconcile.observed.conf import Line

_REMEDY = "correct the line or take it out, then import again"
_FIELD = re.compile(r"(?:peers\[(?P<peer>\d+)\]\.?)?(?P<field>[a-z_]+)?(?:\[(?P<item>\d+)\])?")


def at_origin(fault: Fault, state: Path, draft: Draft, reading: Reading, path: str) -> Fault:
    """``fault`` with the place in the file at ``path``; one of another document stays as it is."""
    paths = [str(state / each) for each in draft.documents]
    found = _FIELD.match(fault.field)
    if fault.file not in paths or found is None:
        return fault
    index = paths.index(fault.file)
    number = _number(found["peer"]) if index == len(paths) - 1 else index
    lines = reading.interface if number is None else reading.peers[number].section.everything
    key = (found["field"] or "").replace("_", "")
    line = line_of(key, _number(found["item"]) or 0, lines)
    return replace(fault, file=path, line=line, field=SPELLING.get(key, key), remedy=fault.remedy or _REMEDY)


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def line_of(key: str, item: int, lines: Sequence[Line]) -> int:
    """The line of an item of a list, which may be spread over repeated lines; else where the section begins."""
    last = lines[0].number if lines else 0
    for each in lines:
        if each.key != key:
            continue
        last = each.number
        item -= bool(each.value) if key in HOOKS else len(re.findall(r"[^,\s]+", each.value))
        if item < 0:
            break
    return last
