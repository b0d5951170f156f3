"""What few documents of a state say anew, at the price of these few.

Where all documents but a few are those that were remembered, none of the others is read, and none becomes a value.
Whatever is not that simple has no news here: loading the whole state tells all that is to be said about it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wgreconcile import files
from wgreconcile.desired import memory, rules
from wgreconcile.desired.layout import Stamp, document_of, stamp_of
from wgreconcile.desired.memory import Entry, Memory
from wgreconcile.desired.model import Interface, Peer
from wgreconcile.desired.recheck import reduced
from wgreconcile.desired.records import Record, interface_from, peer_from, to_record
from wgreconcile.values import PublicKey

if TYPE_CHECKING:
    from wgreconcile.desired.schema import Kind

FEW = 256
"""More documents than this are read as a state."""


@dataclass(frozen=True, slots=True)
class NewPeers:
    """An interface of whose peers some are not what they were: all of their keys, and those that there are now."""

    interface: Interface
    keys: frozenset[PublicKey]


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a state, interface by interface, and the memory that has it."""

    interfaces: tuple[NewPeers, ...]
    memory: Memory

    @property
    def version(self) -> str:
        """That of :attr:`DesiredState.version`."""
        return self.memory.version


class _NotSimple(Exception):
    """The whole state has to be looked at."""


def news(state: Path, known: Memory, stamps: Mapping[str, Stamp], looked_at: int, now: datetime) -> News | None:
    """What the documents with these ``stamps`` say that ``known`` does not; None when it is not simple.

    Simple are documents of peers that came, changed or went, without a key in them and without anything wrong.
    ``looked_at`` is when the stamps were taken, in nanoseconds.
    """
    try:
        fresh = Memory(dict(known.documents), known.warnings, looked_at, known.period)
        return _Reading(state, known, fresh).news(stamps, now)
    except (_NotSimple, OSError, UnicodeDecodeError):
        return None


class _Reading:
    """From what was ``known`` of a state folder to what is known of it now, which is ``fresh``."""

    def __init__(self, state: Path, known: Memory, fresh: Memory) -> None:
        self._state, self._known, self._fresh = state, known, fresh

    def news(self, stamps: Mapping[str, Stamp], now: datetime) -> News:
        if not self._known.period.has(now):
            raise _NotSimple
        changed = self._changed(stamps)
        found = self._by_interface(changed) if changed else {}
        if found and self._is_worth_saying(found, now):
            raise _NotSimple
        peers = (peer for each in found.values() for peer in each.interface.peers)
        self._fresh.period = self._known.period.with_new(peers, now)
        return News(tuple(found.values()), self._fresh)

    def _changed(self, stamps: Mapping[str, Stamp]) -> set[str]:
        """Read what may have changed; the paths of what has."""
        before, after = self._known.documents, self._fresh.documents
        gone = before.keys() - stamps.keys()
        moved = stamps.items() - {(path, tuple(entry[0])) for path, entry in before.items()}
        oldest = self._known.oldest_young
        young = (path for path, stamp in stamps.items() if stamp[0] >= oldest or stamp[3] >= oldest)
        unsure = {*(path for path, _ in moved), *young}
        if self._known.warnings is None or len(gone) + len(unsure) > FEW:
            raise _NotSimple
        for path in gone:
            del after[path]
        for path in unsure:
            after[path] = self._read(path, stamps[path], before.get(path))
        return gone | {path for path in unsure if path not in before or before[path][1] != after[path][1]}

    def _read(self, path: str, stamp: Stamp, entry: Entry | None) -> Entry:
        with files.opened(self._state / path) as file:
            content = file.read()
            if stamp_of(os.fstat(file.fileno())) != stamp:  # with this one others may have been written
                raise _NotSimple
        digest = memory.digest(content)
        if entry is not None and entry[1] == digest:
            return [stamp, digest, entry[2]]
        value = _value(path, content)
        record = to_record(value) if isinstance(value, Peer) else None
        if record is None:
            raise _NotSimple
        return [stamp, digest, record]

    def _by_interface(self, changed: set[str]) -> dict[str, NewPeers]:
        """The peers of changed documents, as they are now."""
        keys: dict[str, set[PublicKey]] = {}
        peers: dict[str, list[Peer]] = {}
        for path in changed:
            found = document_of(path)
            if found is None or not found.peer or any(each[0] == path for each in self._known.warnings or ()):
                raise _NotSimple
            for documents in (self._known.documents, self._fresh.documents):
                if path in documents:
                    keys.setdefault(found.interface, set()).add(PublicKey(_record(documents[path])[0]))
            if path in self._fresh.documents:
                peers.setdefault(found.interface, []).append(peer_from(_record(self._fresh.documents[path]), path))
        return {
            name: NewPeers(replace(self._interface(name), peers=tuple(peers.get(name, ()))), frozenset(keys[name]))
            for name in keys
        }

    def _is_worth_saying(self, found: Mapping[str, NewPeers], now: datetime) -> bool:
        """Whether a rule has anything to say about the new peers."""
        names = [path.removesuffix(".yaml") for path in self._fresh.documents if "/" not in path]
        findings = rules.check([self._with_neighbours(name, found.get(name)) for name in names], now)
        return any(not each.is_warning or each.peer for each in findings)

    def _with_neighbours(self, name: str, new: NewPeers | None) -> Interface:
        """The interface with its new peers, and those that share a key or an allowed IP with one of them."""
        interface = self._interface(name)
        if new is None:
            return replace(interface, peers=())
        networks = {network for each in new.interface.peers for network in each.allowed_ips}
        folder = f"{name}/"
        records = (
            (path, _record(entry)) for path, entry in self._fresh.documents.items() if path.startswith(folder)
        )
        beside = [
            peer_from(record, path)
            for path, record in records
            if record[0] in new.keys or not networks.isdisjoint(record[2])
        ]
        return reduced(replace(interface, peers=(*interface.peers, *beside)), new.keys)

    def _interface(self, name: str) -> Interface:
        """An interface with the peers that its own document lists."""
        path = f"{name}.yaml"
        entry = self._fresh.documents.get(path)
        if entry is None:
            raise _NotSimple
        if entry[2] is not None:
            return interface_from(entry[2], name, path)
        content = files.read(self._state / path)  # it holds a key, and so was not remembered
        value = _value(path, content)
        if not isinstance(value, Interface) or memory.digest(content) != entry[1]:
            raise _NotSimple
        return value


def _value(path: str, content: bytes) -> Interface | Peer | None:
    """What a document says; None when there is anything wrong with it."""
    from wgreconcile.desired.reading import read  # a run without news imports neither PyYAML nor jsonschema

    found = document_of(path)
    if found is None:
        return None
    kind: Kind = "peer" if found.peer else "interface"
    reading = read(kind, content.decode(), path, name=found.peer or found.interface, origin=path)
    return None if reading.faults else reading.value


def _record(entry: Entry) -> Record:
    """The record of a document; one with a key in it has none, and nobody knows what it says."""
    record: Record | None = entry[2]
    if record is None:
        raise _NotSimple
    return record
