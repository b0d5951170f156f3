"""What wg-quick itself is given of a big interface, and what two processes add."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from wgreconcile.observed.conf import Conf
from wgreconcile.planning import bringup
from wgreconcile.planning.bringup import BringUpParts, split
from wgreconcile.values import Endpoint

from .builders import conf, many, peer
from .model_host import brought_up
from .worlds import confs


@pytest.mark.parametrize(("peers", "whole"), [(0, True), (32, True), (33, False)])
def test_a_small_interface_stays_whole(peers: int, whole: bool) -> None:
    found = split(conf(*many(peers)))
    assert (found == BringUpParts(conf(*many(peers)))) is whole


def test_many_networks_of_one_peer_count_too() -> None:
    wide = peer("ann", *(f"10.64.{number}.0/24" for number in range(64)))
    assert split(conf(wide)).routes
    assert not split(conf(replace(wide, allowed_ips=wide.allowed_ips[:63]))).routes


def test_wg_quick_is_given_no_peer_that_it_does_not_need() -> None:
    whole = conf(
        *many(100), address=("10.64.0.1/28",), mtu=1380, post_up=("true",), listen_port=7, dns=("10.0.0.1",)
    )
    parts = split(whole)
    assert parts.first == replace(whole, peers=())
    assert parts.peers == whole.peers
    assert [each.network for each in parts.routes] == sorted(f"10.64.0.{number}/32" for number in range(16, 100))


def test_default_routes_are_left_to_wg_quick() -> None:
    gate = peer("gate", "0.0.0.0/0", "::/0", "192.168.0.0/24", endpoint="192.0.2.1:1")
    parts = split(conf(gate, *many(100), mtu=1380))
    assert parts.first.peers == (peer("gate", "0.0.0.0/0", "::/0", endpoint="192.0.2.1:1"),)
    assert not any(each.network.is_default for each in parts.routes)
    assert "192.168.0.0/24" in [each.network for each in parts.routes]
    assert gate in parts.peers


def test_in_a_table_of_its_own_a_default_route_is_one_like_others() -> None:
    parts = split(conf(peer("gate", "0.0.0.0/0"), *many(100), table="1234"))
    assert parts.first.peers == ()
    assert {each.table for each in parts.routes} == {"1234"}
    assert len(parts.routes) == 101


def test_without_routes_there_are_none() -> None:
    assert split(conf(*many(100), table="off")).routes == ()


@pytest.mark.parametrize(("mtu", "measured"), [(None, 32), (1380, 0)])
def test_wg_quick_measures_a_few_endpoints_when_it_chooses_the_mtu(mtu: int | None, measured: int) -> None:
    far = [replace(each, endpoint=Endpoint("192.0.2.1:1")) for each in many(40)]
    parts = split(conf(*far, *many(40, "10.65.0.{}/32")[20:], mtu=mtu))
    assert len(parts.first.peers) == measured
    assert all(each.allowed_ips == () and each.endpoint for each in parts.first.peers)


@settings(max_examples=100, deadline=None)
@given(confs())
def test_in_parts_or_whole_the_interface_is_the_same(wanted: Conf) -> None:
    whole = brought_up("wg0", wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bringup, "FEW_NETWORKS", 0)
        assert brought_up("wg0", wanted) == whole
