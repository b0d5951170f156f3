"""The rules one by one on values; how their findings read with files and lines is in tests/cases/desired."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.desired.model import Client, Interface, Peer
from wgreconcile.desired.rules import MANY, Finding, check
from wgreconcile.values import Address, Network, SecretKey, public_key_of

from .samples import SENTINEL, key, public, shows_secret
from .strategies import interfaces

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


def wg(name: str, *peers: Peer, address: str = "", **fields: object) -> Interface:
    addresses = tuple(map(Address.parse, address.split()))
    return replace(Interface(name, addresses, origin=f"{name}.yaml", peers=peers), **fields)


def peer(number: int, *allowed_ips: str, **fields: object) -> Peer:
    origin = f"wg0/p{number}.yaml"
    whole = Peer(public(number), allowed_ips=tuple(map(Network.parse, allowed_ips)), origin=origin)
    return replace(whole, **fields)


def faults(*interfaces: Interface) -> list[Finding]:
    return [each for each in check(interfaces, NOW) if not each.is_warning]


def warnings(*interfaces: Interface) -> list[Finding]:
    return [each for each in check(interfaces, NOW) if each.is_warning]


def test_a_sound_state_has_no_findings() -> None:
    one = wg("wg0", peer(1, "10.0.0.2/32"), peer(2, "10.0.0.3/32"), address="10.0.0.1/24", listen_port=1)
    other = wg("wg1", peer(1, "10.1.0.2/32"), address="10.1.0.1/24", listen_port=2)
    assert check((one, other), NOW) == []


class TestPublicKeys:
    def test_one_key_twice_on_an_interface_is_a_fault_that_names_both_places(self) -> None:
        first = peer(1, name="alice", origin="wg0.yaml")
        (found,) = faults(wg("wg0", first, peer(1, origin="wg0/b.yaml")))
        assert (found.origin, found.peer, found.field) == ("wg0/b.yaml", key(1), ("public_key",))
        assert found.problem == "is the public key of 'alice' in wg0.yaml too"

    def test_a_disabled_peer_counts(self) -> None:
        assert len(faults(wg("wg0", peer(1, enabled=False), peer(1)))) == 1

    def test_three_of_a_key_in_one_document_are_told_apart(self) -> None:
        found = faults(wg("wg0", *[peer(1, origin="wg0.yaml")] * 3))
        assert [each.ordinal for each in found] == [1, 2]

    def test_one_key_on_two_interfaces_is_usual(self) -> None:
        assert faults(wg("wg0", peer(1)), wg("wg1", peer(1))) == []


class TestAllowedIps:
    def test_one_network_for_two_peers_is_a_fault_that_names_both(self) -> None:
        (found,) = faults(wg("wg0", peer(1, "10.0.0.0/24"), peer(2, "10.0.0.7/24", name="bob")))
        assert (found.origin, found.field) == ("wg0/p2.yaml", ("allowed_ips",))
        assert found.problem == "10.0.0.0/24 belongs to a peer in wg0/p1.yaml already"

    def test_a_network_inside_that_of_another_peer_is_routed_to_the_smaller(self) -> None:
        assert faults(wg("wg0", peer(1, "10.0.0.0/24"), peer(2, "10.0.0.7/32"))) == []

    @pytest.mark.parametrize("off", [{"enabled": False}, {"expires": NOW}, {"expires": NOW - timedelta(days=1)}])
    def test_a_peer_that_is_off_holds_no_network(self, off: dict[str, object]) -> None:
        assert faults(wg("wg0", peer(1, "10.0.0.2"), peer(2, "10.0.0.2", **off))) == []

    def test_a_peer_that_expires_later_still_holds_its_networks(self) -> None:
        later = peer(2, "10.0.0.2", expires=NOW + timedelta(seconds=1))
        assert len(faults(wg("wg0", peer(1, "10.0.0.2"), later))) == 1

    def test_one_key_twice_is_not_told_again_for_each_network(self) -> None:
        assert len(faults(wg("wg0", peer(1, "10.0.0.2"), peer(1, "10.0.0.2")))) == 1


class TestOtherInterfaces:
    def test_a_network_inside_that_of_another_interface_is_a_fault(self) -> None:
        one = wg("wg0", peer(1, "10.1.0.7"), address="10.0.0.1/24")
        (found,) = faults(one, wg("wg1", address="10.1.0.1/24"))
        assert found.problem == "10.1.0.7/32 lies in 10.1.0.0/24, the network of wg1"

    def test_the_same_network_is_a_fault(self) -> None:
        assert len(faults(wg("wg0", peer(1, "10.1.0.0/24")), wg("wg1", address="10.1.0.1/24"))) == 1

    @pytest.mark.parametrize("wider", ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16"])
    def test_a_network_around_that_of_another_interface_is_usual(self, wider: str) -> None:
        assert faults(wg("wg0", peer(1, wider)), wg("wg1", address="10.1.0.1/24")) == []

    def test_a_network_of_its_own_that_is_closer_decides(self) -> None:
        """The kernel routes by the longest prefix: a large network elsewhere takes nothing away."""
        one = wg("wg0", peer(1, "10.7.0.2"), address="10.7.0.1/24")
        assert faults(one, wg("wg1", address="10.0.0.1/8")) == []

    @pytest.mark.parametrize(
        "change", [{"table": "off"}, {"table": "1234"}, {"enabled": False}], ids=["off", "own table", "down"]
    )
    def test_without_routes_in_the_main_table_there_is_no_conflict(self, change: dict[str, object]) -> None:
        one = wg("wg0", peer(1, "10.1.0.7"), **change)
        assert faults(one, wg("wg1", address="10.1.0.1/24")) == []

    def test_an_interface_that_is_down_has_no_network(self) -> None:
        assert faults(wg("wg0", peer(1, "10.1.0.7")), wg("wg1", address="10.1.0.1/24", enabled=False)) == []

    def test_a_link_local_network_is_of_every_link(self) -> None:
        one = wg("wg0", peer(1, "fe80::2"), address="fe80::1/64")
        assert check((one, wg("wg1", address="fe80::1/64")), NOW) == []


class TestInterfaces:
    def test_two_interfaces_on_one_port_are_a_fault(self) -> None:
        (found,) = faults(wg("wg0", listen_port=5), wg("wg1", listen_port=5))
        assert (found.origin, found.field) == ("wg1.yaml", ("listen_port",))
        assert found.problem == "5 is the port of wg0 (wg0.yaml) too"

    def test_the_port_of_an_interface_that_is_down_is_free(self) -> None:
        assert faults(wg("wg0", listen_port=5, enabled=False), wg("wg1", listen_port=5)) == []
        assert faults(wg("wg0"), wg("wg1")) == []

    def test_one_address_on_two_interfaces_is_a_fault(self) -> None:
        (found,) = faults(wg("wg0", address="10.0.0.1/24"), wg("wg1", address="10.1.0.1/24 10.0.0.1/16"))
        assert (found.origin, found.field) == ("wg1.yaml", ("address", 1))
        assert found.problem == "10.0.0.1/16 is an address of wg0 (wg0.yaml) too"

    def test_unnumbered_links_share_a_host_address(self) -> None:
        both = wg("wg0", address="10.0.0.1/32"), wg("wg1", address="10.0.0.1/32")
        assert faults(*both) == []
        assert len(warnings(*both)) == 1

    def test_an_address_twice_on_one_interface_is_a_fault(self) -> None:
        (found,) = faults(wg("wg0", address="10.0.0.1/24 10.0.0.1/24"))
        assert found.problem == "10.0.0.1/24 is there twice"


class TestMtu:
    def test_ipv6_needs_1280(self) -> None:
        (found,) = faults(wg("wg0", peer(1, "fd00::2"), address="10.0.0.1/24 fd00::1/64", mtu=1279))
        assert (found.origin, found.peer, found.field) == ("wg0.yaml", None, ("mtu",))
        assert found.problem == "1279 is too small for IPv6, and fd00::1/64 is an address"
        assert found.remedy == "write 1280 or more, or leave IPv6 out"
        assert faults(wg("wg0", peer(1, "fd00::2"), address="10.0.0.1/24 fd00::1/64", mtu=1280)) == []

    def test_so_do_the_routes_to_peers(self) -> None:
        (found,) = faults(wg("wg0", peer(1, "10.0.0.2"), peer(2, "fd00::2", "fd01::/64", name="b"), mtu=576))
        assert found.problem == "576 is too small for IPv6, and fd00::2/128 is an allowed IP of 'b' in wg0/p2.yaml"
        assert faults(wg("wg0", peer(2, "fd00::2"), mtu=576, table="off")) == []
        assert faults(wg("wg0", peer(2, "fd00::2", enabled=False), address="10.0.0.1/24", mtu=576)) == []


class TestPairs:
    def test_a_literal_private_key_must_be_the_pair_of_the_public_key(self) -> None:
        client = Client(private_key=SENTINEL)
        assert faults(wg("wg0", peer(1, client=client, public_key=public_key_of(SENTINEL)))) == []
        (found,) = faults(wg("wg0", peer(1, client=client)))
        assert found.field == ("client", "private_key")
        assert not shows_secret(repr(found))

    def test_a_peer_is_not_the_interface_itself(self) -> None:
        own = peer(1, public_key=public_key_of(SENTINEL))
        (found,) = faults(wg("wg0", own, private_key=SENTINEL))
        assert found.problem == "is the interface's own public key"
        assert faults(wg("wg0", own, private_key=SecretKey(key(9)))) == []


class TestWarnings:
    def test_a_peer_outside_the_networks_of_its_interface_is_odd(self) -> None:
        (found,) = warnings(wg("wg0", peer(1, "10.9.0.2", "192.168.0.0/16"), address="10.0.0.1/24 10.1.0.1/24"))
        assert found.problem == "10.9.0.2/32 is outside the networks of wg0"
        assert found.remedy == "choose one in 10.0.0.0/24, 10.1.0.0/24"

    @pytest.mark.parametrize(
        "usual",
        [
            peer(1),
            peer(1, "192.168.0.0/16"),
            peer(1, "10.0.0.2", "10.9.0.2"),
            peer(1, "fd00::2"),
            peer(1, "10.9.0.2", enabled=False),
            peer(1, "10.9.0.2", client=Client(address=(Address("10.0.0.2/32"),))),
        ],
        ids=["none", "site", "one inside", "other version", "disabled", "client inside"],
    )
    def test_one_address_inside_or_none_at_all_is_usual(self, usual: Peer) -> None:
        assert warnings(wg("wg0", usual, address="10.0.0.1/24")) == []

    def test_an_interface_without_a_network_has_no_outside(self) -> None:
        assert warnings(wg("wg0", peer(1, "10.9.0.2"), address="10.0.0.1/32")) == []

    def test_the_address_of_the_interface_itself_is_odd_for_a_peer(self) -> None:
        (found,) = warnings(wg("wg0", peer(1, "10.0.0.1"), address="10.0.0.1/24"))
        assert "the address of wg0 itself" in found.problem

    @pytest.mark.parametrize("mtu", [1, 575])
    def test_an_mtu_for_hardly_any_packet_is_odd_for_a_client(self, mtu: int) -> None:
        small = Client(mtu=mtu)
        found = warnings(wg("wg0", peer(1, client=small), client_defaults=small))
        assert [(each.peer, each.field) for each in found] == [
            (None, ("client_defaults", "mtu")),
            (public(1), ("client", "mtu")),
        ]
        assert found[0].problem == f"{mtu} is less than the 576 that every host of IPv4 takes"

    @pytest.mark.parametrize("mtu", [None, 0, 576, 9000])
    def test_any_other_mtu_of_a_client_is_usual(self, mtu: int | None) -> None:
        assert warnings(wg("wg0", peer(1, client=Client(mtu=mtu)))) == []

    def test_of_many_warnings_the_first_are_told_and_the_rest_counted(self) -> None:
        peers = [peer(number, f"10.9.0.{number}") for number in range(1, MANY + 8)]
        found = warnings(wg("wg0", *peers, address="10.0.0.1/24"))
        assert len(found) == MANY + 1
        assert (found[-1].problem, found[-1].origin) == ("7 more peers like those", "wg0.yaml")


@given(st.lists(interfaces(), max_size=3))
def test_whatever_a_document_can_say_can_be_checked(many: list[Interface]) -> None:
    named = [replace(each, name=f"wg{index}") for index, each in enumerate(many)]
    assert all(each.problem and each.origin for each in check(named, NOW))
