"""Free addresses (API.md 6.2, getAvailableIPs)."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from ipaddress import ip_interface, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard.addresses import MOST_IPV4, Held, by_address, is_free, listed, pools
from wgreconcile.api.wgdashboard.new_addresses import chosen_addresses
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Client, DesiredState, Interface, Peer
from wgreconcile.values import Address, Network

from .dashboard import answer, refused
from .host import Owner, key


def interface(*address: str, taken: tuple[str, ...] = ()) -> Interface:
    peers = tuple(Peer(key(n), allowed_ips=(Network.parse(each),)) for n, each in enumerate(taken, 1))
    return Interface("wg0", tuple(map(Address.parse, address)), peers=peers)


def free(*address: str, taken: tuple[str, ...] = ()) -> list[str]:
    return listed(pools(interface(*address, taken=taken)))


def is_free_in(of: Interface, text: str) -> bool:
    return is_free(of.address, Network(text), [Held(of.peers)])


def test_v4_0s_own_example() -> None:
    found = free("10.7.0.1/24", taken=("10.7.0.2", "10.7.0.3", "192.168.77.0/24"))
    assert found == [f"10.7.0.{each}/32" for each in range(4, 255)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.9.0.1/30", ["10.9.0.2/32"]),
        ("10.9.0.0/31", ["10.9.0.1/32"]),
        ("10.9.0.1/32", []),
        ("fd00::/126", ["fd00::1/128", "fd00::2/128", "fd00::3/128"]),
        ("fd00::1/126", ["fd00::2/128", "fd00::3/128"]),
        ("fd00::1/127", ["fd00::/128"]),
        ("fd00::1/128", []),
        ("10.9.0.1/29", [f"10.9.0.{each}/32" for each in range(2, 7)]),
    ],
)
def test_small_networks(address: str, expected: list[str]) -> None:
    assert free(address) == expected


def test_networks_come_one_after_the_other_and_no_address_twice() -> None:
    assert free("10.9.0.1/30", "fd00::1/126", "10.8.0.1/30") == [
        *("10.9.0.2/32", "fd00::2/128", "fd00::3/128", "10.8.0.2/32"),
    ]
    assert free("10.9.0.5/30", "10.9.0.2/29") == ["10.9.0.6/32", "10.9.0.1/32", "10.9.0.3/32", "10.9.0.4/32"]


def test_routed_networks_are_reserved_whole() -> None:
    assert free("10.9.0.1/28", taken=("10.9.0.4/30", "10.9.0.8/29")) == ["10.9.0.2/32", "10.9.0.3/32"]
    assert free("10.9.0.1/29", taken=("10.9.0.0/30",)) == ["10.9.0.4/32", "10.9.0.5/32", "10.9.0.6/32"]


@pytest.mark.parametrize("way_out", ["0.0.0.0/0", "10.9.0.0/29", "10.0.0.0/8"])
def test_a_way_out_of_the_network_reserves_nothing(way_out: str) -> None:
    assert free("10.9.0.1/29", taken=(way_out, "10.9.0.2")) == free("10.9.0.1/29", taken=("10.9.0.2",))


def test_addresses_of_a_peers_own_file_are_reserved() -> None:
    peer = Peer(key(1), client=Client(address=(Address("10.9.0.2/30"),)))
    assert listed(pools(Interface("wg0", (Address("10.9.0.1/30"),), peers=(peer,)))) == []


@given(
    st.integers(0, 255),
    st.integers(22, 32),
    st.lists(st.tuples(st.integers(0, 1023), st.integers(20, 32)), max_size=12),
)
def test_it_is_what_counting_gives(host: int, length: int, taken: list[tuple[int, int]]) -> None:
    own = ip_interface(f"10.7.0.{host}/{length}")
    networks = [ip_network((f"10.7.{number >> 8}.{number & 255}", size), strict=False) for number, size in taken]
    reserved = (
        {own.ip}
        | {
            each
            for network in networks
            if network != own.network and not network.supernet_of(own.network)
            for each in network
        }
        | {each.network_address for each in networks if each.prefixlen == 32}
    )
    expected = [f"{each}/32" for each in own.network.hosts() if each not in reserved]
    assert free(str(own), taken=tuple(map(str, networks))) == expected


@given(
    st.lists(st.tuples(st.integers(0, 31), st.integers(26, 32)), max_size=8),
    st.lists(st.tuples(st.integers(0, 31), st.integers(26, 32)), min_size=1, max_size=3),
)
def test_one_is_free_when_it_is_listed(taken: list[tuple[int, int]], own: list[tuple[int, int]]) -> None:
    of = interface(
        *(f"10.9.0.{number}/{length}" for number, length in own),
        taken=tuple(str(ip_network(f"10.9.0.{number}/{length}", strict=False)) for number, length in taken),
    )
    found = listed(pools(of))
    everything = [f"10.9.0.{each}/32" for each in range(64)]
    assert [each for each in everything if is_free_in(of, each)] == sorted(found, key=everything.index)
    assert sum(each.size for each in pools(of)) == len(found) == len(set(found))


@pytest.mark.parametrize("other", ["10.9.0.0/30", "fd00::2/128", "10.9.1.2/32", "0.0.0.0/0"])
def test_others_are_not_free(other: str) -> None:
    assert not is_free_in(interface("10.9.0.1/30"), other)


def test_a_length_of_32_is_one_address_in_ipv4_alone() -> None:
    of = interface("fd00::1/16", "10.9.0.1/30", taken=("fd00:1::/32", "10.9.0.2/32"))
    assert not is_free_in(of, "fd00:1::5/128")
    assert is_free_in(of, "fd00:2::5/128")
    assert not is_free_in(of, "10.9.0.2/32")
    assert listed(pools(of))[0] == "fd00::2/128"


def test_an_address_of_a_peers_own_file_is_not_free() -> None:
    peer = Peer(key(1), client=Client(address=(Address("10.9.0.2/30"),)))
    of = Interface("wg0", (Address("10.9.0.1/29"),), peers=(peer,))
    assert not is_free_in(of, "10.9.0.2/32")
    assert is_free_in(of, "10.9.0.3/32")


@pytest.fixture(scope="module")
def crowded() -> Interface:
    taken = tuple(f"10.{n >> 14}.{n >> 6 & 255}.{(n & 63) * 4 + 2}" for n in range(10_000))
    return interface("10.0.0.1/8", "fd00::1/64", taken=taken)


class TestLargeNetworks:
    def test_the_first_of_a_slash_8_and_of_a_slash_64(self, crowded: Interface) -> None:
        began = time.perf_counter()
        found = listed(pools(crowded))
        # Counting through a /8 takes ten seconds: whatever the machine is busy with, this is something else.
        assert time.perf_counter() - began < 2
        assert found[:4] == ["10.0.0.3/32", "10.0.0.4/32", "10.0.0.5/32", "10.0.0.7/32"]
        assert len(found) == MOST_IPV4 + 256
        assert (found[MOST_IPV4], found[-1]) == ("fd00::2/128", "fd00::101/128")

    def test_a_slash_16_is_listed_whole(self) -> None:
        found = free("10.7.0.1/16")
        assert (len(found), found[0], found[-1]) == (65_533, "10.7.0.2/32", "10.7.255.254/32")

    def test_255_of_each_since_v4_2(self, crowded: Interface) -> None:
        found = by_address(pools(crowded))
        assert {address: len(each) for address, each in found.items()} == {"10.0.0.1/8": 255, "fd00::1/64": 255}
        assert found["fd00::1/64"][-1] == "fd00::100/128"

    def test_a_reserved_half_is_leapt_over(self) -> None:
        found = free("10.0.0.1/8", taken=("10.0.0.0/9",))
        assert (found[0], len(found)) == ("10.128.0.0/32", MOST_IPV4)


class TestEndpoint:
    def test_restricted_peers_keep_theirs(self, keeper: Owner) -> None:
        peer = "{public_key: $KEY1, allowed_ips: 10.9.0.3, enabled: false}"
        keeper.write("wg0.yaml", f"address: [10.9.0.1/29, 'fd00::1/126']\npeers: [{peer}]\n")
        found = ["10.9.0.2/32", "10.9.0.4/32", "10.9.0.5/32", "10.9.0.6/32", "fd00::2/128", "fd00::3/128"]
        assert keeper.get("getAvailableIPs/wg0") == answer(data=found, ok=True)

    def test_none_is_left(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "address: 10.9.0.1/30\npeers: [{public_key: $KEY1, allowed_ips: 10.9.0.2}]\n")
        assert keeper.get("getAvailableIPs/wg0") == answer(data=[], ok=True)

    @pytest.mark.parametrize("name", ["nope", "wg1", "isTotpEnabled"])
    def test_unknown_or_without_address(self, keeper: Owner, name: str) -> None:
        keeper.write("wg1.yaml", "listen_port: 51820\n")
        assert keeper.get(f"getAvailableIPs/{name}") == refused(None)

    @pytest.mark.parametrize(
        ("compat", "expected"),
        [
            ("v4.1", ["10.9.0.2/32", "fd00::2/128", "fd00::3/128"]),
            ("v4.2", {"10.9.0.1/30": ["10.9.0.2/32"], "fd00::1/126": ["fd00::2/128", "fd00::3/128"]}),
        ],
    )
    def test_shape_of_the_version(
        self, keeper: Owner, settings: DashboardSettings, compat: str, expected: Any
    ) -> None:
        keeper.write("wg0.yaml", "address: [10.9.0.1/30, 'fd00::1/126']\n")
        settings.set("compat", compat)
        assert keeper.get("getAvailableIPs/wg0") == answer(data=expected, ok=True)

    def test_unknown_since_v4_2(self, keeper: Owner, settings: DashboardSettings) -> None:
        settings.set("compat", "v4.2")
        assert keeper.get("getAvailableIPs/nope") == refused("Configuration does not exist")


def test_changes_that_come_together_see_what_each_other_holds() -> None:
    alice = Peer(key(1), allowed_ips=(Network("10.9.0.2/32"),), origin="wg0/alice.yaml")
    state = DesiredState((Interface("wg0", (Address("10.9.0.1/29"),), peers=(alice,), origin="wg0.yaml"),))
    draft = Draft(state, lambda path: None, lambda name: False, datetime.now(timezone.utc))

    def choose(address: str) -> None:
        assert chosen_addresses(draft, "wg0", [address]) == (address,)

    def refuse(address: str) -> None:
        with pytest.raises(Refusal, match=f"not available: {address}"):
            chosen_addresses(draft, "wg0", [address])

    refuse("10.9.0.2/32")
    choose("10.9.0.3/32")
    draft.put_peers("wg0", [Peer(key(2), allowed_ips=(Network("10.9.0.3/32"),), origin="wg0/b.yaml")])
    refuse("10.9.0.3/32")
    draft = draft.copy()
    refuse("10.9.0.3/32")
    draft.remove_peers("wg0", [key(2)])
    choose("10.9.0.3/32")
    draft.put_peers("wg0", [Peer(key(3), allowed_ips=(Network("10.9.0.3/32"),))])
    draft.remove_peers("wg0", [key(3)])
    draft.put_peers("wg0", [Peer(key(4), client=Client(address=(Address("10.9.0.4/29"),)))])
    choose("10.9.0.3/32")
    refuse("10.9.0.4/32")
    draft.remove_peers("wg0", [key(1)])
    choose("10.9.0.2/32")
