"""A store for a process that lives long: the state stays in memory, and only documents that changed are read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from wgreconcile import files
from wgreconcile.desired.edit import reads_as
from wgreconcile.desired.layout import Stamp, document_of, stamps
from wgreconcile.desired.loading import Overlay
from wgreconcile.desired.memory import RACY_NS, digest
from wgreconcile.desired.model import DesiredState, Peer
from wgreconcile.desired.moments import Period
from wgreconcile.desired.pending import Value, lay_over
from wgreconcile.desired.reading import read
from wgreconcile.desired.recheck import recheck
from wgreconcile.desired.saving import Snapshot
from wgreconcile.desired.schema import Kind
from wgreconcile.desired.store import Data, Foreseen, Store
from wgreconcile.errors import StateError

RECENT = 1.0
"""Seconds for which the state in memory counts as recent."""

TICK_NS = 50_000_000
"""What RACY_NS is where times have fractions of a second: the kernel takes them from a clock of 1 to 10 ms."""

_SECOND = 1_000_000_000

_Said = tuple[str, Value | None]
"""What a document says: the digest of its content, and its value; no value for one that is gone."""

Said = Mapping[str, _Said]


@dataclass(frozen=True, slots=True)
class _Memory:
    """A sound state and the documents that it came from.

    ``young`` are those that may change again without a new stamp (see RACY_NS, TICK_NS), ``said`` those that
    were read one by one. ``at`` is when the folder was looked at, on the monotonic clock; ``period`` is when time
    alone does not break a rule.
    """

    state: DesiredState
    stamps: Mapping[str, Stamp]
    young: frozenset[str]
    at: float
    period: Period
    said: Said = field(default_factory=dict)

    def is_recent(self, within: float | None = None) -> bool:
        return time.monotonic() - self.at < (RECENT if within is None else within)


class WarmStore(Store):
    """A store whose :meth:`load` costs a look at the stamps, and as much again as has changed.

    Safe to use from many threads. Whatever is not as simple as a few sound documents that changed is left to the
    plain store, which reads all and tells all faults.
    """

    def __init__(self, state: Path, *, cache: Path | None = None) -> None:
        super().__init__(state, cache=cache)
        self._mutex = threading.Lock()
        self._memory: _Memory | None = None
        self._to_be_said: Said = {}

    def stamps(self) -> dict[str, Stamp]:
        at, found = time.monotonic(), super().stamps()
        with self._mutex:
            memory = self._memory
            if memory is not None and not memory.young and memory.stamps == found:
                self._memory = replace(memory, at=at)
        return found

    def recent(self, within: float | None = None) -> DesiredState:
        memory = self._memory
        return memory.state if memory is not None and memory.is_recent(within) else self.load()

    def restore(self, snapshot: Snapshot) -> None:
        super().restore(snapshot)
        with self._mutex:
            if self._memory is not None:
                self._memory = replace(self._memory, at=float("-inf"))

    def _checked(self, overlay: Overlay) -> DesiredState:
        with self._mutex:
            if self._memory is None or not overlay or not self._memory.is_recent():
                self._memory = self._refreshed(self._memory)
            if not overlay:
                return self._memory.state
            read = {path: self._said(path, text) for path, text in overlay.items()}
            self._to_be_said = {path: each for path, each in read.items() if each is not None}
            is_sound = len(self._to_be_said) == len(read)
            after = _after(self._memory.state, self._to_be_said) if is_sound else None
        return after or super()._checked(overlay)

    def _foreseen(
        self, overlay: Overlay, data: Mapping[str, Data | None], foreseen: Foreseen
    ) -> DesiredState | None:
        with self._mutex:
            memory = self._memory
            if memory is None or not memory.is_recent() or memory.state is not foreseen.before:
                return None
            if not all(text is None or reads_as(text, data[path] or {}) for path, text in overlay.items()):
                return None
            self._to_be_said = {
                path: ("" if text is None else digest(text.encode()), foreseen.values[path])
                for path, text in overlay.items()
            }
        return foreseen.after

    def _saved(self, state: DesiredState) -> None:
        with self._mutex:
            if self._memory is not None:
                said = {**self._memory.said, **self._to_be_said}
                young = self._memory.young.union(self._to_be_said)  # their stamps are not known yet
                period = self._memory.period.with_new(_peers(self._to_be_said), datetime.now(timezone.utc))
                self._memory = replace(self._memory, state=state, period=period, said=said, young=young)

    def _refreshed(self, memory: _Memory | None) -> _Memory:
        """What is in memory, brought up to date. Raise StateError with all faults."""
        at, looked_at, now = time.monotonic(), time.time_ns(), datetime.now(timezone.utc)
        try:
            found = stamps(self.state)
        except OSError:
            super()._checked({})  # tells what is wrong with the folder
            raise
        is_sound = memory is not None and memory.period.has(now)
        if memory is not None and is_sound and (news := self._news(memory, found)) is not None:
            said = {path: each for path, each in news.items() if each is not memory.said.get(path)}
            if state := _after(memory.state, said):
                period = memory.period.with_new(_peers(said), now)
                young = _young(news, found, looked_at)
                return _Memory(state, found, young, at, period, {**memory.said, **said})
        state = super()._checked({})
        period = Period.of((peer for each in state.interfaces for peer in each.peers), now)
        return _Memory(state, found, _young(found, found, looked_at), at, period)

    def _news(self, memory: _Memory, found: Mapping[str, Stamp]) -> Said | None:
        """What documents say that were changed, or may have been; None when one of them is not simply sound."""
        changed = {path for path, _ in found.items() ^ memory.stamps.items()} if found != memory.stamps else set()
        news: dict[str, _Said] = {}
        for path in changed | memory.young:
            said = self._said(path, self._text(path) if path in found else None, memory.said.get(path))
            if said is None:
                return None
            news[path] = said
        return news

    def _said(self, path: str, text: str | None, known: _Said | None = None) -> _Said | None:
        """What a document of this text says; None when it is not sound."""
        place = document_of(path)
        if text is None or place is None:
            return ("", None) if place else None
        name = digest(text.encode())
        if known is not None and known[0] == name:
            return known
        kind: Kind = "peer" if place.peer else "interface"
        reading = read(kind, text, path, name=place.peer or place.interface, origin=path)
        return None if reading.faults else (name, reading.value)

    def _text(self, path: str) -> str:
        try:
            return files.read(self.state / path).decode()
        except (OSError, UnicodeDecodeError):
            return "\0"  # not sound; the plain store says why


def _after(state: DesiredState, said: Said) -> DesiredState | None:
    """The state once documents say this; None when a rule is broken."""
    if not said:
        return state
    now = datetime.now(timezone.utc)
    try:
        laid = lay_over(state, {path: value for path, (_, value) in said.items()}, now)
    except StateError:
        return None
    findings = recheck(state, laid.state, laid.touched, now)
    return laid.state if all(each.is_warning for each in findings) else None


def _peers(said: Said) -> Iterator[Peer]:
    for _, value in said.values():
        yield from (value,) if isinstance(value, Peer) else value.peers if value else ()


def _young(paths: Iterable[str], found: Mapping[str, Stamp], looked_at: int) -> frozenset[str]:
    return frozenset(path for path in paths if path in found and _is_young(found[path], looked_at))


def _is_young(stamp: Stamp, looked_at: int) -> bool:
    newest = max(stamp[0], stamp[3])
    return newest >= looked_at - (TICK_NS if newest % _SECOND else RACY_NS)
