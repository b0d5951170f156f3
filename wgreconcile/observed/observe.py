"""Look at the host: configuration files, live interfaces, addresses and routes. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from wgreconcile.command import run
from wgreconcile.observed.ip import read_links, with_link, with_routes
from wgreconcile.observed.model import ConfFile, LiveInterface, ObservedInterface, ObservedState
from wgreconcile.observed.wg import parse_dump
from wgreconcile.values import is_interface_name


def observe(conf_dir: Path, names: Iterable[str]) -> ObservedState:
    """Observe the named interfaces, on disk and live; of all others only that they exist.

    Raise DependencyError without wireguard-tools or iproute2, CommandError when one of them fails.
    """
    wanted = set(names)
    with ThreadPoolExecutor(1) as pool:
        links = pool.submit(read_links)
        found = {each.name: each for each in parse_dump(run(["wg", "show", "all", "dump"]))}
        live = _complete([found[name] for name in sorted(wanted & found.keys())], links.result())
    files = list_files(conf_dir)
    return ObservedState(
        tuple(ObservedInterface(name, read_file(conf_dir, name), live.get(name)) for name in wanted),
        other_files=tuple(sorted(files - wanted)),
        other_live=tuple(sorted(found.keys() - wanted)),
    )


def observe_files(conf_dir: Path, names: Iterable[str]) -> ObservedState:
    """Observe files alone: neither WireGuard nor privileges are needed beyond reading them."""
    wanted = set(names)
    return ObservedState(
        tuple(ObservedInterface(name, read_file(conf_dir, name)) for name in wanted),
        other_files=tuple(sorted(list_files(conf_dir) - wanted)),
    )


def read_file(conf_dir: Path, name: str) -> ConfFile | None:
    """The configuration file of an interface; None when there is none."""
    path = conf_dir / f"{name}.conf"
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            mode = path.stat().st_mode & 0o7777
            return ConfFile(str(path), mode, file.read())
    except FileNotFoundError:
        return None


def list_files(conf_dir: Path) -> set[str]:
    """Names of the interfaces that have a configuration file."""
    return {path.stem for path in conf_dir.glob("*.conf") if is_interface_name(path.stem)}


def _complete(live: list[LiveInterface], links: dict[str, dict[str, object]]) -> dict[str, LiveInterface]:
    linked = [with_link(each, links[each.name]) for each in live if each.name in links]
    return {each.name: each for each in with_routes(linked)}
