"""Routes and rules that an interface shall have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import Route, Rule
from wgreconcile.planning.routes import (
    default_routes,
    expected_routes,
    expected_rules,
    policy_table,
    served_default_routes,
)
from wgreconcile.values import Network

from .builders import conf, peer
from .model_host import brought_up, covers
from .worlds import confs

FULL = conf(peer("gate", "0.0.0.0/0", "::/0"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (conf(), set()),
        (conf(peer("ann", "10.7.0.2/32", "fd00:8::/64")), {"10.7.0.2/32", "fd00:8::/64"}),
        (conf(peer("ann", "10.7.0.2/32"), address=("10.7.0.1/24",)), set()),
        (conf(peer("ann", "10.7.0.0/24"), address=("10.7.0.1/24",)), set()),
        (conf(peer("ann", "10.7.0.0/23"), address=("10.7.0.1/24",)), {"10.7.0.0/23"}),
        (conf(peer("ann", "10.7.1.0/32"), address=("10.7.0.1/24",)), {"10.7.1.0/32"}),
        (conf(peer("ann", "fd00:7::2/128"), address=("fd00:7::1/64",)), set()),
        (conf(peer("ann", "fd00:7:0:1::/64"), address=("fd00:7::1/64",)), {"fd00:7:0:1::/64"}),
        (conf(peer("ann", "::/8"), address=("10.7.0.1/8",)), {"::/8"}),
        (conf(peer("ann", "0.0.0.0/0", "10.0.0.0/8")), {"10.0.0.0/8"}),
        (conf(peer("ann", "10.7.0.2/32"), table="off"), set()),
        (conf(peer("ann", "10.7.0.2/32"), table="254", address=("10.7.0.1/24",)), {"10.7.0.2/32"}),
        (conf(peer("ann", "10.7.0.2/32"), table="main"), {"10.7.0.2/32"}),
    ],
)
def test_routes_in_main(wanted: Conf, expected: set[str]) -> None:
    assert expected_routes(wanted, 0) == {Route(Network(each)) for each in expected}


def test_default_routes_have_a_table_of_their_own() -> None:
    networks = {Network("0.0.0.0/0"), Network("::/0")}
    assert default_routes(FULL) == networks
    assert expected_routes(FULL, 0) == frozenset()
    assert expected_routes(FULL, 51820) == {Route(each, "51820") for each in networks}
    assert expected_rules(FULL, 51820) == {Rule(4, 51820), Rule(4, 0), Rule(6, 51820), Rule(6, 0)}


def test_rules_go_with_the_ip_version_of_a_default_route() -> None:
    assert expected_rules(conf(peer("gate", "::/0")), 7) == {Rule(6, 7), Rule(6, 0)}
    assert expected_rules(conf(peer("ann", "10.0.0.0/8")), 7) == frozenset()


@pytest.mark.parametrize("table", ["off", "1234", "main"])
def test_with_another_table_a_default_route_needs_no_policy(table: str) -> None:
    wanted = replace(FULL, table=table)
    assert default_routes(wanted) == frozenset()
    assert expected_rules(wanted, 51820) == frozenset()
    assert {each.table for each in expected_routes(wanted, 51820)} == ({table} if table != "off" else set())


@pytest.mark.parametrize(
    ("mark", "live_mark", "tables", "expected"),
    [
        (0x1234, 51820, ("51820",), 0x1234),
        (None, 51820, ("51820",), 51820),
        (None, 51820, (), 51820),
        (None, 0, ("51821",), 51821),
        (None, 0x99, ("51820",), 51820),
        (None, 51820, ("200", "51820"), 51820),
        (None, 0, ("51821", "200"), 200),
        (None, 0, ("main",), 0),
        (None, 0, (), 0),
    ],
)
def test_the_table_of_default_routes(
    mark: int | None, live_mark: int, tables: tuple[str, ...], expected: int
) -> None:
    live = brought_up("wg0", conf()).live
    assert live
    routes = frozenset(
        {Route(Network("0.0.0.0/0"), table) for table in tables} | {Route(Network("10.0.0.0/8"), "7")}
    )
    assert policy_table(replace(FULL, fwmark=mark), replace(live, fwmark=live_mark, routes=routes)) == expected


def test_default_routes_that_are_served() -> None:
    live = brought_up("wg0", FULL).live
    assert live
    assert served_default_routes(live) == default_routes(FULL)
    assert served_default_routes(replace(live, fwmark=7)) == frozenset()
    plain = brought_up("wg0", replace(FULL, table="1234")).live
    assert plain and served_default_routes(plain) == frozenset()


@given(confs())
def test_routes_are_what_wg_quick_sets_up(wanted: Conf) -> None:
    live = brought_up("wg0", wanted).live
    assert live
    expected = expected_routes(wanted, policy_table(wanted, live))
    assert expected <= live.routes
    # wg-quick asks the kernel, which has no route for the network of a single address.
    hosts = [each.network for each in wanted.address if each.network.ip.prefixlen == each.network.ip.max_prefixlen]
    assert all(any(covers(host, each.network) for host in hosts) for each in live.routes - expected)
    assert expected_rules(wanted, policy_table(wanted, live)) == live.rules
