"""A reconcile of nothing but what few documents say anew, after a run that left nothing to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from wgreconcile.converge.few import Few, plan_few
from wgreconcile.converge.interface import remember
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome, Progress, Terms
from wgreconcile.converge.part import NotAlone
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.site import Site
from wgreconcile.desired.news import News
from wgreconcile.observed.observe import Look
from wgreconcile.planning import safety
from wgreconcile.planning.model import InterfacePlan, Plan
from wgreconcile.planning.order import in_order


class Interrupted(Exception):
    """More turned out to have changed than few peers, when they were being converged.

    ``plans`` are those that were to be carried out, made of the host as it was ``before``; None when that was seen
    too long ago to lead back to. ``outcomes`` tell of the interfaces that are done with, and ``at`` is the one, if
    any, that was left half way. ``touched`` are those that may be other than before.
    """

    def __init__(
        self,
        before: Look | None,
        plans: Sequence[InterfacePlan],
        outcomes: Mapping[str, InterfaceOutcome],
        at: str = "",
    ) -> None:
        super().__init__()
        self.before, self.outcomes = before, outcomes
        self.plans = {each.name: each for each in plans if each.changes}
        done = {name for name, each in outcomes.items() if each.changed}
        self.touched = sorted(done | ({at} & self.plans.keys()))


def reconcile_news(
    site: Site,
    quiet: Quiet,
    look: Look,
    now: datetime,
    terms: Terms,
) -> Outcome | None:
    """The outcome when few peers are all that has to be looked at; None when it is not, and nothing was changed.

    Raise UnsafePlanError, and Interrupted when the rest has to be done by a reconcile of everything.
    """
    news = quiet.news()
    if news is None:
        return None
    run = _Run(site, news, now, look)
    try:
        planned = {each.interface.name: run.planned(each.interface.name) for each in news.interfaces}
    except NotAlone:
        return None
    plan = quiet.plan_with([each.plan for each in planned.values()])
    safety.check(plan, force=terms.force, max_disruption=terms.max_disruption)
    outcomes = run.carry_out(plan, planned, terms)
    outcome = Outcome(plan, tuple(sorted(outcomes.values(), key=attrgetter("name"))))
    if len(outcomes) == len(plan.interfaces) and not outcome.failed:
        quiet.remember_news(plan, news, run.look)
    return outcome


@dataclass
class _Run:
    """Of one run: what is new, the last ``look`` that saw everything else as it was, the interface ``at`` hand."""

    site: Site
    news: News
    now: datetime
    look: Look
    at: str = ""

    def planned(self, name: str) -> Few:
        """The plan for the new peers of an interface, in sight of what was done to others. Raise NotAlone."""
        (new,) = (each for each in self.news.interfaces if each.interface.name == name)
        return plan_few(self.site, new, self.now, self.look, self._look_again)

    def _look_again(self) -> Look:
        again = Look(self.site.conf_dir, self.site.names())
        self.site.store.remember(self.news)  # while the programs run
        return again

    def carry_out(self, plan: Plan, planned: Mapping[str, Few], terms: Terms) -> dict[str, InterfaceOutcome]:
        """What became of each interface until somebody said stop. Raise Interrupted."""
        before = self.look
        outcomes = {each.name: InterfaceOutcome(each) for each in plan.interfaces if each.name not in planned}
        live = {name: each.part.before.live for name, each in planned.items()}
        try:
            for each in in_order([few.plan for few in planned.values()], live):
                if terms.stop():
                    break
                outcomes[each.name] = self._converged(planned[each.name], terms.progress)
        except NotAlone:
            raise Interrupted(before, plan.interfaces, outcomes, self.at) from None
        return outcomes

    def _converged(self, few: Few, progress: Progress) -> InterfaceOutcome:
        if few.part.look is not self.look:
            planned, few = few, self.planned(few.plan.name)
            if few.plan != planned.plan:
                raise NotAlone
        if not few.plan.changes:
            return InterfaceOutcome(few.plan, record_error=remember(few.plan, few.part))
        self.at = few.plan.name
        outcome = few.converge(progress)
        self.at = ""
        self.look = few.part.look
        return outcome
