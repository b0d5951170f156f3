"""What differs: a goal against what was observed, field by field, with a cause and a disruption class.

Three configurations decide the cause: the goal, the observed one, and the baseline, which was applied last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from wgreconcile.errors import StateError
from wgreconcile.observed.conf import INTERFACE_FIELDS, Conf, ConfPeer, parse_conf_like, peer_sections
from wgreconcile.observed.model import ConfFile, LiveInterface, LivePeer, ObservedInterface
from wgreconcile.planning.addresses import moved, sources
from wgreconcile.planning.causes import cause_of, updated
from wgreconcile.planning.model import Action, Baseline, Cause, Change, Disruption, Goal, Place, Value
from wgreconcile.planning.route_changes import default_route_changes, route_changes
from wgreconcile.planning.routes import (
    carries_ipv6,
    default_routes,
    guarded,
    policy_table,
)
from wgreconcile.values import IPV6_MTU

FILE_MODE = 0o600
RESTARTING_FIELDS = ("pre_up", "post_up", "dns", "table")
"""What wg-quick acts on only while it brings an interface up."""
_PEER_FIELDS = ("preshared_key", "allowed_ips", "endpoint", "persistent_keepalive")
_Seen = TypeVar("_Seen", ConfPeer, LivePeer)


def diff(
    goal: Goal, observed: ObservedInterface, baseline: Baseline, *, interrupted: bool = False
) -> tuple[Change, ...]:
    """All changes that lead from what was observed to the goal; empty when they agree.

    ``interrupted``: a run ended while it brought the live interface up, so that its hooks may not have run.
    """
    return (*_diff_file(goal, observed.file, baseline), *_diff_live(goal, observed, baseline, interrupted))


def _diff_file(goal: Goal, file: ConfFile | None, baseline: Baseline) -> Iterator[Change]:
    name, absent = goal.name, Cause.STATE if baseline.applied else Cause.NEW
    if goal.text is None:
        if file is not None:
            yield Change(name, Place.FILE, Action.DELETE, "", file.path, None, absent, Disruption.NONE)
        return
    if file is None:
        cause = Cause.DISK if baseline.applied and baseline.conf == goal.conf else absent
        yield Change(name, Place.FILE, Action.CREATE, "", None, f"{name}.conf", cause)
        if goal.conf:
            yield from _diff_settings(name, Action.CREATE, Conf(), goal.conf, baseline)
            yield from _diff_peers(name, Place.FILE, goal.conf.peers, (), baseline, Cause.DISK)
        return
    if file.mode != FILE_MODE:
        yield updated(name, Place.FILE, "mode", f"{file.mode:04o}", f"{FILE_MODE:04o}", Cause.DISK)
    if file.text != goal.text:
        yield from _diff_text(goal, file, baseline)


def _diff_text(goal: Goal, file: ConfFile, baseline: Baseline) -> Iterator[Change]:
    if goal.conf is None:  # a way back, which is exact to the byte
        yield updated(goal.name, Place.FILE, "text", "(other text)", "(the text before)", Cause.STATE)
        return
    try:
        found = parse_conf_like(file.text, file.path, peer_sections(goal.text or "", goal.conf))
    except StateError as error:
        fault = str(error.faults[0])
        yield updated(goal.name, Place.FILE, "text", f"unreadable: {fault}", "(rendered)", Cause.DISK)
        return
    yield from _diff_settings(goal.name, Action.UPDATE, found, goal.conf, baseline)
    yield from _diff_peers(goal.name, Place.FILE, goal.conf.peers, found.peers, baseline, Cause.DISK)


def _diff_settings(name: str, action: Action, found: Conf, goal: Conf, baseline: Baseline) -> Iterator[Change]:
    for field in INTERFACE_FIELDS:
        before, after = getattr(found, field), getattr(goal, field)
        if before != after:
            cause = cause_of(baseline, getattr(baseline.conf, field), after, Cause.DISK)
            yield Change(name, Place.FILE, action, field, before, after, cause)


def _diff_live(goal: Goal, observed: ObservedInterface, baseline: Baseline, interrupted: bool) -> Iterator[Change]:
    name, live = goal.name, observed.live
    if goal.live is None:
        if live is not None:
            cause = cause_of(baseline, baseline.up, False, Cause.LIVE)
            yield Change(name, Place.LIVE, Action.DELETE, "", "up", None, cause, Disruption.RESTART)
    elif live is None:
        cause = cause_of(baseline, baseline.up, True, Cause.LIVE)
        yield Change(name, Place.LIVE, Action.CREATE, "", None, "up", cause)
    else:
        if interrupted:
            yield updated(name, Place.LIVE, "link", "interrupted", "up", Cause.LIVE, Disruption.RESTART)
        yield from _diff_restart(name, goal.live, baseline)
        yield from default_route_changes(name, goal.live, live, baseline, goal.was)
        yield from _diff_device(name, goal.live, live, baseline)
        yield from _diff_address(name, goal.live, live, baseline, goal.was)
        yield from route_changes(name, goal.live, live, baseline, goal.was)
        yield from _diff_peers(name, Place.LIVE, goal.live.peers, live.peers, baseline, Cause.LIVE)
        if goal.was is not None:
            yield from _diff_forgotten(name, goal.live.peers, live.peers, baseline)


def _diff_restart(name: str, goal: Conf, baseline: Baseline) -> Iterator[Change]:
    for field in RESTARTING_FIELDS:
        before, after = getattr(baseline.conf, field), getattr(goal, field)
        if before != after:
            cause = Cause.STATE if baseline.applied else Cause.NEW
            yield updated(name, Place.LIVE, field, before, after, cause, Disruption.RESTART)


def _diff_device(name: str, goal: Conf, live: LiveInterface, baseline: Baseline) -> Iterator[Change]:
    wanted_mark = goal.fwmark or (policy_table(goal, live) if default_routes(goal) else 0)
    fields: list[tuple[str, Value, Value, Disruption]] = [
        ("private_key", live.private_key, goal.private_key and goal.private_key.clamped, Disruption.INTERFACE)
    ]
    if goal.listen_port is not None:
        fields.append(("listen_port", live.listen_port, goal.listen_port, Disruption.INTERFACE))
    if wanted_mark or baseline.conf.fwmark:
        fields.append(("fwmark", live.fwmark, wanted_mark, Disruption.INTERFACE))
    if goal.mtu is not None:
        fields.append(("mtu", live.mtu, goal.mtu, Disruption.NONE))
    fields.append(("link", "up" if live.is_up else "down", "up", Disruption.NONE))
    applied_mark = policy_table(baseline.conf, live) if default_routes(baseline.conf) else baseline.conf.fwmark
    applied = {"fwmark": applied_mark or 0, "link": "up"}
    for field, before, after, disruption in fields:
        if before != after:
            base = applied[field] if field in applied else getattr(baseline.conf, field)
            cause = cause_of(baseline, base, after, Cause.LIVE)
            yield updated(name, Place.LIVE, field, before, after, cause, disruption)
    if goal.mtu is None and (baseline.conf.mtu is not None or (live.mtu < IPV6_MTU and carries_ipv6(goal))):
        cause = Cause.STATE if baseline.conf.mtu is not None else Cause.LIVE
        yield updated(name, Place.LIVE, "mtu", live.mtu, "automatic", cause)


def _diff_address(
    name: str, goal: Conf, live: LiveInterface, baseline: Baseline, was: LiveInterface | None
) -> Iterator[Change]:
    """Addresses, in place but for those that wg-quick guards, which it does with those that it brings up alone."""
    found, wanted = live.address, goal.address
    # Where nobody told us what it was brought up with, and on a way back, what is there stands for it.
    before = baseline.conf.address if baseline.applied and was is None else found
    is_stale = guarded(goal, before) != guarded(goal, wanted)
    if is_stale or set(found) != set(wanted) or sources(found) != sources(wanted):
        gone = set(found) - set(wanted) or moved(found, wanted)
        disruption = Disruption.INTERFACE if gone else Disruption.NONE
        disruption = Disruption.RESTART if is_stale else disruption
        cause = cause_of(baseline, baseline.conf.address, wanted, Cause.LIVE)
        yield updated(name, Place.LIVE, "address", found if found != wanted else before, wanted, cause, disruption)


def _diff_peers(
    name: str,
    place: Place,
    goal: Sequence[ConfPeer],
    found: Sequence[_Seen],
    baseline: Baseline,
    drifted: Cause,
) -> Iterator[Change]:
    """Changes of peers. ``drifted`` is the cause where the baseline already was as the goal is."""
    if place is Place.FILE and goal == found:
        return
    before = {each.public_key: each for each in found}
    applied = {each.public_key: each for each in baseline.conf.peers}
    for peer in goal:
        base = applied.get(peer.public_key)
        seen = before.pop(peer.public_key, None)
        if seen is not None:
            yield from _diff_peer(name, place, peer, seen, base, baseline.applied, drifted)
            continue
        cause = cause_of(baseline, base, peer, drifted)
        yield Change(name, place, Action.CREATE, "", None, peer, cause, peer=peer.public_key, name=peer.name)
    for seen in before.values():
        label = applied.get(seen.public_key, ConfPeer(seen.public_key)).name or getattr(seen, "name", "")
        cause = cause_of(baseline, seen.public_key in applied, False, drifted)
        disruption = Disruption.PEER if place is Place.LIVE else Disruption.NONE
        yield Change(
            name, place, Action.DELETE, "", _settings(seen), None, cause, disruption, seen.public_key, label
        )


def _diff_peer(
    name: str,
    place: Place,
    goal: ConfPeer,
    seen: ConfPeer | LivePeer,
    base: ConfPeer | None,
    applied: bool,
    drifted: Cause,
) -> Iterator[Change]:
    if (
        goal.allowed_ips == seen.allowed_ips
        and goal.persistent_keepalive == seen.persistent_keepalive
        and goal.preshared_key == seen.preshared_key
        and (goal.endpoint == seen.endpoint or (goal.endpoint is None and place is Place.LIVE))
    ):
        return
    for field in _PEER_FIELDS:
        before, after = getattr(seen, field), getattr(goal, field)
        if before == after or (place is Place.LIVE and field == "endpoint" and not _must_set(goal, seen, base)):
            continue
        cause = drifted
        if base is None or getattr(base, field) != after:
            cause = Cause.STATE if applied else Cause.NEW
        disruption = _peer_disruption(field, before, after) if place is Place.LIVE else Disruption.NONE
        yield Change(
            name, place, Action.UPDATE, field, before, after, cause, disruption, goal.public_key, goal.name
        )


def _diff_forgotten(
    name: str, goal: Sequence[ConfPeer], found: Sequence[LivePeer], baseline: Baseline
) -> Iterator[Change]:
    """Endpoints that a way back takes away again: of peers that had none until this run gave them one."""
    given = {each.public_key for each in baseline.conf.peers if each.endpoint is not None}
    had_none = {each.public_key: each for each in goal if each.endpoint is None}
    for seen in found:
        peer = had_none.get(seen.public_key)
        if peer is not None and seen.endpoint is not None and seen.public_key in given:
            subject = (peer.public_key, peer.name)
            values = (seen.endpoint, None, Cause.STATE, Disruption.PEER)
            yield Change(name, Place.LIVE, Action.UPDATE, "endpoint", *values, *subject)


def _must_set(goal: ConfPeer, seen: ConfPeer | LivePeer, base: ConfPeer | None) -> bool:
    """A roamed endpoint is no drift: it is set when the desired one changed, or when none is known."""
    if goal.endpoint is None:
        return False
    return seen.endpoint is None or base is None or base.endpoint != goal.endpoint


def _peer_disruption(field: str, before: tuple[str, ...], after: tuple[str, ...]) -> Disruption:
    if field == "persistent_keepalive" or (field == "allowed_ips" and set(before) <= set(after)):
        return Disruption.NONE
    return Disruption.PEER


def _settings(seen: ConfPeer | LivePeer) -> ConfPeer:
    if isinstance(seen, ConfPeer):
        return seen
    return ConfPeer(
        seen.public_key, seen.preshared_key, seen.allowed_ips, seen.endpoint, seen.persistent_keepalive
    )
