"""From changes to steps: the least disruption that does the job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from typing import TypeVar

from wgreconcile.errors import StateError
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import LiveInterface, ObservedInterface, Route, Rule
from wgreconcile.planning.addresses import moved
from wgreconcile.planning.diff import diff
from wgreconcile.planning.goal import conf_peer
from wgreconcile.planning.model import (
    Action,
    Adjust,
    Baseline,
    BringUp,
    Change,
    Disruption,
    Goal,
    InterfacePlan,
    Place,
    RemoveFile,
    RemovePeers,
    SetPeers,
    Step,
    SyncConf,
    TakeDown,
    WriteFile,
)
from wgreconcile.planning.routes import DEFAULT_ROUTES, carries_ipv6
from wgreconcile.values import IPV6_MTU, PublicKey

_Item = TypeVar("_Item")
_DEVICE_FIELDS = frozenset(("private_key", "listen_port", "fwmark"))
MANY_PEERS = 256
"""An interface with more of them is emptied before it is deleted."""
_SYNC_SHARE = 0.5
"""From this share of changed peers on, one complete syncconf costs less than exact changes."""


def plan_interface(
    goal: Goal, observed: ObservedInterface, baseline: Baseline, *, interrupted: bool = False
) -> InterfacePlan:
    """The plan of one interface; without changes when it is as it shall be."""
    changes = diff(goal, observed, baseline, interrupted=interrupted)
    return plan_changes(goal, observed, baseline, changes, interrupted=interrupted)


def plan_changes(
    goal: Goal,
    observed: ObservedInterface,
    baseline: Baseline,
    changes: tuple[Change, ...],
    *,
    interrupted: bool = False,
) -> InterfacePlan:
    """The plan of one interface for ``changes`` that are known to be all there are."""
    wanted = goal.live or goal.conf or Conf()
    peers = {each.public_key for each in wanted.peers}
    peers.update(each.peer for each in changes if each.peer)
    steps = tuple(_steps(goal, observed, baseline.conf, changes, interrupted))
    place = Place.FILE if observed.live is None else Place.LIVE
    gone = sum(1 for each in changes if each.action is Action.DELETE and each.peer and each.place is place)
    subjects, before = 1 + len(peers) + goal.others, _peers_before(goal, observed) + goal.others
    return InterfacePlan(goal.name, goal, changes, steps, subjects, before, gone)


def _steps(
    goal: Goal, observed: ObservedInterface, baseline: Conf, changes: Sequence[Change], interrupted: bool
) -> Iterator[Step]:
    writes = any(each.place is Place.FILE for each in changes)
    live_changes = [each for each in changes if each.place is Place.LIVE]
    restart = max((each.disruption for each in live_changes), default=0) == Disruption.RESTART
    if writes and goal.text is not None:
        yield WriteFile(goal.text)
    if observed.live is not None and restart:
        yield TakeDown(_goes_down_with(goal, baseline), _emptied(observed.live, baseline), interrupted)
    if goal.live is not None and (observed.live is None or restart):
        yield BringUp(_as_wg_quick_can(goal.live))
    elif goal.live is not None and observed.live is not None and live_changes:
        yield from _in_place(goal.live, observed.live, live_changes, goal.others)
    if writes and goal.text is None:
        yield RemoveFile()


def _as_wg_quick_can(conf: Conf) -> Conf:
    """A way back may lead to an MTU that a hand had made too small for IPv6: it is set when the rest is there."""
    too_small = conf.mtu is not None and conf.mtu < IPV6_MTU and carries_ipv6(conf)
    return replace(conf, mtu=IPV6_MTU) if too_small else conf


def _goes_down_with(goal: Goal, baseline: Conf) -> Conf:
    """What the interface came up with. Its hooks for going down undo those for coming up.

    While these stay, the newest ones for going down are the right ones: a hook that fails would otherwise be run
    again and again, though it was repaired in the state.
    """
    conf = goal.conf
    if conf is None or (conf.pre_up, conf.post_up) != (baseline.pre_up, baseline.post_up):
        return baseline
    return replace(baseline, pre_down=conf.pre_down, post_down=conf.post_down)


def _peers_before(goal: Goal, observed: ObservedInterface) -> int:
    if observed.live is not None:
        return len(observed.live.peers)
    if observed.file is None:
        return 0
    if goal.conf is not None and observed.file.text == goal.text:
        return len(goal.conf.peers)
    try:
        return len(observed.file.conf.peers)
    except StateError:
        return 0


def _emptied(live: LiveInterface, baseline: Conf) -> Conf | None:
    """What an interface is reduced to before it goes down; None when it goes as it is.

    Of many peers those with a default route stay: wg-quick takes its policy rules away only when it finds the mark
    and such a peer. Where a hand took these from it, they come back for that moment.
    """
    kept = [conf_peer(each) for each in live.peers if not DEFAULT_ROUTES.isdisjoint(each.allowed_ips)]
    key, mark = live.private_key or baseline.private_key, live.fwmark
    tables = {each.table for each in live.rules if each.table}
    lost = tables and not (kept and mark in tables)
    if lost:
        mark = mark if mark in tables else min(tables)
        kept = kept or [each for each in baseline.peers if not DEFAULT_ROUTES.isdisjoint(each.allowed_ips)]
    if key is None or (len(live.peers) <= MANY_PEERS and not lost):
        return None
    return Conf(key, (), live.listen_port or None, fwmark=mark or None, peers=tuple(kept))


def _in_place(goal: Conf, live: LiveInterface, changes: Sequence[Change], others: int) -> Iterator[Step]:
    """First what WireGuard carries, then what leads to it."""
    of_peers = [each for each in changes if each.peer and each.field != "routes"]
    gone = tuple(each.peer for each in of_peers if each.peer and each.action is Action.DELETE)
    touched = {each.peer for each in of_peers if each.action is not Action.DELETE}
    device = any(each.field in _DEVICE_FIELDS for each in changes if not each.peer)
    redirected = {each.peer for each in of_peers if each.field in ("", "endpoint")}
    # WireGuard forgets an endpoint only together with its peer.
    anew = tuple(each.peer for each in of_peers if each.peer and each.field == "endpoint" and each.after is None)
    all_peers = max(len(live.peers), len(goal.peers)) + others
    if device or len(gone) + len(touched) > max(1, _SYNC_SHARE * all_peers):
        if anew:
            yield RemovePeers(anew)
        yield SyncConf(_with_carried_values(goal, live, changes, redirected))
    else:
        if gone or anew:
            yield RemovePeers((*gone, *anew))
        if touched:
            peers = (each for each in goal.peers if each.public_key in touched)
            yield SetPeers(
                tuple(each if each.public_key in redirected else replace(each, endpoint=None) for each in peers)
            )
    adjust = _adjust(goal, live, changes)
    if adjust != Adjust():
        yield adjust


def _with_carried_values(
    goal: Conf, live: LiveInterface, changes: Sequence[Change], redirected: Set[PublicKey | None]
) -> Conf:
    """Complete ``goal`` with what syncconf would otherwise reset (wireguard-tools: config.c).

    A port that the state leaves open and a mark that somebody else set are kept, and so are the endpoints that
    peers roamed to, but for those that are ``redirected``.
    """
    marks = [each.after for each in changes if each.field == "fwmark" and not each.peer]
    mark = marks[0] if marks and isinstance(marks[0], int) else live.fwmark
    endpoints = {each.public_key: each.endpoint for each in live.peers}
    return replace(
        goal,
        listen_port=goal.listen_port or live.listen_port or None,
        fwmark=mark or None,
        peers=tuple(
            each if each.public_key in redirected else replace(each, endpoint=endpoints.get(each.public_key))
            for each in goal.peers
        ),
    )


def _adjust(goal: Conf, live: LiveInterface, changes: Sequence[Change]) -> Adjust:
    fields = {each.field: each for each in changes if not each.peer}
    routes = [each for each in changes if each.field == "routes"]
    rules = fields.get("rules")
    back = moved(live.address, goal.address) if "address" in fields else ()
    return Adjust(
        up="link" in fields,
        mtu=(goal.mtu or 0) if "mtu" in fields else None,
        add_address=tuple(each for each in goal.address if each not in live.address or each in back),
        remove_address=tuple(each for each in live.address if each not in goal.address or each in back),
        add_routes=tuple(route for each in routes for route in _items(each.after, Route)),
        remove_routes=tuple(route for each in routes for route in _items(each.before, Route)),
        add_rules=tuple(_placed(each, live) for each in _items(rules.after, Rule)) if rules else (),
    )


def _placed(rule: Rule, live: LiveInterface) -> Rule:
    """A table's rule goes behind the one that suppresses main's default route, else what is near is sent far."""
    beside = [each.priority for each in live.rules if each.version == rule.version and not each.table]
    return replace(rule, priority=min(beside)) if rule.table and beside else rule


def _items(value: object, kind: type[_Item]) -> tuple[_Item, ...]:
    """The value of a change narrowed to what its field is known to hold."""
    return tuple(each for each in value if isinstance(each, kind)) if isinstance(value, tuple) else ()
