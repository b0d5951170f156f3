"""Addresses, MTU, link state, routes and policy rules from ``ip -json``."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from wgreconcile.command import start
from wgreconcile.errors import CommandError
from wgreconcile.observed.model import LiveInterface, Route, Rule
from wgreconcile.values import Address, Network

_KERNELS_OWN = ("kernel", "2", "ra", "9")
_TABLES = {"254": "main", "255": "local"}


class LinkQuery:
    """All links of the host, asked for at once and read later."""

    def __init__(self) -> None:
        self._running = start(["ip", "-json", "address", "show"])

    @cached_property
    def result(self) -> dict[str, dict[str, Any]]:
        """Every link by name, as ``ip -json address show`` describes it."""
        links: list[dict[str, Any]] = json.loads(self._running.finish() or "[]")
        return {link["ifname"]: link for link in links if "ifname" in link}


def read_links() -> dict[str, dict[str, Any]]:
    """Every link by name, asked for and waited for."""
    return LinkQuery().result


def with_link(live: LiveInterface, link: dict[str, Any]) -> LiveInterface:
    """Add addresses, MTU and link state. Link-local addresses that the kernel made up are left out."""
    address = tuple(
        Address.parse(f"{each['local']}/{each['prefixlen']}")
        for each in link.get("addr_info", ())
        if "local" in each and not _is_automatic(each)
    )
    return replace(live, address=address, mtu=link["mtu"], is_up="UP" in link["flags"])


class _Routes(NamedTuple):
    """The routes of an interface, and the networks that the kernel routes there because of its addresses."""

    routes: frozenset[Route]
    connected: frozenset[Network]


class RouteQuery:
    """Routes of some interfaces and the policy rules: one ``ip`` process per IP version, whatever their number.

    ``names`` are those that exist: a question about one that does not ends all others.
    """

    _options = ("-json", "-Numeric", "-batch", "-")

    def __init__(self, names: Iterable[str]) -> None:
        self._ask(names)

    def _ask(self, names: Iterable[str]) -> None:
        self.names = tuple(filter(_exists, names))
        lines = ["rule show", *(f"route show dev {name} table all" for name in self.names)]
        versions = (4, 6) if Path("/proc/net/if_inet6").exists() else (4,)
        self._running = [
            (each, start(["ip", f"-{each}", *self._options], lines=lines)) for each in versions if self.names
        ]

    @cached_property
    def texts(self) -> list[tuple[int, str]]:
        """What ``ip`` printed, by IP version. Raise CommandError.

        An interface may go while it is asked about. Then it is asked once more about the others, unless it hung.
        """
        try:
            return self._finished()
        except CommandError as error:
            if error.status < 0:
                raise
            self._ask(self.names)
            return self._finished()

    def _finished(self) -> list[tuple[int, str]]:
        return [(version, running.finish()) for version, running in self._running]

    def with_routes(self, interfaces: Iterable[LiveInterface]) -> list[LiveInterface]:
        """Add routes and policy rules to those of the interfaces that were asked about."""
        found, rules = self._found
        return [
            replace(
                each,
                routes=found[each.name].routes,
                rules=frozenset(_own_rules(rules, each.fwmark, found[each.name].routes)),
                connected=found[each.name].connected,
            )
            for each in interfaces
            if each.name in found
        ]

    @cached_property
    def _found(self) -> tuple[dict[str, _Routes], frozenset[Rule]]:
        """What there is by interface, and the rules of the host."""
        routes: dict[str, set[Route]] = {name: set() for name in self.names}
        connected: dict[str, set[Network]] = {name: set() for name in self.names}
        rules: set[Rule] = set()
        for version, text in self.texts:
            first, *answers = _decode_all(text)
            if len(answers) != len(self.names):
                problem = f"{len(answers)} answers to {len(self.names)} questions; did an interface go?"
                raise CommandError(["ip", f"-{version}", *self._options], 0, problem)
            rules.update(_rules(first, version))
            for name, answer in zip(self.names, answers, strict=True):
                routes[name].update(_routes(answer, version))
                connected[name].update(_connected(answer, version))
        found = {each: _Routes(frozenset(routes[each]), frozenset(connected[each])) for each in self.names}
        return found, frozenset(rules)


def _exists(name: str) -> bool:
    try:
        return bool(socket.if_nametoindex(name))
    except OSError:
        return False


def _is_automatic(address: dict[str, Any]) -> bool:
    """Whether the kernel made up an address: one for every tun device, which wireguard-go's interface is."""
    return bool(address.get("stable-privacy")) or address.get("protocol") == "kernel_ll"


def _own_rules(rules: Set[Rule], mark: int, routes: Set[Route]) -> Iterator[Rule]:
    """The rules that serve an interface: of its own mark, and the shared ones about main's default route."""
    tables = {int(each.table) for each in routes if each.table.isdigit()} | {mark}
    return (rule for rule in rules if not rule.table or rule.table in tables)


def _routes(answer: list[dict[str, Any]], version: int) -> Iterator[Route]:
    for each in answer:
        table = _table(each)
        if table == "local" or _is_own(each) or not _is_unicast(each):
            continue
        yield Route(_destination(each["dst"], version), table)


def _connected(answer: list[dict[str, Any]], version: int) -> Iterator[Network]:
    """Networks that the kernel routes because an interface has an address of theirs, in whatever table."""
    own = (each for each in answer if _is_own(each) and _is_unicast(each) and _table(each) != "local")
    return (_destination(each["dst"], version) for each in own)


def _is_own(each: dict[str, Any]) -> bool:
    return each.get("protocol") in _KERNELS_OWN and each["dst"] != "default"


def _is_unicast(each: dict[str, Any]) -> bool:
    return each.get("type", "unicast") in ("unicast", "1") and each["dst"] != "multicast"


def _table(each: dict[str, Any]) -> str:
    """The number of a table, because names of tables are the host's own; but main is called main."""
    table = str(each.get("table", "main"))
    return _TABLES.get(table, table)


def _destination(text: str, version: int) -> Network:
    if text == "default":
        return Network("0.0.0.0/0" if version == 4 else "::/0")
    network = text if "/" in text else f"{text}/{32 if version == 4 else 128}"
    return Network.parse(network) if version == 6 and "." in text else Network(network)


def _rules(answer: list[dict[str, Any]], version: int) -> Iterator[Rule]:
    for each in answer:
        table = _table(each)
        if "not" in each and "fwmark" in each and table.isdigit() and int(each["fwmark"], 0) == int(table):
            yield Rule(version, int(table), each.get("priority", 0))
        elif table == "main" and each.get("suppress_prefixlen", each.get("suppress_prefixlength")) == 0:
            yield Rule(version, 0, each.get("priority", 0))


def _decode_all(text: str) -> list[list[dict[str, Any]]]:
    """One list per command of a batch; ``ip`` prints them one after the other."""
    decoder, answers, position = json.JSONDecoder(), [], 0
    while position < len(text):
        answer, position = decoder.raw_decode(text, position)
        answers.append(answer)
        while position < len(text) and text[position].isspace():
            position += 1
    return answers
