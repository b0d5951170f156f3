"""One reconcile: load, observe, plan, check, converge, verify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from wgreconcile.converge.leftovers import settle
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome, Progress
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.site import Site
from wgreconcile.files import exclusive_lock, make_private_folder
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Disruption, InterfacePlan, Plan

if TYPE_CHECKING:
    from wgreconcile.converge.news import Interrupted
    from wgreconcile.converge.survey import Survey


def reconcile(
    site: Site,
    names: Sequence[str],
    now: datetime,
    *,
    prune: bool = False,
    force: bool = False,
    max_disruption: Disruption = Disruption.RESTART,
    progress: Progress = lambda name, text: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Bring the host to its desired state and verify that it is there.

    Raise StateError, UnsafePlanError or BusyError before anything is changed. What fails later is told
    in the outcome: one interface that fails is led back, and the others are still converged. When ``stop`` says
    so, no further interface is begun.
    """
    make_private_folder(site.var)
    with exclusive_lock(site.var / "lock", "run of wgreconcile"):
        settle(site)
        look = Look(site.conf_dir, site.names())
        quiet = Quiet(site, look, names, now, prune=prune)
        if (outcome := quiet.recall()) is not None:
            return outcome
        # Imported only here: most runs find nothing to do, and are over sooner without it.
        from wgreconcile.converge.news import Interrupted, reconcile_news

        begun: Interrupted | None = None
        try:
            outcome = reconcile_news(
                site,
                quiet,
                look,
                now,
                force=force,
                max_disruption=max_disruption,
                progress=progress,
                stop=stop,
            )
            if outcome is not None:
                return outcome
        except Interrupted as interrupted:  # somebody else is at work: what there is now is seen anew
            begun = interrupted
            look = Look(site.conf_dir, site.names())
            quiet = Quiet(site, look, names, now, prune=prune)
        from wgreconcile.converge.survey import survey
        from wgreconcile.planning import safety
        from wgreconcile.planning.order import in_order

        found = survey(site, names, now, prune=prune, generate=True, look=look)
        safety.check(found.plan, force=force, max_disruption=max_disruption)
        plans = in_order(found.plan.interfaces, {each.name: each.live for each in found.observed.interfaces})
        outcomes = (_converge(each, found, begun, site, progress) for each in plans if not stop())
        outcome = Outcome(_told(found.plan, begun), tuple(sorted(outcomes, key=attrgetter("name"))))
        if found.plan.is_empty and not outcome.failed:
            quiet.remember(found.plan, found.desired)
        return outcome


def _told(plan: Plan, begun: Interrupted | None) -> Plan:
    """A plan with all that the run was to do, also where it has done it already."""
    whole = begun.plans if begun else {}
    return replace(plan, interfaces=tuple(whole.get(each.name, each) for each in plan.interfaces))


def _converge(
    plan: InterfacePlan, found: Survey, begun: Interrupted | None, site: Site, progress: Progress
) -> InterfaceOutcome:
    """Converge an interface, or end what was ``begun``: its way back leads to what was there before that."""
    from wgreconcile.converge.interface import converge, remember
    from wgreconcile.converge.operations import Host
    from wgreconcile.converge.target import Whole

    target = Whole(plan.name, Host(site.conf_dir), site.records)
    before, told = found.observed.find(plan.name), plan
    if begun and plan.name in begun.outcomes:
        return begun.outcomes[plan.name]
    if begun and plan.name in begun.plans:
        before, told = begun.before.result().find(plan.name), begun.plans[plan.name]
    if not plan.changes:
        return InterfaceOutcome(told, record_error=remember(plan, target))
    outcome = converge(plan, before, found.baselines[plan.name], target, progress)
    return replace(outcome, plan=told)
