"""Look at the host: configuration files, live interfaces, addresses and routes. Nothing here writes."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from wgreconcile.command import start
from wgreconcile.files import read
from wgreconcile.observed.ip import LinkQuery, RouteQuery, with_link
from wgreconcile.observed.model import ConfFile, LiveInterface, ObservedInterface, ObservedState
from wgreconcile.observed.wg import parse_dump
from wgreconcile.values import is_interface_name

_VOLATILE = re.compile(r"\t(?:(\(none\))|[^\t\n]+)\t([^\t\n]+)\t\d+\t\d+\t\d+\t([^\t\n]+)$", re.MULTILINE)
"""The end of a peer's line in a dump: whether an endpoint is known, allowed IPs, what changes, the keepalive."""


class Look:
    """A look at the host that has begun: its programs run while the caller does something else."""

    def __init__(self, conf_dir: Path, names: Iterable[str]) -> None:
        self._conf_dir = conf_dir
        self._wanted = frozenset(names)
        self._dump = start(["wg", "show", "all", "dump"])
        self._links = LinkQuery()
        self._routes = RouteQuery(sorted(filter(_exists, self._wanted)))

    @cached_property
    def _dumped(self) -> str:
        return self._dump.finish()

    def fingerprint(self) -> Iterator[str]:
        """Texts that are the same when a later look finds the same, but for handshakes, counters and roaming.

        Cheaper than to build what they say and to compare that. Raise CommandError.
        """
        # wireguard-go lists peers in an order that changes.
        yield from sorted(_VOLATILE.sub(r"\t\1\t\2\t\3", self._dumped).splitlines())
        for name in sorted(self._wanted & self._links.result.keys()):
            link = with_link(LiveInterface(name, None, None, 0, 0, ()), self._links.result[name])
            yield repr((name, link.address, link.mtu, link.is_up))
        yield repr(self._routes.texts)
        yield repr(sorted(list_files(self._conf_dir)))
        for name in sorted(self._wanted):
            file = read_file(self._conf_dir, name)
            yield repr((name, file and (file.mode, file.text)))

    def result(self) -> ObservedState:
        """What is there. Raise CommandError when one of the programs failed."""
        found = {each.name: each for each in parse_dump(self._dumped)}
        links = self._links.result
        ours = [with_link(found[name], links[name]) for name in self._wanted & found.keys() & links.keys()]
        if not {each.name for each in ours} <= set(self._routes.names):
            return observe(self._conf_dir, self._wanted)  # one came up while we looked
        live = {each.name: each for each in self._routes.with_routes(ours)}
        files = list_files(self._conf_dir)
        return ObservedState(
            tuple(
                ObservedInterface(each, read_file(self._conf_dir, each), live.get(each)) for each in self._wanted
            ),
            other_files=tuple(sorted(files - self._wanted)),
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


def _exists(name: str) -> bool:
    try:
        return bool(socket.if_nametoindex(name))
    except OSError:
        return False
