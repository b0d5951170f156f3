"""What is live, read again and again: one ``wg show all dump``, and ``ip`` for the addresses beside it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from operator import attrgetter

from wgreconcile.observed.dump import DumpQuery
from wgreconcile.observed.ip import read_links, with_link
from wgreconcile.observed.model import LiveInterface, LivePeer
from wgreconcile.observed.wg import parse_dump
from wgreconcile.values import PublicKey


@dataclass(frozen=True, slots=True)
class _Seen:
    """The peers of an interface, by the lines that they were read from, and in order."""

    by_line: dict[str, LivePeer] = field(default_factory=dict)
    peers: tuple[LivePeer, ...] = ()


class LiveReader:
    """Reads all live interfaces, without routes and rules. Not safe for two threads at once.

    Of ten thousand peers few do anything between two readings: one whose line is as it was stays the same
    object, and where all are, so do the peers of the interface. That costs a look into a dictionary, and lets
    others skip them by identity.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def read(self) -> tuple[LiveInterface, ...]:
        """All WireGuard interfaces, sorted by name. Raise DependencyError, CommandError."""
        with ThreadPoolExecutor(1) as pool:
            links = pool.submit(read_links)
            found = self.parse(DumpQuery().text)
            linked = links.result()
        return tuple(with_link(each, linked[each.name]) for each in found if each.name in linked)

    def parse(self, text: str) -> tuple[LiveInterface, ...]:
        """As :func:`parse_dump`, sorted by name, with the values of the reading before where nothing changed."""
        found = [self._interface(lines) for lines in _by_interface(text)]
        self._seen = {interface.name: seen for interface, seen in found}
        return tuple(sorted((interface for interface, _ in found), key=attrgetter("name")))

    def _interface(self, lines: list[str]) -> tuple[LiveInterface, _Seen]:
        header, *lines = lines
        seen = self._seen.get(header.partition("\t")[0], _Seen())
        new = [line for line in lines if line not in seen.by_line]
        (interface,) = parse_dump("\n".join([header, *new]))
        if new or len(lines) != len(seen.by_line):
            changed = {each.public_key: each for each in interface.peers}
            own = {line: seen.by_line.get(line) or changed[_public_key(line)] for line in lines}
            seen = _Seen(own, tuple(sorted(own.values(), key=attrgetter("public_key"))))
        return replace(interface, peers=seen.peers), seen


def _by_interface(text: str) -> Iterator[list[str]]:
    """The lines of each interface, its own line first."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and line.count("\t") == 4:
            yield lines
            lines = []
        lines.append(line)
    if lines:
        yield lines


def _public_key(line: str) -> PublicKey:
    return PublicKey(line.split("\t", 2)[1])
