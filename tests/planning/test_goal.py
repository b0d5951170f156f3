"""Goals: from a desired interface, and back to what was observed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, settings

from wgreconcile.desired.model import Hooks, Interface, Peer, SecretFile
from wgreconcile.observed.conf import NO_KEY, Conf, ConfPeer
from wgreconcile.observed.model import ConfFile, LiveInterface, ObservedInterface
from wgreconcile.planning.goal import goal_of, goal_of_absence, goal_of_return
from wgreconcile.planning.model import Baseline, Goal
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.render import render_conf
from wgreconcile.values import Address, Endpoint, Network

from ..observed.strategies import public_key, secret_key
from .builders import applied, conf, peer
from .model_host import ModelHost
from .worlds import World, worlds

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
SECRET = secret_key("wg0")


def test_everything_reaches_the_goal() -> None:
    desired = Peer(
        public_key("ann"),
        "ann",
        secret_key("psk"),
        (Network("10.7.0.2/32"),),
        Endpoint("192.0.2.1:1"),
        25,
        description="not for WireGuard",
        tags=("x",),
    )
    hooks = Hooks(("a",), ("b",), ("c",), ("d",))
    address = (Address("10.7.0.1/24"), Address("fd00:7::1/64"))
    interface = Interface("wg0", address, 51820, SECRET, 1380, ("10.7.0.1",), "1234", 7, hooks, peers=(desired,))
    goal = goal_of(interface, NOW)
    settings = (Network("10.7.0.2/32"),), Endpoint("192.0.2.1:1"), 25
    expected = Conf(
        *(SECRET, address, 51820, 1380, ("10.7.0.1",), "1234", 7, ("a",), ("b",), ("c",), ("d",)),
        peers=(ConfPeer(public_key("ann"), secret_key("psk"), *settings),),
    )
    assert goal.live == goal.conf == expected
    assert goal.conf is not None
    assert goal.text == render_conf(goal.conf)
    assert "# ann\n" in goal.text


def test_zero_means_not_set() -> None:
    ann = Peer(public_key("ann"), preshared_key=NO_KEY, persistent_keepalive=0)
    zeros = Interface("wg0", (), 0, SECRET, fwmark=0, peers=(ann,))
    assert goal_of(zeros, NOW).conf == Conf(SECRET, peers=(ConfPeer(public_key("ann")),))


@pytest.mark.parametrize(
    ("values", "active"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"expires": NOW}, False),
        ({"expires": NOW - timedelta(days=1)}, False),
        ({"expires": NOW + timedelta(seconds=1)}, True),
        ({"expires": NOW + timedelta(seconds=1), "enabled": False}, False),
    ],
)
def test_only_active_peers_belong_on_the_interface(values: dict[str, object], active: bool) -> None:
    interface = Interface("wg0", private_key=SECRET, peers=(Peer(public_key("ann"), **values),))
    goal = goal_of(interface, NOW)
    assert goal.conf is not None
    assert bool(goal.conf.peers) is active
    assert (public_key("ann") in (goal.text or "")) is active


def test_switched_off_there_is_a_file_and_nothing_live() -> None:
    goal = goal_of(Interface("wg0", private_key=SECRET, enabled=False), NOW)
    assert (goal.live, goal.conf) == (None, Conf(SECRET))
    assert goal.text


def test_absent_there_is_nothing() -> None:
    assert goal_of_absence("wg0") == Goal("wg0", None, None, None)


@pytest.mark.parametrize("field", ["private_key", "preshared_key"])
def test_a_goal_needs_resolved_secrets(field: str) -> None:
    reference = SecretFile("wg0.key")
    interface = Interface("wg0", private_key=SECRET, peers=(Peer(public_key("ann")),))
    if field == "private_key":
        interface = replace(interface, private_key=reference)
    else:
        interface = replace(interface, peers=(Peer(public_key("ann"), preshared_key=reference),))
    with pytest.raises(TypeError, match="resolved"):
        goal_of(interface, NOW)


def test_no_text_shows() -> None:
    goal = goal_of(Interface("wg0", private_key=SECRET), NOW)
    assert SECRET.reveal() not in repr(goal)


def test_the_way_back_leads_to_the_bytes_and_values_that_were() -> None:
    observed = applied(conf(peer("ann", "10.7.0.2/32", endpoint="192.0.2.1:1"), post_up=("old",)))
    odd = ConfFile("wg0.conf", 0o600, "# odd\n" + (observed.file.text if observed.file else ""))
    host = ModelHost(replace(observed, file=odd))
    host.change_peer(public_key("ann"), endpoint=Endpoint("198.51.100.7:4242"))
    host.change(listen_port=9, fwmark=7, mtu=1300)
    goal = goal_of_return(host.observed, conf(post_up=("old",), save_config=True))
    assert (goal.text, goal.conf) == (odd.text, None)
    expected = conf(
        peer("ann", "10.7.0.2/32", endpoint="198.51.100.7:4242"),
        listen_port=9,
        fwmark=7,
        mtu=1300,
        post_up=("old",),
    )
    assert goal.live == expected
    assert plan_interface(goal, host.observed, Baseline(conf(post_up=("old",)), applied=True)).changes == ()


def test_the_way_back_brings_a_lost_private_key_along() -> None:
    host = ModelHost(applied(conf()))
    host.change(private_key=None)
    goal = goal_of_return(host.observed, conf())
    assert goal.live is not None and goal.live.private_key == SECRET


@pytest.mark.parametrize("file", [None, ConfFile("wg0.conf", 0o600, "anything")])
def test_what_was_not_there_goes_again(file: ConfFile | None) -> None:
    goal = goal_of_return(ObservedInterface("wg0", file), conf())
    assert (goal.text, goal.live) == (file and file.text, None)


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_from_after_every_step_a_way_leads_back(world: World) -> None:
    """What was observed is observed again: on disk, and live in all that is managed."""
    assume(has_its_key(world.observed))
    steps = plan_interface(world.goal, world.observed, world.baseline).steps
    for count in range(len(steps) + 1):
        host = ModelHost(world.observed)
        in_force = world.baseline.conf
        for step in steps[:count]:
            host.perform(step)
            in_force = getattr(step, "conf", in_force) if type(step).__name__ == "BringUp" else in_force
        return_from(host, world, in_force)
        assert is_back(host.observed, world.observed)


def return_from(host: ModelHost, world: World, in_force: Conf) -> None:
    """As converge does it: with the hooks in force, until nothing differs."""
    back = goal_of_return(world.observed, world.baseline.conf)
    reached = world.goal.live or world.baseline.conf
    hooks = {
        field: getattr(in_force, field) for field in ("dns", "table", "pre_up", "post_up", "pre_down", "post_down")
    }
    baseline = Baseline(replace(reached, **hooks), applied=True)
    for _ in range(3):
        for step in plan_interface(back, host.observed, baseline).steps:
            host.perform(step)
        baseline = Baseline(back.live or Conf(), applied=True)
    assert plan_interface(back, host.observed, baseline).changes == ()


def has_its_key(observed: ObservedInterface) -> bool:
    """A private key that a hand has taken away comes back even on the way back: there is no session without it."""
    return observed.live is None or observed.live.private_key is not None


def is_back(found: ObservedInterface, before: ObservedInterface) -> bool:
    """Whether an interface is as it was: on disk to the byte, and live in all that is managed.

    A mark that a hand had cleared may be there again: the way back manages only one that was there.
    """
    same_text = (found.file and found.file.text) == (before.file and before.file.text)
    if found.live is None or before.live is None:
        return same_text and found.live is before.live
    marks = {found.live.fwmark, before.live.fwmark or found.live.fwmark}
    return same_text and len(marks) == 1 and _summary(found.live) == _summary(before.live)


def _summary(live: LiveInterface) -> object:
    peers = {
        (each.public_key, each.preshared_key, each.allowed_ips, each.persistent_keepalive, each.endpoint)
        for each in live.peers
    }
    return live.private_key, live.listen_port, live.mtu, set(live.address), peers
