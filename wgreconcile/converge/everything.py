"""A reconcile of everything that was asked for, or of what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from wgreconcile.converge.interface import converge, remember
from wgreconcile.converge.news import Interrupted
from wgreconcile.converge.operations import Host
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome, Terms
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.site import Site
from wgreconcile.converge.survey import Survey, survey
from wgreconcile.converge.target import Whole
from wgreconcile.observed.observe import Look
from wgreconcile.planning import safety
from wgreconcile.planning.model import InterfacePlan, Plan
from wgreconcile.planning.order import in_order


def reconcile_everything(
    site: Site,
    quiet: Quiet,
    look: Look,
    names: Sequence[str],
    now: datetime,
    terms: Terms,
    begun: Interrupted | None = None,
) -> Outcome:
    """Plan for all, converge and verify; where few peers were ``begun`` with, end that.

    Raise StateError and UnsafePlanError before anything more is changed.
    """
    found = survey(site, names, now, prune=terms.prune, generate=True, look=look)
    safety.check(found.plan, force=terms.force, max_disruption=terms.max_disruption)
    plans = in_order(found.plan.interfaces, {each.name: each.live for each in found.observed.interfaces})
    outcomes = (_converge(each, found, begun, site, terms) for each in plans if not terms.stop())
    outcome = Outcome(_told(found.plan, begun), tuple(sorted(outcomes, key=attrgetter("name"))))
    if found.plan.is_empty and not outcome.failed:
        quiet.remember(found.plan, found.desired)
    return outcome


def _told(plan: Plan, begun: Interrupted | None) -> Plan:
    """A plan with all that the run was to do, also where it has done it already."""
    whole = begun.plans if begun else {}
    return replace(plan, interfaces=tuple(whole.get(each.name, each) for each in plan.interfaces))


def _converge(
    plan: InterfacePlan, found: Survey, begun: Interrupted | None, site: Site, terms: Terms
) -> InterfaceOutcome:
    """Converge an interface, or end what was ``begun``: its way back leads to what was there before that."""
    target = Whole(plan.name, Host(site.conf_dir), site.records)
    before, told = found.observed.find(plan.name), plan
    if begun and plan.name in begun.outcomes:
        return begun.outcomes[plan.name]
    if begun and plan.name in begun.plans:
        before, told = begun.before.result().find(plan.name), begun.plans[plan.name]
    if not plan.changes:
        return InterfaceOutcome(told, record_error=remember(plan, target))
    outcome = converge(plan, before, found.baselines[plan.name], target, terms.progress)
    return replace(outcome, plan=told)
