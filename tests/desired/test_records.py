from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from wgreconcile.desired.model import Client, Interface, Peer, Secret
from wgreconcile.desired.records import interface_from, peer_from, to_record

from .samples import SENTINEL, public
from .strategies import interfaces, peers, references


@given(peers(references))
def test_a_peer_survives_the_cache(peer: Peer) -> None:
    record = json.loads(json.dumps(to_record(peer)))
    again = peer_from(record, "wg0.yaml")
    assert again == peer
    assert again.origin == peer.origin
    assert {type(each) for each in again.allowed_ips} == {type(each) for each in peer.allowed_ips}


@given(interfaces(references))
def test_an_interface_survives_the_cache(interface: Interface) -> None:
    record = json.loads(json.dumps(to_record(interface)))
    assert interface_from(record, "wg0", "wg0.yaml") == interface
    # Built twice from one record: what is remembered is written to the cache again.
    assert interface_from(record, "wg0", "wg0.yaml") == interface


@pytest.mark.parametrize(
    "peer", [Peer(public(1), preshared_key=SENTINEL), Peer(public(1), client=Client(private_key=SENTINEL))]
)
def test_what_holds_a_key_has_no_record(peer: Peer) -> None:
    assert to_record(peer) is None
    assert to_record(Interface("wg0", peers=(peer,))) is None


@pytest.mark.parametrize("key", [SENTINEL])
def test_an_interface_that_holds_a_key_has_no_record(key: Secret) -> None:
    assert to_record(Interface("wg0", private_key=key)) is None
    assert to_record(replace(Interface("wg0"), client_defaults=Client(private_key=key))) is None
