"""Which routes and rules an interface shall have: what wg-quick would set up for the same configuration."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import LiveInterface, Route, Rule
from wgreconcile.values import Address, Network

MAIN_TABLE = "254"
DEFAULT_ROUTES = frozenset((Network("0.0.0.0/0"), Network("::/0")))


def default_routes(conf: Conf) -> frozenset[Network]:
    """The default routes that wg-quick serves with policy routing (wg-quick: add_default)."""
    if conf.table != "auto":
        return frozenset()
    return conf.networks & DEFAULT_ROUTES


def served_default_routes(live: LiveInterface) -> frozenset[Network]:
    """The default routes that go by the mark of a live interface now."""
    found = (each for each in live.routes if each.table == str(live.fwmark))
    return DEFAULT_ROUTES & {each.network for each in found}


def policy_table(conf: Conf, live: LiveInterface) -> int:
    """The table and mark of the default routes: from the state, the live routes or the live mark; 0 if none.

    The routes tell more than the mark: a mark changed by hand leaves routes and rules where they were.
    """
    if conf.fwmark:
        return conf.fwmark
    tables = {int(each.table) for each in live.routes if each.network in DEFAULT_ROUTES and each.table.isdigit()}
    return live.fwmark if live.fwmark in tables or not tables else min(tables)


def guarded(conf: Conf, addresses: Iterable[Address]) -> frozenset[Address]:
    """Those that packets reach through the interface alone: in a full tunnel, by rules of the firewall.

    wg-quick sets these for the addresses that are there as it brings the interface up (wg-quick: add_default).
    """
    versions = {each.version for each in default_routes(conf)}
    return frozenset(each for each in addresses if each.version in versions)


def carries_ipv6(conf: Conf) -> bool:
    """Whether the interface has an IPv6 address, or a route for one."""
    networks = conf.networks if conf.table != "off" else ()
    return any(each.version == 6 for each in (*conf.address, *networks))


def expected_routes(conf: Conf, table: int) -> frozenset[Route]:
    """The routes for all allowed IPs; ``table`` is the number of the default routes' table, 0 if none.

    As in wg-quick (add_route): none with ``Table = off``; all of them in a named table; otherwise one for
    each network that no address of the interface already covers, and default routes in a table of their own.
    """
    return _expected(conf.networks, conf.address, conf.table, table)


@lru_cache(maxsize=16)
def _expected(
    networks: frozenset[Network], address: tuple[Address, ...], table: str, policy: int
) -> frozenset[Route]:
    """Remembered: goal, baseline and verification ask the same, and mostly for the same allowed IPs."""
    if table == "off":
        return frozenset()
    if table != "auto":
        return frozenset(Route(each, "main" if table == MAIN_TABLE else table) for each in networks)
    connected = [each.network.bounds for each in address]
    defaults = networks & DEFAULT_ROUTES
    routes = {Route(each) for each in networks - defaults if not _is_covered(each, connected)}
    if policy:
        routes.update(Route(each, str(policy)) for each in defaults)
    return frozenset(routes)


def expected_rules(conf: Conf, table: int) -> frozenset[Rule]:
    """The policy rules that go with the default routes."""
    versions = {each.version for each in default_routes(conf)}
    return frozenset(Rule(version, number) for version in versions for number in (table, 0))


def _is_covered(network: Network, connected: list[tuple[int, int, int]]) -> bool:
    version, first, last = network.bounds
    return any(version == other and low <= first and last <= high for other, low, high in connected)
