from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from wgreconcile.desired.codec import interface_of, peer_of
from wgreconcile.desired.encode import to_document
from wgreconcile.desired.model import Client, Hooks, Interface, Peer, SecretFile
from wgreconcile.desired.places import field_name
from wgreconcile.desired.reading import read
from wgreconcile.desired.schema import check

from .samples import SECRET, key, public, shows_secret
from .strategies import interfaces, peers


def test_a_peer_with_only_a_public_key_is_whole() -> None:
    peer, problems = peer_of({"public_key": key(1)}, "alice", "wg0/alice.yaml")
    assert peer == Peer(public(1), "alice")
    assert peer is not None and peer.origin == "wg0/alice.yaml"
    assert problems == []


def test_a_name_in_the_document_comes_before_that_of_the_file() -> None:
    peer, _ = peer_of({"public_key": key(1), "name": "Alice"}, "alice", "wg0/alice.yaml")
    assert peer is not None and peer.name == "Alice"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("10.0.0.2, fd00::2", ("10.0.0.2/32", "fd00::2/128")),
        (["fd00::2", "10.0.0.2", "10.0.0.2/32"], ("10.0.0.2/32", "fd00::2/128")),
        ("", ()),
        (" ", ()),
        ([], ()),
    ],
)
def test_a_list_is_a_list_or_text_with_commas(given: Any, taken: tuple[str, ...]) -> None:
    peer, problems = peer_of({"public_key": key(1), "allowed_ips": given}, "", "")
    assert (peer and peer.allowed_ips, problems) == (taken, [])


def test_an_empty_item_between_commas_is_no_network() -> None:
    _, problems = peer_of({"public_key": key(1), "allowed_ips": "10.0.0.2,,10.0.0.3"}, "", "")
    assert [field_name(each.path) for each in problems] == ["allowed_ips[1]"]


@pytest.mark.parametrize("value", ["off", 0, None])
def test_off_is_no_keepalive_for_a_peer_and_says_so_for_a_client(value: Any) -> None:
    data = {"public_key": key(1), "persistent_keepalive": value, "client": {"persistent_keepalive": value}}
    peer, _ = peer_of(data, "", "")
    assert peer is not None and peer.persistent_keepalive is None
    assert peer.client.persistent_keepalive == (None if value is None else 0)


def test_a_comma_is_part_of_a_command() -> None:
    interface, _ = interface_of({"post_up": "iptables -m multiport --dports 1,2", "pre_up": ["a", "b"]}, "wg0", "")
    assert interface.hooks == Hooks(pre_up=("a", "b"), post_up=("iptables -m multiport --dports 1,2",))


@pytest.mark.parametrize(("given", "table"), [("auto", "auto"), (1234, "1234"), ("1234", "1234"), ("off", "off")])
def test_a_table_is_text(given: Any, table: str) -> None:
    assert interface_of({"table": given}, "wg0", "")[0].table == table


def test_a_whole_number_may_have_a_point() -> None:
    """JSON Schema takes 51820.0 for an integer; wg does not."""
    data = {"listen_port": 51820.0, "mtu": 1420.0, "fwmark": 1.0, "table": 12.0, "client_defaults": {"mtu": 1e3}}
    assert check("interface", data) == []
    interface, problems = interface_of(data, "wg0", "")
    assert problems == []
    assert repr((interface.listen_port, interface.mtu, interface.fwmark)) == "(51820, 1420, 1)"
    assert (interface.table, repr(interface.client_defaults.mtu)) == ("12", "1000")
    peer, _ = peer_of({"public_key": key(1), "persistent_keepalive": 25.0}, "", "")
    assert peer is not None and repr(peer.persistent_keepalive) == "25"


