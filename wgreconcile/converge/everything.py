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
from wgreconcile.errors import UnsafePlanError
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
    """Plan for all, converge and verify; where few peers were ``begun`` with, end that and tell of all of it.

    Raise StateError and UnsafePlanError before anything more is changed.
    """
    found = survey(site, names, now, prune=terms.prune, generate=True, look=look)
    _check(found.plan, terms, begun)
    plans = in_order(found.plan.interfaces, {each.name: each.live for each in found.observed.interfaces})
    outcomes = (_converge(each, found, begun, site, terms) for each in plans if not terms.stop())
    told = replace(found.plan, interfaces=tuple(_told(each, begun) for each in found.plan.interfaces))
    look_at_goal = found.look if found.plan.is_empty else None
    outcome = Outcome(told, tuple(sorted(outcomes, key=attrgetter("name"))), look_at_goal)
    if found.plan.is_empty and not outcome.failed:
        quiet.remember(found.plan, found.desired)
    return outcome


def _check(plan: Plan, terms: Terms, begun: Interrupted | None) -> None:
    """Raise UnsafePlanError; it says that nothing was changed only where that is so."""
    if begun is None or not begun.touched:
        safety.check(plan, force=terms.force, max_disruption=terms.max_disruption)
    elif reasons := safety.reasons(plan, force=terms.force, max_disruption=terms.max_disruption):
        raise UnsafePlanError("\n".join(["refused", *reasons]))


def _told(plan: InterfacePlan, begun: Interrupted | None) -> InterfacePlan:
    """A plan with all that the run was to do, also what it has done before it was interrupted."""
    first = begun.plans.get(plan.name) if begun else None
    if begun is None or first is None:
        return plan
    if plan.name in begun.outcomes:
        return first
    planned = {each.peer for each in first.changes}
    more = (each for each in plan.changes if each.peer not in planned)
    subjects, steps = max(first.subjects, plan.subjects), (*first.steps, *plan.steps)
    return replace(plan, changes=(*first.changes, *more), steps=steps, subjects=subjects)


def _converge(
    plan: InterfacePlan, found: Survey, begun: Interrupted | None, site: Site, terms: Terms
) -> InterfaceOutcome:
    """Converge an interface, or end what was ``begun``: its way back leads to what was seen before that."""
    if begun and plan.name in begun.outcomes:
        return begun.outcomes[plan.name]
    target, told = Whole(plan.name, Host(site.conf_dir), site.records), _told(plan, begun)
    if not plan.changes:
        return InterfaceOutcome(told, record_error=remember(plan, target))
    before = found.observed
    if begun and begun.before and plan.name in begun.plans:
        before = begun.before.result()
    outcome = converge(plan, before.find(plan.name), found.baselines[plan.name], target, terms.progress)
    return replace(outcome, plan=told)
