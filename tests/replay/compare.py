"""Two answers side by side: every place where ours is not what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .rules import Clocks, alike, is_made_in_bulk, without_generated

_IDENTITIES = (("JobID", "Message"), ("JobID",), ("Name",), ("fileName",), ("id",), ("hop",))
"""Fields that tell the objects of a list apart, the first of which an object has all."""


class Missing:
    """Stands where there is nothing."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


@dataclass(frozen=True)
class Difference:
    """``path`` leads to it: names of fields, and of objects in lists what tells them apart, joined by dots."""

    path: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected!r}, got {self.got!r}"


@dataclass(frozen=True)
class Comparison:
    """Compares JSON values; ``name_of`` gives objects in lists short names for paths."""

    clocks: Clocks
    name_of: Callable[[str], str] = str

    def differences(self, path: str, expected: Any, got: Any, *, loose: bool = False) -> Iterator[Difference]:
        """Where two values differ; ``loose`` inside of objects whose keys the server makes up."""
        if isinstance(expected, Mapping) and isinstance(got, Mapping):
            yield from self._of_objects(path, expected, got, loose=loose or is_made_in_bulk(expected))
        elif _are_lists_of_objects(expected, got):
            yield from self._of_lists(path, expected, got, loose=loose)
        elif isinstance(expected, list) and isinstance(got, list) and expected != got:
            yield Difference(path, expected, got)
        elif not isinstance(expected, list) or not isinstance(got, list):
            field = path.rpartition(".")[2]
            if not alike(field, expected, got, self.clocks, loose=loose):
                yield Difference(path, expected, got)

    def _of_objects(
        self, path: str, expected: Mapping[str, Any], got: Mapping[str, Any], *, loose: bool
    ) -> Iterator[Difference]:
        wanted = {without_generated(name): value for name, value in expected.items()}
        found = {without_generated(name): value for name, value in got.items()}
        for name in sorted(wanted.keys() | found.keys()):
            place = f"{path}.{name}"
            if name in wanted and name in found:
                yield from self.differences(place, wanted[name], found[name], loose=loose)
            else:
                yield Difference(place, wanted.get(name, MISSING), found.get(name, MISSING))

    def _of_lists(
        self, path: str, expected: Sequence[Any], got: Sequence[Any], *, loose: bool
    ) -> Iterator[Difference]:
        """Lists of objects have no order that two runs share: each is laid beside the one most like it."""
        rest, unlike = [*got], []
        for one in expected:
            same = next((each for each in rest if self._are_alike(one, each, loose=loose)), None)
            if same is None:
                unlike.append(one)
            else:
                rest.remove(same)
        for one in unlike:
            label = self._label(one)
            place = f"{path}.{label or '*'}"
            near = [each for each in rest if self._label(each) == label]
            if not near:
                yield Difference(place, one, MISSING)
                continue
            found = [[*self.differences(place, one, each, loose=loose)] for each in near]
            nearest = min(range(len(near)), key=lambda number: len(found[number]))
            rest.remove(near[nearest])
            yield from found[nearest]
        for extra in rest:
            yield Difference(f"{path}.{self._label(extra) or '*'}", MISSING, extra)

    def _are_alike(self, one: Mapping[str, Any], other: Mapping[str, Any], *, loose: bool) -> bool:
        return self._label(one) == self._label(other) and not any(self.differences("", one, other, loose=loose))

    def _label(self, value: Mapping[str, Any]) -> str:
        """What tells an object of a list apart; empty when all of it is made up."""
        if is_made_in_bulk(value):
            return without_generated(str(value.get("name") or value["fileName"]))
        for fields in _IDENTITIES:
            if all(value.get(field) is not None for field in fields):
                return " ".join(without_generated(self.name_of(str(value[field]))) for field in fields)
        return ""


def _are_lists_of_objects(expected: Any, got: Any) -> bool:
    if not (isinstance(expected, list) and isinstance(got, list)):
        return False
    every = [*expected, *got]
    return bool(every) and all(isinstance(each, Mapping) for each in every)
