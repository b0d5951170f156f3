"""Whatever happened to an interface, its plan leads to the goal, and disturbs no more than it says."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import LiveInterface, LivePeer, Route
from wgreconcile.planning.diff import diff
from wgreconcile.planning.model import Baseline, Disruption, InterfacePlan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.values import PublicKey

from .model_host import ModelHost
from .worlds import World, worlds

MAX_PASSES = 3
"""As in converge: the plan after so many passes must be empty."""


def converge(world: World) -> tuple[ModelHost, list[InterfacePlan]]:
    """Carry the plan out as a reconcile does; return the host and the plan of every pass, the last one empty."""
    host = ModelHost(world.observed)
    settled = Baseline(world.goal.live or world.goal.conf or Conf(), applied=True)
    plans = [plan_interface(world.goal, world.observed, world.baseline)]
    while plans[-1].changes and len(plans) <= MAX_PASSES:
        for step in plans[-1].steps:
            host.perform(step)
        plans.append(plan_interface(world.goal, host.observed, settled))
    return host, plans


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(worlds())
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(world: World) -> None:
    host, plans = converge(world)
    assert plans[-1].changes == ()
    up = world.goal.live is not None
    remembered = Baseline(world.goal.conf or Conf(), applied=world.goal.text is not None, up=up)
    assert diff(world.goal, host.observed, remembered) == ()


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(worlds())
def test_a_plan_disturbs_no_more_than_it_says(world: World) -> None:
    host, plans = converge(world)
    before, after = world.observed.live, host.observed.live
    changes = [each for plan in plans for each in plan.changes]
    disruption = max((each.disruption for each in changes), default=Disruption.NONE)
    if before is None or disruption == Disruption.RESTART:
        assert host.lives == (world.goal.live is not None)
        return
    assert host.lives == 0
    assert after is not None
    disturbed = {each.peer for each in changes if each.disruption >= Disruption.PEER}
    assert disturbed_peers(before, after) <= disturbed
    if disruption < Disruption.INTERFACE:
        assert device(before) <= device(after)
        led = {
            network for peer in before.peers if peer.public_key not in disturbed for network in peer.allowed_ips
        }
        assert not led & {route.network for route in before.routes - after.routes}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(worlds())
def test_a_plan_carries_along_what_is_not_its_business(world: World) -> None:
    host, plans = converge(world)
    before, after = world.observed.live, host.observed.live
    if before is None or after is None or host.lives:
        return
    changed = {(each.peer, each.field) for plan in plans for each in plan.changes}
    assert (None, "listen_port") in changed or before.listen_port == after.listen_port
    assert (None, "fwmark") in changed or before.fwmark == after.fwmark
    assert (None, "mtu") in changed or before.mtu == after.mtu
    assert (None, "address") in changed or before.address == after.address
    now = {each.public_key: each for each in after.peers}
    for peer in before.peers:
        if peer.public_key in now and (peer.public_key, "endpoint") not in changed:
            assert now[peer.public_key].endpoint == peer.endpoint
    assert (None, "address") in changed or foreign_routes(world, before) <= after.routes


def disturbed_peers(before: LiveInterface, after: LiveInterface) -> set[PublicKey]:
    """The peers that are gone, that lost a network, or whose preshared key or endpoint is another one."""
    kept = {each.public_key: each for each in after.peers}
    return {peer.public_key for peer in before.peers if not _is_undisturbed(peer, kept.get(peer.public_key))}


def _is_undisturbed(peer: LivePeer, now: LivePeer | None) -> bool:
    return (
        now is not None
        and now.preshared_key == peer.preshared_key
        and set(peer.allowed_ips) <= set(now.allowed_ips)
        and peer.endpoint in (None, now.endpoint)
    )


def device(live: LiveInterface) -> set[object]:
    """What all sessions of an interface hang on."""
    return {live.private_key, ("port", live.listen_port), ("mark", live.fwmark), *live.address}


def foreign_routes(world: World, live: LiveInterface) -> set[Route]:
    """Routes that no configuration of ours has ever asked for."""
    confs = (world.baseline.conf, world.goal.conf or Conf())
    return {each for each in live.routes if not any(each.network in conf.networks for conf in confs)}
