"""The MTU that wg-quick would choose, from what `wg` and `ip` print."""

from __future__ import annotations

from typing import Any

import pytest

from wgreconcile.converge.mtu import automatic_mtu, foreseen_mtu
from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.values import Endpoint

from ..observed.strategies import public_key
from .conftest import Programs

ANN, BOB = public_key("ann"), public_key("bob")


def route(device: str, metrics: str = "") -> str:
    """As `ip -json route get` prints it."""
    return f'[{{"dst":"192.0.2.2","dev":"{device}","prefsrc":"192.0.2.1",{metrics}"flags":[],"uid":0,"cache":[]}}]'


@pytest.fixture
def answers(programs: Programs) -> Programs:
    programs.answers("wg show wg0 endpoints", f"{ANN}\t(none)\n")
    programs.answers("ip -json route show default", route("eth0"))
    programs.answers("ip -json link show dev eth0", '[{"ifindex":2,"ifname":"eth0","mtu":1500}]')
    programs.answers("ip -json link show dev ppp0", '[{"ifindex":3,"ifname":"ppp0","mtu":1492}]')
    return programs


def test_without_endpoints_the_default_route_decides(answers: Programs) -> None:
    assert automatic_mtu("wg0") == 1420
    answers.answers("ip -json route show default", route("ppp0"))
    assert automatic_mtu("wg0") == 1412


def test_without_any_route_it_is_the_common_one(answers: Programs) -> None:
    answers.answers("ip -json route show default", "[ ]")
    assert automatic_mtu("wg0") == 1420
    answers.answers("ip -json route show default", "")
    assert automatic_mtu("wg0") == 1420


def test_the_widest_path_to_an_endpoint_decides(answers: Programs) -> None:
    answers.answers("wg show wg0 endpoints", f"{ANN}\t192.0.2.2:51820\n{BOB}\t[2001:db8::2]:1\n")
    answers.answers("ip -json route get 192.0.2.2", route("ppp0"))
    answers.answers("ip -json route get 2001:db8::2", route("eth0", '"metrics":[{"mtu":1300}],'))
    assert automatic_mtu("wg0") == 1412
    answers.answers("ip -json route get 192.0.2.2", "[]")
    assert automatic_mtu("wg0") == 1220


def test_endpoints_that_lead_nowhere_leave_it_to_the_default_route(answers: Programs) -> None:
    answers.answers("wg show wg0 endpoints", f"{ANN}\t192.0.2.2:51820\n")
    answers.answers("ip -json route show default", route("ppp0"))
    assert automatic_mtu("wg0") == 1412
    answers.fails("ip")
    assert automatic_mtu("wg0") == 1420


def test_of_many_endpoints_a_few_are_asked_about(answers: Programs) -> None:
    lines = "".join(f"{ANN}\t192.0.2.{number}:1\n" for number in range(200))
    answers.answers("wg show wg0 endpoints", lines)
    automatic_mtu("wg0")
    assert sum(1 for each in answers.commands if "route get" in each) == 32


def conf(*endpoints: str | None, **fields: Any) -> Conf:
    """A configuration of peers with these endpoints."""
    peers = (ConfPeer(ANN, None, (), Endpoint(each) if each else None) for each in endpoints)
    return Conf(peers=tuple(peers), **fields)


def test_it_is_foreseen_from_the_endpoints_that_are_to_come(answers: Programs) -> None:
    answers.answers("ip -json route get 192.0.2.2", route("ppp0"))
    answers.answers("ip -json route get 2001:db8::2", route("eth0", '"metrics":[{"mtu":1300}],'))
    assert foreseen_mtu(conf()) == foreseen_mtu(conf(None)) == 1420
    assert foreseen_mtu(conf("[2001:db8::2]:1")) == 1220
    assert foreseen_mtu(conf(None, "192.0.2.2:51820", "[2001:db8::2]:1")) == 1412


def test_it_is_not_foreseen_where_more_decides(answers: Programs) -> None:
    assert foreseen_mtu(conf("vpn.example.com:1")) is None
    assert foreseen_mtu(conf(pre_up=("ip link set eth0 mtu 9000",))) is None
    assert foreseen_mtu(conf(*(f"192.0.2.{number}:1" for number in range(33)))) is None
    assert answers.commands == []
