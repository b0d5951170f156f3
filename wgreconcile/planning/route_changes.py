"""What differs in routes and policy rules: those of default routes, and those of each peer."""

from __future__ import annotations

from collections.abc import Iterator, Set

from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import LiveInterface, Route
from wgreconcile.planning.causes import cause_of, updated
from wgreconcile.planning.model import Action, Baseline, Cause, Change, Disruption, Place
from wgreconcile.planning.routes import (
    default_routes,
    expected_routes,
    expected_rules,
    policy_table,
    served_default_routes,
)
from wgreconcile.values import PublicKey


def default_route_changes(
    name: str, goal: Conf, live: LiveInterface, baseline: Baseline, was: LiveInterface | None
) -> Iterator[Change]:
    """What needs wg-quick, which alone sets up policy routing and takes it away. A way back goes by what was."""
    base = baseline.conf
    before, after = default_routes(base), default_routes(goal)
    marks_differ = bool(after) and base.fwmark != goal.fwmark and not _is_served(goal, live)
    if was is not None:
        wanted, served = after, served_default_routes(was)
        before, marks_differ = served_default_routes(live), False
        after = (before & (wanted | served)) | (wanted & served)
    elif not baseline.applied:  # nobody told us, but there they are
        before |= served_default_routes(live)
    lost = after and not policy_table(goal, live)
    if goal.table == base.table and (before != after or marks_differ or lost):
        cause = Cause.LIVE if before == after and not marks_differ else Cause.STATE
        routes = tuple(sorted(before)), tuple(sorted(after))
        cause = cause if baseline.applied else Cause.NEW
        yield updated(name, Place.LIVE, "default_routes", *routes, cause, Disruption.RESTART)


def _is_served(goal: Conf, live: LiveInterface) -> bool:
    """Whether the default routes already go by the mark of the goal."""
    routes = {Route(each, str(goal.fwmark)) for each in default_routes(goal)}
    return live.fwmark == goal.fwmark and routes <= live.routes


def route_changes(
    name: str, goal: Conf, live: LiveInterface, baseline: Baseline, was: LiveInterface | None
) -> Iterator[Change]:
    """Routes and rules that are missing come; of those too many only our own go: others are somebody else's."""
    table, before = policy_table(goal, live), policy_table(baseline.conf, live)
    expected = expected_routes(goal, table)
    ours = expected if baseline.conf is goal else expected_routes(baseline.conf, before)
    wanted_rules = expected_rules(goal, table)
    if was is not None:
        expected, wanted_rules = (expected | ours) & was.routes, wanted_rules & was.rules
    missing, surplus = expected - live.routes, (ours - expected) & live.routes
    if missing or surplus:
        yield from _routes_by_peer(name, (goal, baseline.conf), surplus, missing, missing <= ours, baseline)
    if was is None and (cut_off := _cut_off(goal, live)):
        yield updated(name, Place.LIVE, "routes", (), cut_off, Cause.LIVE)
    missing_rules = wanted_rules - live.rules
    if missing_rules and table:
        rules = tuple(sorted(missing_rules, key=lambda r: (r.version, -r.table)))
        cause = cause_of(baseline, missing_rules <= expected_rules(baseline.conf, before), True, Cause.LIVE)
        yield updated(name, Place.LIVE, "rules", (), rules, cause)


def _cut_off(goal: Conf, live: LiveInterface) -> tuple[Route, ...]:
    """Routes to networks that an address should have made the kernel route, had nobody removed that route."""
    if live.connected is None or not live.is_up:
        return ()
    wide = {each.network for each in goal.address if each in live.address and each.network.ip.num_addresses > 1}
    return tuple(Route(each) for each in sorted(wide - live.connected) if Route(each) not in live.routes)


def _routes_by_peer(
    name: str,
    confs: tuple[Conf, Conf],
    surplus: Set[Route],
    missing: Set[Route],
    were_ours: bool,
    baseline: Baseline,
) -> Iterator[Change]:
    """One change for each peer whose routes differ; it is theirs, as their allowed IPs are the reason."""
    owners = {network: peer for conf in reversed(confs) for peer in conf.peers for network in peer.allowed_ips}
    moved: dict[PublicKey, tuple[ConfPeer, list[Route], list[Route]]] = {}
    for index, routes in ((1, surplus), (2, missing)):
        for route in sorted(routes, key=lambda each: (each.table, each.network)):
            peer = owners[route.network]
            entry = moved.setdefault(peer.public_key, (peer, [], []))
            (entry[1] if index == 1 else entry[2]).append(route)
    for peer, gone, come in moved.values():
        cause = cause_of(baseline, were_ours and not gone, True, Cause.LIVE)
        disruption = Disruption.PEER if gone else Disruption.NONE
        values = (tuple(gone), tuple(come))
        yield Change(
            name, Place.LIVE, Action.UPDATE, "routes", *values, cause, disruption, peer.public_key, peer.name
        )
