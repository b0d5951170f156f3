"""What a status says of interfaces and peers, in every way that desired, disk and live can differ."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from wgreconcile.desired.model import DesiredState, Interface, Peer
from wgreconcile.observed.model import ConfFile, LiveInterface, LivePeer, ObservedInterface, ObservedState
from wgreconcile.planning.goal import conf_of, goal_of
from wgreconcile.planning.model import Baseline, Plan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.render import render_conf
from wgreconcile.planning.status import Found, InterfaceStatus, State, Unmanaged, Wish, status_of
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey, public_key_of

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
SECRET = SecretKey(base64.b64encode(bytes(range(32))).decode()).clamped


def key(number: int) -> PublicKey:
    return PublicKey(base64.b64encode(bytes([number] * 32)).decode())


ANN = Peer(key(1), "ann", allowed_ips=(Network("10.7.0.2/32"),))
BOB = Peer(key(2), "bob", allowed_ips=(Network("10.7.0.3/32"),))
WG0 = Interface("wg0", (Address("10.7.0.1/24"),), 51820, SECRET, peers=(ANN, BOB))


def file_of(interface: Interface) -> ConfFile:
    return ConfFile("wg0.conf", 0o600, render_conf(conf_of(interface, NOW)))


def live_of(interface: Interface) -> LiveInterface:
    """The interface as the kernel shows it when it is as desired."""
    conf = conf_of(interface, NOW)
    peers = tuple(LivePeer(each.public_key, None, each.allowed_ips, None, None) for each in conf.peers)
    secret = conf.private_key or SECRET
    return LiveInterface(
        "wg0", secret, public_key_of(secret), conf.listen_port or 1, 0, peers, conf.address, 1420, True
    )


def status(
    interface: Interface, file: ConfFile | None, live: LiveInterface | None, applied: Interface | None = WG0
) -> InterfaceStatus:
    observed = ObservedInterface("wg0", file, live)
    baseline = Baseline(conf_of(applied, NOW), applied=True, up=applied.enabled) if applied else Baseline()
    plan = plan_interface(goal_of(interface, NOW), observed, baseline)
    found = status_of(
        Plan((plan,)), ObservedState((observed,)), {"wg0": baseline}, DesiredState((interface,)), NOW
    )
    return found.interfaces[0]


def test_in_sync() -> None:
    found = status(WG0, file_of(WG0), live_of(WG0))
    assert (found.state, found.desired, found.disk, found.live) == (State.IN_SYNC, Wish.ON, Found.SAME, Found.SAME)
    assert (found.listen_port, found.address) == (51820, (Address("10.7.0.1/24"),))
    assert found.public_key == public_key_of(SECRET)
    assert [(each.name, each.desired, each.disk, each.live, each.changes) for each in found.peers] == [
        ("ann", Wish.ON, Found.SAME, Found.SAME, ()),
        ("bob", Wish.ON, Found.SAME, Found.SAME, ()),
    ]


def test_not_applied_names_no_key_that_was_made_for_a_look() -> None:
    found = status(WG0, None, None, applied=None)
    assert (found.state, found.disk, found.live, found.public_key) == (
        State.NOT_APPLIED,
        Found.ABSENT,
        Found.ABSENT,
        None,
    )
    assert {(each.disk, each.live) for each in found.peers} == {(Found.ABSENT, Found.ABSENT)}


def test_a_change_of_the_state_is_not_applied_rather_than_drift() -> None:
    changed = replace(WG0, peers=(ANN, replace(BOB, allowed_ips=(Network("10.7.0.9/32"),))))
    found = status(changed, file_of(WG0), live_of(WG0))
    assert (found.state, found.disk, found.live) == (State.NOT_APPLIED, Found.SAME, Found.SAME)
    assert [(each.disk, each.live) for each in found.peers] == [
        (Found.SAME, Found.SAME),
        (Found.DIFFERS, Found.DIFFERS),
    ]


def test_down_as_desired() -> None:
    off = replace(WG0, enabled=False)
    found = status(off, file_of(off), None, applied=off)
    assert (found.state, found.desired, found.disk, found.live) == (
        State.DOWN,
        Wish.OFF,
        Found.SAME,
        Found.ABSENT,
    )
    assert found.public_key == public_key_of(SECRET)
    assert {each.live for each in found.peers} == {Found.ABSENT}


def test_up_although_it_shall_be_down() -> None:
    off = replace(WG0, enabled=False)
    found = status(off, file_of(off), live_of(WG0), applied=off)
    assert (found.desired, found.live) == (Wish.OFF, Found.DIFFERS)


def test_down_although_it_shall_be_up_is_drift() -> None:
    found = status(WG0, file_of(WG0), None)
    assert (found.state, found.live) == (State.DRIFT, Found.ABSENT)


def test_port_that_was_changed_live_is_drift_of_the_interface() -> None:
    found = status(WG0, file_of(WG0), replace(live_of(WG0), listen_port=4))
    assert (found.state, found.disk, found.live, found.listen_port) == (
        State.DRIFT,
        Found.SAME,
        Found.DIFFERS,
        4,
    )
    assert [each.field for each in found.changes] == ["listen_port"]


def test_unreadable_file_leaves_the_disk_unknown() -> None:
    found = status(WG0, ConfFile("wg0.conf", 0o600, "nonsense"), live_of(WG0))
    assert (found.state, found.disk) == (State.DRIFT, Found.UNKNOWN)
    assert {each.disk for each in found.peers} == {Found.UNKNOWN}


def test_missing_file() -> None:
    found = status(WG0, None, live_of(WG0))
    assert (found.state, found.disk, found.live) == (State.DRIFT, Found.ABSENT, Found.SAME)
    assert {(each.disk, each.live) for each in found.peers} == {(Found.ABSENT, Found.SAME)}


def test_peer_that_was_added_live() -> None:
    live = live_of(WG0)
    stranger = LivePeer(key(9), None, (Network("10.7.0.9/32"),), Endpoint("192.0.2.9:1"), None, 5, 6, 7)
    found = status(WG0, file_of(WG0), replace(live, peers=(*live.peers, stranger)))
    peer = found.peers[-1]
    assert (peer.public_key, peer.desired, peer.disk, peer.live) == (
        *(key(9), Wish.ABSENT),
        Found.ABSENT,
        Found.DIFFERS,
    )
    assert (peer.endpoint, peer.latest_handshake, peer.rx_bytes, peer.tx_bytes) == ("192.0.2.9:1", 5, 6, 7)
    assert found.state is State.DRIFT


def test_peer_that_was_added_on_disk() -> None:
    found = status(WG0, file_of(replace(WG0, peers=(ANN, BOB, Peer(key(9), "eve")))), live_of(WG0))
    peer = found.peers[-1]
    assert (peer.name, peer.desired, peer.disk, peer.live) == ("eve", Wish.ABSENT, Found.DIFFERS, Found.ABSENT)


def test_peer_that_was_removed_live() -> None:
    found = status(WG0, file_of(WG0), live_of(replace(WG0, peers=(ANN,))))
    assert [(each.disk, each.live) for each in found.peers] == [
        (Found.SAME, Found.SAME),
        (Found.SAME, Found.ABSENT),
    ]
    assert found.state is State.DRIFT


@pytest.mark.parametrize(
    ("peer", "wish"),
    [
        (replace(BOB, enabled=False), Wish.OFF),
        (replace(BOB, expires=NOW - timedelta(seconds=1)), Wish.EXPIRED),
        (replace(BOB, expires=NOW), Wish.EXPIRED),
        (replace(BOB, expires=NOW + timedelta(seconds=1)), Wish.ON),
        (replace(BOB, enabled=False, expires=NOW - timedelta(seconds=1)), Wish.OFF),
    ],
)
def test_peers_that_are_kept_off_the_interface_are_shown(peer: Peer, wish: Wish) -> None:
    interface = replace(WG0, peers=(ANN, peer))
    found = status(interface, file_of(interface), live_of(interface), applied=interface)
    assert found.state is State.IN_SYNC
    expected = Found.SAME if wish is Wish.ON else Found.ABSENT
    assert [(each.name, each.desired, each.disk, each.live) for each in found.peers][-1] == (
        "bob",
        wish,
        expected,
        expected,
    )


def test_peers_are_sorted_by_name_and_the_nameless_come_last() -> None:
    peers = (Peer(key(1)), Peer(key(2), "Zoe"), Peer(key(3), "ann"), Peer(key(4)))
    interface = replace(WG0, peers=peers)
    found = status(interface, file_of(interface), live_of(interface), applied=interface)
    assert [each.public_key for each in found.peers] == [key(3), key(2), key(1), key(4)]


def test_orphaned_and_unmanaged() -> None:
    observed = ObservedState(
        (ObservedInterface("old", file_of(WG0), replace(live_of(WG0), name="old")),),
        other_files=("both", "file"),
        other_live=("both", "live"),
    )
    plan = Plan((), ("old",), ("both", "file", "live"))
    found = status_of(plan, observed, {}, DesiredState(), NOW)
    assert [(each.name, each.state, each.desired, each.listen_port) for each in found.interfaces] == [
        ("old", State.NOT_IN_STATE, Wish.ABSENT, 51820)
    ]
    assert found.unmanaged == (
        Unmanaged("both", True, True),
        Unmanaged("file", True, False),
        Unmanaged("live", False, True),
    )


def test_nothing_of_it_shows_a_key() -> None:
    found = status(WG0, file_of(WG0), replace(live_of(WG0), private_key=SecretKey(key(7))))
    assert [each.field for each in found.changes] == ["private_key"]
    assert SECRET.reveal() not in repr(found)
    assert key(7) not in repr(found)
