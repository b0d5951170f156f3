"""One pass over a state folder: every document read or remembered, checked together, with all faults at once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wgreconcile import files
from wgreconcile.desired import memory, records, rules
from wgreconcile.desired.layout import Found, document_of, scan
from wgreconcile.desired.memory import Entry, Memory
from wgreconcile.desired.model import DesiredState, Interface, Peer
from wgreconcile.desired.moments import Period
from wgreconcile.desired.places import Placer
from wgreconcile.desired.recheck import reduced
from wgreconcile.errors import Fault, StateError
from wgreconcile.values import PublicKey

Overlay = Mapping[str, str | None]
"""Texts that are to be, by path below the state folder; None for a document that is to go."""


def load(state: Path, cache: Path | None, overlay: Overlay | None = None) -> DesiredState:
    """The desired state of a folder, or what it would be with ``overlay`` over it.

    Raise StateError with all faults of all documents. Without an overlay, ``cache`` remembers what was read.
    """
    loading = _Loading(state, memory.recall(cache, state), overlay or {})
    loaded = loading.run()
    if not overlay and loading.news:
        memory.remember(cache, state, loading.fresh)
    if loading.faults:
        raise StateError(loading.faults)
    return loaded


class _Loading:
    def __init__(self, state: Path, known: Memory, overlay: Overlay) -> None:
        self.faults: list[Fault] = []
        self.fresh = Memory(looked_at=time.time_ns())
        self.news = 0
        """How much is not as it was remembered."""
        self._all_known = True
        self._touched: dict[str, set[PublicKey]] | None = {}
        """Peers of documents that were never checked; None when an interface's own document was not."""
        self._state = state
        self._known = known
        self._overlay = overlay

    def run(self) -> DesiredState:
        interfaces = self._interfaces(self._documents())
        if len(self.fresh.documents) != len(self._known.documents):
            self.news, self._all_known = self.news + 1, False
        warnings = self._check(interfaces)
        version = self.fresh.version if not self._overlay else ""
        return DesiredState(tuple(interfaces), warnings, version)

    def _documents(self) -> list[Found]:
        """The documents in order of their paths, those of the overlay in place of those on disk."""
        layout = scan(self._state)
        self.faults += layout.faults
        documents = [each for each in layout.documents if each.path not in self._overlay]
        for path, text in self._overlay.items():
            found = document_of(path)
            documents += [found] if found and text is not None else []
        interfaces = {each.interface for each in documents if not each.peer} | layout.misnamed
        orphaned = {each.interface for each in documents} - interfaces
        self.faults += [self._orphan(name) for name in orphaned]
        return [each for each in documents if each.interface not in orphaned]

    def _orphan(self, name: str) -> Fault:
        problem = f"has peers of an interface {name}, which has no document"
        return Fault(str(self._state / name), 0, "", problem, f"write {name}.yaml beside it, or remove it")

    def _interfaces(self, documents: list[Found]) -> list[Interface]:
        """The interfaces with the peers of both places; of a faulty document, what is sound of it."""
        interfaces: dict[str, Interface] = {}
        peers: dict[str, list[Peer]] = defaultdict(list)
        for found in documents:
            value = self._value(found)
            if isinstance(value, Peer):
                peers[found.interface].append(value)
            elif not found.peer:
                interfaces[found.interface] = value or Interface(found.interface, origin=found.path)
        for name in peers.keys() - interfaces.keys():  # its document is misnamed
            interfaces[name] = Interface(name, origin=name)
        return [
            replace(each, peers=(*each.peers, *peers[name])) if name in peers else each
            for name, each in interfaces.items()
        ]

    def _value(self, found: Found) -> Interface | Peer | None:
        entry = self._known.documents.get(found.path)
        if entry and entry[2] and tuple(entry[0]) == found.stamp and self._known.trusts(found.stamp):
            self.fresh.documents[found.path] = entry
            return _from_record(found, entry[2])
        return self._read(found, entry)

    def _read(self, found: Found, entry: Entry | None) -> Interface | Peer | None:
        """Read a document whose stamp says too little; the same text as before need not be checked again."""
        try:
            text = self._text(found.path)
        except (OSError, UnicodeDecodeError) as error:
            self.faults.append(_unreadable(str(self._state / found.path), error))
            return None
        digest = memory.digest(text.encode())
        is_known = entry is not None and entry[1] == digest
        if entry is not None and is_known and entry[2] is not None:
            value: Interface | Peer | None = _from_record(found, entry[2])
            self._keep(found, [found.stamp, digest, entry[2]], entry)
            return value
        # A run that knows all documents imports neither PyYAML nor jsonschema.
        from wgreconcile.desired.reading import read

        reading = read(
            "peer" if found.peer else "interface",
            text,
            str(self._state / found.path),
            name=found.peer or found.interface,
            origin=found.path,
            checked=is_known,
        )
        self.faults += reading.faults
        self._all_known &= is_known
        if not is_known and self._touched is not None:
            self._touch(found, reading.value)
        if reading.value is not None and not reading.faults:
            self._keep(found, [found.stamp, digest, records.to_record(reading.value)], entry)
        return reading.value

    def _touch(self, found: Found, value: Interface | Peer | None) -> None:
        if isinstance(value, Peer) and self._touched is not None:
            self._touched.setdefault(found.interface, set()).add(value.public_key)
        else:
            self._touched = None

    def _keep(self, found: Found, fresh: Entry, entry: Entry | None) -> None:
        self.fresh.documents[found.path] = fresh
        is_same = entry is not None and tuple(entry[0]) == found.stamp and entry[1] == fresh[1]
        # A document that was too young to trust its stamp is old enough now: the next run need not read it.
        if not is_same or (self.fresh.trusts(found.stamp) and not self._known.trusts(found.stamp)):
            self.news += 1

    def _text(self, path: str) -> str:
        text = self._overlay.get(path)
        return text if text is not None else files.read(self._state / path).decode()

    def _check(self, interfaces: list[Interface]) -> tuple[Fault, ...]:
        """Check the state as a whole, unless it is the one that was checked before; gives the warnings."""
        now = datetime.now(timezone.utc)
        is_sound_still = self._known.warnings is not None and self._known.period.has(now) and not self.faults
        if is_sound_still and self._all_known:
            self.fresh.warnings, self.fresh.period = self._known.warnings, self._known.period
            return tuple(self._warning(*each) for each in self._known.warnings or ())
        checked: list[Interface] = interfaces
        warnings_kept: list[list[Any]] = []
        if is_sound_still and self._touched is not None:
            checked = [reduced(each, self._touched.get(each.name, frozenset())) for each in interfaces]
            untouched = self.fresh.documents.keys() - {peer.origin for each in checked for peer in each.peers}
            warnings_kept = [each for each in self._known.warnings or () if each[0] in untouched]
        findings = rules.check(checked, now)
        placer = Placer(self._state, self._text)
        placed = [(each, placer.fault(*each.place, each.problem, each.remedy)) for each in findings]
        self.faults += [fault for finding, fault in placed if not finding.is_warning]
        warnings = [(finding, fault) for finding, fault in placed if finding.is_warning]
        if not self.faults:
            self.fresh.period = Period.of((peer for each in interfaces for peer in each.peers), now)
            self.fresh.warnings = warnings_kept + [
                [finding.origin, fault.line, fault.field, fault.problem, fault.remedy]
                for finding, fault in warnings
            ]
        self.news += (self.fresh.warnings, self.fresh.period) != (self._known.warnings, self._known.period)
        return (*(self._warning(*each) for each in warnings_kept), *(fault for _, fault in warnings))

    def _warning(self, origin: str, line: int, field: str, problem: str, remedy: str) -> Fault:
        return Fault(str(self._state / origin), line, field, problem, remedy)


def _from_record(found: Found, record: records.Record) -> Interface | Peer:
    if found.peer:
        return records.peer_from(record, found.path)
    return records.interface_from(record, found.interface, found.path)


def _unreadable(file: str, error: OSError | UnicodeDecodeError) -> Fault:
    if isinstance(error, OSError):
        return Fault(file, 0, "", f"cannot be read: {error.strerror}", "put a file there that can be read")
    line = bytes(error.object).count(b"\n", 0, error.start) + 1
    return Fault(file, line, "", "is not UTF-8", "save it as UTF-8")
