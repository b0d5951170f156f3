"""Desired against observed: the plan of a host, made without changing anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.converge.unread import StandIn
from wgreconcile.desired.model import DesiredState, Interface
from wgreconcile.errors import Fault, StateError, UsageError
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ConfFile, ObservedState
from wgreconcile.observed.observe import Look, observe_files
from wgreconcile.planning.goal import goal_of, goal_of_absence
from wgreconcile.planning.model import Baseline, Goal, InterfacePlan, Plan
from wgreconcile.planning.plan import plan_interface


@dataclass(frozen=True)
class Survey:
    """A plan, and what it was made from."""

    plan: Plan
    desired: DesiredState
    observed: ObservedState
    baselines: dict[str, Baseline]
    look: Look | None = None
    """The look at the host; None for an offline plan."""
    unread: tuple[str, ...] = ()
    """What an offline plan could not compare, because this user may not read it."""


def survey(
    site: Site,
    names: Sequence[str],
    now: datetime,
    *,
    prune: bool = False,
    offline: bool = False,
    generate: bool = False,
    look: Look | None = None,
) -> Survey:
    """Plan without changing anything but, with ``generate``, the secrets that a first apply makes.

    ``names`` narrow it, all interfaces when empty. ``offline`` looks at files alone; otherwise ``look`` may have
    begun before. Raise StateError on faults.
    """
    managed = site.records.names()
    if offline:
        desired = site.store.load()
        chosen = _choose(desired, managed, names)
        observed = observe_files(site.conf_dir, site.names() | chosen)
    else:
        look = look or Look(site.conf_dir, site.names())
        desired = site.store.load()
        chosen = _choose(desired, managed, names)
        observed = look.result()
        if not chosen.issubset(each.name for each in observed.interfaces):  # one came into the state meanwhile
            look = Look(site.conf_dir, site.names() | chosen)
            observed = look.result()
    records = {name: site.records.load(name) for name in chosen}
    wanted = [each for each in desired.interfaces if each.name in chosen]
    stand_ins = {each.name: StandIn(observed.find(each.name).file) for each in wanted} if offline else {}
    try:
        interfaces = _resolve(site, wanted, observed, generate, now, stand_ins)
    except StateError:
        if site.store.load() == desired:
            raise
        # A peer has gone meanwhile, and its key with it: a plan takes no lock that would keep them.
        return survey(site, names, now, prune=prune, offline=offline, generate=generate)
    goals = [goal_of(each, now) for each in interfaces]
    orphaned = sorted(chosen - {each.name for each in desired.interfaces})
    goals += [goal_of_absence(name) for name in orphaned if prune]
    baselines = {each.name: _baseline(each, records[each.name], observed) for each in goals}
    plans = [_plan(each, observed, baselines[each.name], records[each.name], offline) for each in goals]
    unmanaged = sorted({*observed.other_files, *observed.other_live})
    plan = Plan(tuple(plans), () if prune else tuple(orphaned), tuple(unmanaged))
    unread = tuple(f"{name}: {each}" for name, each in stand_ins.items() if each.asked)
    return Survey(plan, desired, observed, baselines, look, unread)


def _choose(desired: DesiredState, managed: Iterable[str], names: Sequence[str]) -> set[str]:
    known = {each.name for each in desired.interfaces} | set(managed)
    unknown = sorted(set(names) - known)
    if unknown:
        have = ", ".join(sorted(known)) or "none"
        raise UsageError(f"no interface {', '.join(unknown)} in the state; it has {have}")
    return set(names) or known


def _resolve(
    site: Site,
    interfaces: Sequence[Interface],
    observed: ObservedState,
    generate: bool,
    now: datetime,
    stand_ins: Mapping[str, StandIn],
) -> list[Interface]:
    """Resolve the secrets of all interfaces; all that is missing is told at once."""
    resolved: list[Interface] = []
    faults: list[Fault] = []
    for each in interfaces:
        found = observed.find(each.name)
        is_new = found.file is None and found.live is None and site.records.load(each.name) is None
        try:
            stand_in = stand_ins.get(each.name)
            resolved.append(
                site.secrets.resolve_interface(each, is_new=is_new, write=generate, now=now, stand_in=stand_in)
            )
        except StateError as error:
            faults += error.faults
    if faults:
        raise StateError(faults)
    return resolved


def _baseline(goal: Goal, record: Record | None, observed: ObservedState) -> Baseline:
    file = observed.find(goal.name).file
    if record is not None and record.text:
        conf = record.conf_like(goal.text or "", goal.conf or Conf())
        return Baseline(conf, applied=True, up=record.up)
    # Of a spoilt record no more is left than that the interface is ours.
    return Baseline(_conf_of_file(file, goal) if file else Conf(), applied=record is not None)


def _conf_of_file(file: ConfFile, goal: Goal) -> Conf:
    if goal.conf and file.text == goal.text:
        return goal.conf
    try:
        return file.conf
    except StateError:
        return Conf()


def _plan(
    goal: Goal, observed: ObservedState, baseline: Baseline, record: Record | None, offline: bool
) -> InterfacePlan:
    if offline:
        goal = Goal(goal.name, goal.text, goal.conf)
    interrupted = record is not None and record.was_coming_up
    return plan_interface(goal, observed.find(goal.name), baseline, interrupted=interrupted)
