from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.desired.networks import Networks, host_of, is_host, is_link_local, numbers
from wgreconcile.values import Address, Network

from .strategies import addresses, networks


@given(networks)
def test_numbers_are_those_of_ipaddress(network: Network) -> None:
    found = ipaddress.ip_network(network)
    assert numbers(network) == (found.version, int(found.network_address), found.prefixlen)
    assert is_host(network) == (found.prefixlen == found.max_prefixlen)


@given(addresses)
def test_the_host_of_an_address_is_the_address_alone(address: Address) -> None:
    assert host_of(address) == Network.parse(str(ipaddress.ip_interface(address).ip))


@given(st.lists(networks, max_size=8), networks)
def test_the_smallest_network_around_is_found(many: list[Network], network: Network) -> None:
    searched = ipaddress.ip_network(network)
    around = [
        each
        for each in map(ipaddress.ip_network, many)
        if each.version == searched.version and searched.subnet_of(each)
    ]
    found = Networks((each, "owner") for each in many).around(network)
    if around:
        assert found == (Network(max(around, key=lambda each: each.prefixlen)), "owner")
    else:
        assert found is None


def test_the_first_owner_of_a_network_keeps_it() -> None:
    found = Networks([(Network("10.0.0.0/8"), "a"), (Network("10.0.0.0/8"), "b")])
    assert found.around(Network("10.1.0.0/16")) == ("10.0.0.0/8", "a")
    assert found.has_version(4)
    assert not found.has_version(6)


@pytest.mark.parametrize("network", ["fe80::1/128", "febf::/64", "169.254.1.1/32"])
def test_link_local_networks_belong_to_every_link(network: str) -> None:
    assert is_link_local(Network(network))


@pytest.mark.parametrize("network", ["fec0::/64", "fd00::/8", "::/0", "169.255.0.0/16", "10.0.0.0/8", "0.0.0.0/0"])
def test_other_networks_belong_to_one(network: str) -> None:
    assert not is_link_local(Network(network))
