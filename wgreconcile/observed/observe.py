"""Look at the host: configuration files, live interfaces, addresses and routes. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from wgreconcile.files import read
from wgreconcile.observed.dump import DumpQuery
from wgreconcile.observed.ip import LinkQuery, RouteQuery, with_link
from wgreconcile.observed.model import ConfFile, LiveInterface, ObservedInterface, ObservedState
from wgreconcile.observed.wg import parse_dump
from wgreconcile.values import is_interface_name


@dataclass(frozen=True, slots=True)
class Beside:
    """What a look at few peers leaves out of all that it looked for, and the names of what else there is.

    ``lines`` are of other peers in a dump, ``interfaces`` the others without their peers.
    """

    lines: frozenset[str] = field(repr=False)
    interfaces: tuple[ObservedInterface, ...] = ()
    names: tuple[frozenset[str], ...] = ()

    def is_like(self, before: Beside) -> bool:
        """Whether this says what was said before, but for handshakes, counters and where peers are."""
        if (self.interfaces, self.names) != (before.interfaces, before.names):
            return False
        now, then = (dict(map(_settled, each)) for each in (self.lines - before.lines, before.lines - self.lines))
        return now.keys() == then.keys() and all(now[each] or not then[each] for each in now)


def _settled(line: str) -> tuple[str, bool]:
    """A line of a dump without what changes by itself, and whether it tells where a peer is.

    That is handshake, counters, and the endpoint, of which only its loss means something: it was set by somebody.
    """
    fields = line.split("\t")
    if len(fields) != 9:
        return line, False
    return "\t".join((*fields[:3], fields[4], fields[8])), fields[3] != "(none)"


class Look:
    """A look at the host that has begun: its programs run while the caller does something else.

    Files are read once, so that whatever is asked of a look is about the same host.
    """

    def __init__(self, conf_dir: Path, names: Iterable[str]) -> None:
        self._conf_dir = conf_dir
        self._wanted = frozenset(names)
        self._dump = DumpQuery()
        self._links = LinkQuery()
        self._routes = RouteQuery(sorted(self._wanted))

    @cached_property
    def _lines(self) -> list[tuple[str, str, str]]:
        """The lines of the dump, each led by its interface and its second field, which is a peer's public key."""
        split = ((line.split("\t", 2), line) for line in self._dump.text.splitlines())
        return [(fields[0], fields[1], line) for fields, line in split]

    @cached_property
    def _files(self) -> dict[str, ConfFile | None]:
        return {name: read_file(self._conf_dir, name) for name in sorted(self._wanted)}

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(list_files(self._conf_dir))

    def fingerprint(self) -> Iterator[str]:
        """Texts that are the same when a later look finds the same, but for handshakes, counters and roaming.

        Cheaper than to build what they say and to compare that. Raise CommandError.
        """
        # wireguard-go lists peers in an order that changes.
        yield "\n".join(f"{text} {known}" for text, known in sorted(map(_settled, self._dump.text.splitlines())))
        for name in sorted(self._wanted & self._links.result.keys()):
            link = self._without_peers(name)
            yield repr((name, link.address, link.mtu, link.is_up))
        yield repr(self._routes.texts)
        yield repr(sorted(self._listed))
        for name, file in self._files.items():
            yield repr((name, file and (file.mode, file.text)))

    def few(self, name: str, keys: Set[str]) -> tuple[ObservedInterface, Beside]:
        """One interface as if it had only the peers of these public keys, and what was seen beside it.

        Raise CommandError when one of the programs failed.
        """
        lines, beside, names = [], [], set()
        for interface, second, line in self._lines:
            if interface == name and (second in keys or name not in names):  # its own line is the first one
                lines.append(line)
            elif interface in self._wanted:
                beside.append(line)
            names.add(interface)
        links = self._links.result
        found = [with_link(each, links[name]) for each in parse_dump("\n".join(lines)) if name in links]
        others = sorted(self._wanted - {name})
        with_routes = self._routes.with_routes(
            [*found, *(self._without_peers(each) for each in others if each in links)]
        )
        live = {each.name: each for each in with_routes}
        observed, *rest = (ObservedInterface(each, self._files[each], live.get(each)) for each in (name, *others))
        return observed, Beside(frozenset(beside), tuple(rest), (self._listed, frozenset(names)))

    def _without_peers(self, name: str) -> LiveInterface:
        return with_link(LiveInterface(name, None, None, 0, 0, ()), self._links.result[name])

    def of(self, name: str) -> Look:
        """What a look at one of the interfaces would have seen in its place."""
        other = copy(self)
        other._wanted = frozenset([name])
        return other

    def result(self) -> ObservedState:
        """What is there. Raise CommandError when one of the programs failed."""
        found = {each.name: each for each in parse_dump(self._dump.text)}
        links = self._links.result
        ours = [with_link(found[name], links[name]) for name in self._wanted & found.keys() & links.keys()]
        if not {each.name for each in ours} <= set(self._routes.names):
            return observe(self._conf_dir, self._wanted)  # one came up while we looked
        live = {each.name: each for each in self._routes.with_routes(ours)}
        return ObservedState(
            tuple(ObservedInterface(each, self._files[each], live.get(each)) for each in self._wanted),
            other_files=tuple(sorted(self._listed - self._wanted)),
            other_live=tuple(sorted(found.keys() - self._wanted)),
        )


def observe(conf_dir: Path, names: Iterable[str]) -> ObservedState:
    """Observe the named interfaces, on disk and live; of all others only that they exist.

    Raise DependencyError without wireguard-tools or iproute2, CommandError when one of them fails.
    """
    return Look(conf_dir, names).result()


def observe_files(conf_dir: Path, names: Iterable[str]) -> ObservedState:
    """Observe files alone, without WireGuard and without privileges: one that may not be read is not seen."""
    wanted = set(names)
    return ObservedState(
        tuple(ObservedInterface(name, _readable_file(conf_dir, name)) for name in wanted),
        other_files=tuple(sorted(list_files(conf_dir) - wanted)),
    )


def read_file(conf_dir: Path, name: str) -> ConfFile | None:
    """The configuration file of an interface; None when there is none."""
    path = conf_dir / f"{name}.conf"
    try:
        text = read(path).decode("utf-8", "surrogateescape")
        return ConfFile(str(path), path.stat().st_mode & 0o7777, text)
    except FileNotFoundError:
        return None


def _readable_file(conf_dir: Path, name: str) -> ConfFile | None:
    try:
        return read_file(conf_dir, name)
    except PermissionError:
        return None


def list_files(conf_dir: Path) -> set[str]:
    """Names of the interfaces that have a configuration file."""
    return {path.stem for path in conf_dir.glob("*.conf") if is_interface_name(path.stem)}
