"""Addresses, MTU, link state, routes and policy rules from ``ip -json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wgreconcile.command import run
from wgreconcile.errors import CommandError
from wgreconcile.observed.model import LiveInterface, Route, Rule
from wgreconcile.values import Address, Network

_KERNELS_OWN = ("kernel", "2", "ra", "9")
_TABLES = {"254": "main", "255": "local"}


def read_links() -> dict[str, dict[str, Any]]:
    """Every link of the host by name, as ``ip -json address show`` describes it."""
    return {link["ifname"]: link for link in _load(run(["ip", "-json", "address", "show"])) if "ifname" in link}


def with_link(live: LiveInterface, link: dict[str, Any]) -> LiveInterface:
    """Add addresses, MTU and link state. Link-local addresses that the kernel made up are left out."""
    address = tuple(
        Address.parse(f"{each['local']}/{each['prefixlen']}")
        for each in link.get("addr_info", ())
        if "local" in each and not _is_automatic(each)
    )
    return replace(live, address=address, mtu=link["mtu"], is_up="UP" in link["flags"])


def with_routes(interfaces: Sequence[LiveInterface]) -> list[LiveInterface]:
    """Add routes and policy rules: one ``ip`` process per IP version, whatever the number of interfaces."""
    if not interfaces:
        return []
    lines = ["rule show", *(f"route show dev {each.name} table all" for each in interfaces)]
    routes: list[set[Route]] = [set() for _ in interfaces]
    rules: set[Rule] = set()
    for version in (4, 6) if Path("/proc/net/if_inet6").exists() else (4,):
        argv = ["ip", f"-{version}", "-json", "-Numeric", "-batch", "-"]
        answers = _decode_all(run(argv, stdin="\n".join(lines) + "\n"))
        if len(answers) != len(lines):
            raise CommandError(argv, 0, f"{len(answers)} answers to {len(lines)} questions; did an interface go?")
        rules.update(_rules(answers[0], version))
        for found, answer in zip(routes, answers[1:], strict=True):
            found.update(_routes(answer, version))
    return [
        replace(each, routes=frozenset(found), rules=frozenset(_own_rules(rules, each)))
        for each, found in zip(interfaces, routes, strict=True)
    ]


def _is_automatic(address: dict[str, Any]) -> bool:
    """Whether the kernel made up an address: one for every tun device, which wireguard-go's interface is."""
    return bool(address.get("stable-privacy")) or address.get("protocol") == "kernel_ll"


def _own_rules(rules: set[Rule], live: LiveInterface) -> Iterator[Rule]:
    """The rules that serve an interface: of its own mark, and the shared ones about main's default route."""
    tables = {int(each.table) for each in live.routes if each.table.isdigit()} | {live.fwmark}
    return (rule for rule in rules if not rule.table or rule.table in tables)


def _routes(answer: list[dict[str, Any]], version: int) -> Iterator[Route]:
    for each in answer:
        table = _table(each)
        own = each.get("protocol") in _KERNELS_OWN and each["dst"] != "default"
        if table == "local" or own or each.get("type", "unicast") != "unicast" or each["dst"] == "multicast":
            continue
        yield Route(_destination(each["dst"], version), table)


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
            yield Rule(version, int(table))
        elif table == "main" and each.get("suppress_prefixlen", each.get("suppress_prefixlength")) == 0:
            yield Rule(version, 0)


def _load(text: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(text or "[]")
    return loaded


def _decode_all(text: str) -> list[list[dict[str, Any]]]:
    """One list per command of a batch; ``ip`` prints them one after the other."""
    decoder, answers, position = json.JSONDecoder(), [], 0
    while position < len(text):
        answer, position = decoder.raw_decode(text, position)
        answers.append(answer)
        while position < len(text) and text[position].isspace():
            position += 1
    return answers