def test_the_order_of_addresses_name_servers_and_hooks_is_kept() -> None:
    data = {"address": ["10.1.0.1/24", "10.0.0.1/24"], "dns": "9.9.9.9, 1.1.1.1", "pre_down": ["b", "a"]}
    interface, _ = interface_of(data, "wg0", "")
    assert interface.address == ("10.1.0.1/24", "10.0.0.1/24")
    assert interface.dns == ("9.9.9.9", "1.1.1.1")
    assert interface.hooks.pre_down == ("b", "a")


def test_all_wrong_fields_are_told_with_their_paths_and_left_out() -> None:
    data = {
        "address": ["10.0.0.1/24", "x"],
        "dns": ["a b"],
        "post_up": ["true", "a # b"],
        "private_key": "abc",
        "client_defaults": {"endpoint": "x"},
        "peers": [
            {"public_key": "abc", "allowed_ips": ["x"]},
            {"public_key": key(2), "expires": "2030-02-30", "client": {"address": "10.0.0.2, x"}},
        ],
    }
    interface, problems = interface_of(data, "wg0", "wg0.yaml")
    assert {field_name(each.path) for each in problems} == {
        "address[1]",
        "dns[0]",
        "post_up[1]",
        "private_key",
        "client_defaults.endpoint",
        "peers[0].public_key",
        "peers[0].allowed_ips[0]",
        "peers[1].expires",
        "peers[1].client.address[1]",
    }
    assert interface.address == ("10.0.0.1/24",)
    assert interface.hooks.post_up == ("true",)
    assert [each.public_key for each in interface.peers] == [key(2)]


def test_a_gap_where_the_schema_refused_an_item_keeps_the_places_of_the_others() -> None:
    interface, problems = interface_of(
        {"address": [None, "x"], "peers": [None, {"public_key": key(1)}]}, "wg0", ""
    )
    assert [field_name(each.path) for each in problems] == ["address[1]"]
    assert len(interface.peers) == 1


def test_no_problem_and_no_repr_shows_a_key() -> None:
    data = {"private_key": SECRET, "peers": [{"public_key": key(1), "preshared_key": SECRET[:-1] + "x"}]}
    interface, problems = interface_of(data, "wg0", "wg0.yaml")
    assert problems and interface.private_key is not None
    assert not shows_secret(f"{interface!r} {interface} {problems}")


@given(peers())
def test_a_peer_survives_being_written(peer: Peer) -> None:
    data = to_document(peer)
    assert check("peer", data) == []
    assert peer_of(data, "", "wg0.yaml") == (peer, [])


@given(interfaces())
def test_an_interface_survives_being_written(interface: Interface) -> None:
    data = to_document(interface)
    assert check("interface", data) == []
    assert interface_of(data, "wg0", "wg0.yaml") == (interface, [])


def test_what_is_the_default_is_not_written() -> None:
    assert to_document(Peer(public(1))) == {"public_key": key(1)}
    assert to_document(Interface("wg0")) == {}


def test_what_is_written_is_plain_and_in_a_readable_order() -> None:
    interface = Interface(
        "wg0",
        private_key=SecretFile("wg0.key"),
        table="12",
        enabled=False,
        peers=(Peer(public(1), "alice", client=Client(persistent_keepalive=0)),),
    )
    data = to_document(interface)
    assert data == {
        "enabled": False,
        "private_key": {"file": "wg0.key"},
        "table": 12,
        "peers": [{"name": "alice", "public_key": key(1), "client": {"persistent_keepalive": "off"}}],
    }
    assert list(data) == ["enabled", "private_key", "table", "peers"]
    assert type(data["peers"][0]["public_key"]) is str


@pytest.mark.parametrize("reference", ["{file: ../x}", "{file: ''}", "{file: [a]}", "{env: A-B}", "{env: ''}"])
def test_a_malformed_reference_hides_no_other_fault(reference: str) -> None:
    text = f"private_key: {reference}\nlisten_port: 99999\n"
    found = read("interface", text, "wg0.yaml", name="wg0", origin="wg0.yaml")
    assert sorted(each.field.partition(".")[0] for each in found.faults) == ["listen_port", "private_key"]
