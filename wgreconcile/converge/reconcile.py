"""One reconcile: load, observe, plan, check, converge, verify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from wgreconcile.converge.leftovers import settle
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome, Progress
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.files import exclusive_lock, make_private_folder
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Disruption, InterfacePlan

if TYPE_CHECKING:
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
        from wgreconcile.converge.survey import survey
        from wgreconcile.planning import safety

        found = survey(site, names, now, prune=prune, generate=True, look=look)
        safety.check(found.plan, force=force, max_disruption=max_disruption)
        plans = sorted(found.plan.interfaces, key=_goes_first)
        outcomes = (_converge(each, found, site, progress) for each in plans if not stop())
        outcome = Outcome(found.plan, tuple(sorted(outcomes, key=attrgetter("name"))))
        if found.plan.is_empty and not outcome.failed:
            quiet.remember(found.plan, found.desired)
        return outcome


def _goes_first(plan: InterfacePlan) -> bool:
    """What goes down makes room for what comes up: its listen port, its addresses, its routes."""
    return plan.goal.live is not None


def _converge(plan: InterfacePlan, found: Survey, site: Site, progress: Progress) -> InterfaceOutcome:
    baseline = found.baselines[plan.name]
    if plan.changes:
        from wgreconcile.converge.interface import converge
        from wgreconcile.converge.operations import Host
        from wgreconcile.converge.target import Whole

        before = found.observed.find(plan.name)
        target = Whole(plan.name, Host(site.conf_dir), site.records)
        return converge(plan, before, baseline, target, progress)
    return InterfaceOutcome(plan, record_error=_remember(plan, site))


def _remember(plan: InterfacePlan, site: Site) -> str:
    """Remember what is as it shall be already. Return why that could not be done, empty when it was."""
    try:
        if plan.goal.text is None:  # pruned, and a hand has removed all of it already
            site.records.forget(plan.name)
        elif site.records.load(plan.name) != (record := Record(plan.goal.text, plan.goal.live is not None)):
            site.records.save(plan.name, record)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""
