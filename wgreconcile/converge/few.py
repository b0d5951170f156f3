"""A reconcile that looks at nothing but the peers of few documents.

When everything was at its goal, and since then nothing has moved but documents of few peers, then only these peers
can differ. They are planned, converged and verified by the very code that does it for all; a :class:`Part` stands
between it and the whole. Whatever is not that simple is left to a reconcile of everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from wgreconcile.converge.interface import converge, remember
from wgreconcile.converge.operations import Host
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome, Progress
from wgreconcile.converge.part import NotAlone, Part, is_simple
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.site import Site
from wgreconcile.converge.target import Whole
from wgreconcile.desired.news import NewPeers
from wgreconcile.observed.conf import Conf, parse_conf
from wgreconcile.observed.observe import Look
from wgreconcile.planning import safety
from wgreconcile.planning.goal import goal_of
from wgreconcile.planning.model import Baseline, Disruption, Goal, InterfacePlan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.sections import Sections


@dataclass(frozen=True)
class _Planned:
    """What is to be done about the few peers of one interface."""

    plan: InterfacePlan
    baseline: Baseline
    part: Part


def reconcile_few(
    site: Site,
    quiet: Quiet,
    look: Look,
    now: datetime,
    *,
    force: bool,
    max_disruption: Disruption,
    progress: Progress,
    stop: Callable[[], bool],
) -> Outcome | None:
    """The outcome when few peers are all that has to be looked at; None when it is not, and nothing was changed.

    Raise UnsafePlanError, and NotAlone when more turned out to have changed while peers were being converged.
    """
    news = quiet.news()
    if news is None:
        return None

    def look_again() -> Look:
        again = Look(site.conf_dir, site.names())
        site.store.remember(news)  # while the programs run
        return again

    try:
        planned = [_planned(site, each, now, look, look_again) for each in news.interfaces]
    except NotAlone:
        return None
    plan = quiet.plan_with([each.plan for each in planned])
    safety.check(plan, force=force, max_disruption=max_disruption)
    outcomes: dict[str, InterfaceOutcome] = {}
    for each, new in zip(planned, news.interfaces, strict=True):
        if stop():
            break
        # Each is planned once more in sight of what was done to those before it.
        current = _planned(site, new, now, look, look_again) if outcomes else each
        if current.plan != each.plan:
            raise NotAlone
        outcomes[each.plan.name] = _converged(current, progress)
        look = current.part.look
    done = (outcomes.get(each.name, InterfaceOutcome(each)) for each in plan.interfaces)
    outcome = Outcome(plan, tuple(each for each in done if each.name in outcomes or not each.plan.changes))
    if len(outcomes) == len(planned) and not outcome.failed:
        quiet.remember_news(plan, news, look)
    return outcome


def _planned(site: Site, new: NewPeers, now: datetime, look: Look, look_again: Callable[[], Look]) -> _Planned:
    """Plan for few peers. Raise NotAlone when it takes more, StateError when a secret is missing."""
    name = new.interface.name
    whole = Whole(name, Host(site.conf_dir), site.records)
    record = whole.load()
    if record is None or record.running or not record.up:
        raise NotAlone
    part = Part(whole, new.keys, record.text, look, look_again)
    few = site.secrets.resolve_interface(new.interface, write=True, now=now)
    goal = replace(goal_of(few, now), others=part.others)
    baseline = Baseline(parse_conf(part.text, "(record)"), applied=True)
    if not _is_plain(goal, baseline.conf, part):
        raise NotAlone
    plan = plan_interface(goal, part.before, baseline)
    if not all(map(is_simple, plan.steps)):
        raise NotAlone
    return _Planned(plan, baseline, part)


def _is_plain(goal: Goal, before: Conf, part: Part) -> bool:
    """Whether the interface is up and stays what it is, without default routes: those are wg-quick's."""
    live, wanted = part.before.live, goal.live
    if live is None or wanted is None or Sections.of(goal.text or "").head != Sections.of(part.text).head:
        return False
    routed = {each.network for each in live.routes} | before.networks | wanted.networks
    return not any(each.is_default for each in routed)


def _converged(planned: _Planned, progress: Progress) -> InterfaceOutcome:
    plan, part = planned.plan, planned.part
    if plan.changes:
        return converge(plan, part.before, planned.baseline, part, progress)
    return InterfaceOutcome(plan, record_error=remember(plan, part))
