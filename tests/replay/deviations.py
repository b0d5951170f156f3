"""Where our answers differ from the recorded ones on purpose: read from ``deviations.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .compare import MISSING, Difference
from .recording import Step

FILE = Path(__file__).parent / "deviations.yaml"
_REASONS = {"bug", "because"}
_RANGE = re.compile(r"(\w+)-(\d+)\.\.(\d+)")
_FIELDS = {"exchanges", "recorded", "differs", "afterwards", "sometimes", *_REASONS}


@dataclass(frozen=True, eq=False)
class Deviation:
    """One entry: in ``exchanges`` (of which ``recorded`` is true) every path of ``differs`` holds that instead.

    ``afterwards`` are paths and bodies of requests that leave behind what the recorded server was left with.
    ``sometimes``: not in every run.
    """

    exchanges: tuple[str, ...]
    differs: Mapping[str, Any]
    reason: str
    recorded: Mapping[str, Any] = field(default_factory=dict)
    afterwards: tuple[tuple[str, Any], ...] = ()
    sometimes: bool = False

    def covers(self, step: Step, difference: Difference) -> Iterator[str]:
        """The paths of ``differs`` that a difference is declared by."""
        if self.is_about(step):
            for pattern, value in self.differs.items():
                if _glob(pattern, difference.path) and _has_become(value, difference):
                    yield pattern

    def is_about(self, step: Step) -> bool:
        """Whether the entry speaks of a step."""
        return any(_glob(pattern, step.id) for pattern in self.exchanges) and all(
            _is(value, step.data.get(name, MISSING)) for name, value in self.recorded.items()
        )


class Deviations:
    """All entries, and which of their lines a run has needed."""

    def __init__(self, entries: Iterable[Deviation]) -> None:
        self._entries = tuple(entries)
        self._needed: set[tuple[int, str]] = set()

    def find(self, step: Step, difference: Difference) -> Deviation | None:
        """The first entry that declares a difference. All that do are needed."""
        found = None
        for number, entry in enumerate(self._entries):
            for pattern in entry.covers(step, difference):
                self._needed.add((number, pattern))
                found = found or entry
        return found

    def make_up(self, step: Step, found: Iterable[Deviation]) -> Iterator[tuple[str, Any]]:
        """The requests after a step in which some deviations were found, or that say so for any case."""
        used = set(found)
        for entry in self._entries:
            if entry in used or (not entry.differs and entry.is_about(step)):
                yield from entry.afterwards

    def needless(self) -> list[str]:
        """Lines that no difference has needed so far."""
        return [
            f"{', '.join(entry.exchanges)}: {pattern} ({entry.reason})"
            for number, entry in enumerate(self._entries)
            for pattern in entry.differs
            if (number, pattern) not in self._needed and not entry.sometimes
        ]


def read(path: Path = FILE) -> Deviations:
    """The deviations that a file declares. Raise ValueError for an entry that is not one."""
    return Deviations(map(_entry, yaml.safe_load(path.read_text(encoding="utf-8")) or ()))


def _entry(data: Mapping[str, Any]) -> Deviation:
    reasons = _REASONS & set(data)
    if len(reasons) != 1 or set(data) - _FIELDS or not (data.get("differs") or data.get("afterwards")):
        raise ValueError(f"not a deviation, or one without a reason: {data}")
    ids = data["exchanges"]
    return Deviation(
        tuple([ids] if isinstance(ids, str) else ids),
        data.get("differs", {}),
        f"bug: {data['bug']}" if "bug" in data else data["because"],
        data.get("recorded", {}),
        tuple((each["post"], each["body"]) for each in data.get("afterwards", ())),
        data.get("sometimes", False),
    )


def _has_become(wanted: Any, difference: Difference) -> bool:
    """``{was: …, is: …}`` also says what was recorded."""
    if isinstance(wanted, Mapping) and set(wanted) == {"was", "is"}:
        return _is(wanted["was"], difference.expected) and _is(wanted["is"], difference.got)
    return _is(wanted, difference.got)


def _is(wanted: Any, value: Any) -> bool:
    """Equal, or as ``{matches: …}``, ``{one_of: […]}``, ``{absent: true}``, ``{anything: true}`` says."""
    if isinstance(wanted, Mapping) and len(wanted) == 1:
        ((word, detail),) = wanted.items()
        if word == "matches":
            return isinstance(value, str) and re.fullmatch(detail, value, re.DOTALL) is not None
        if word == "one_of":
            return any(_is(each, value) for each in detail)
        if word == "absent":
            return value is MISSING
        if word == "anything":
            return value is not MISSING
    return type(wanted) is type(value) and bool(wanted == value)


def _glob(pattern: str, text: str) -> bool:
    """``*`` stands for any characters, dots too; ``peers-043..067`` for what lies between."""
    if found := _RANGE.fullmatch(pattern):
        scenario, first, last = found.groups()
        name, _, number = text.rpartition("-")
        return name == scenario and first <= number <= last
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
