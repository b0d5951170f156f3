"""A reconcile of nothing but what few documents say anew, after a run that left nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from wgreconcile.converge.few import plan_few
from wgreconcile.converge.interface import remember
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome, Progress
from wgreconcile.converge.part import NotAlone
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.site import Site
from wgreconcile.observed.observe import Look
from wgreconcile.planning import safety
from wgreconcile.planning.model import Disruption
from wgreconcile.planning.order import in_order


def reconcile_news(
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
        planned = [plan_few(site, each, now, look, look_again) for each in news.interfaces]
    except NotAlone:
        return None
    plan = quiet.plan_with([each.plan for each in planned])
    safety.check(plan, force=force, max_disruption=max_disruption)
    outcomes: dict[str, InterfaceOutcome] = {}
    ordered = in_order(
        [each.plan for each in planned], {each.plan.name: each.part.before.live for each in planned}
    )
    by_name = {few.plan.name: (few, new) for few, new in zip(planned, news.interfaces, strict=True)}
    for few, new in (by_name[each.name] for each in ordered):
        if stop():
            break
        # Each is planned once more in sight of what was done to those before it.
        current = plan_few(site, new, now, look, look_again) if outcomes else few
        if current.plan != few.plan:
            raise NotAlone
        is_reached = InterfaceOutcome(
            few.plan, record_error="" if few.plan.changes else remember(few.plan, few.part)
        )
        outcomes[few.plan.name] = current.converge(progress) if few.plan.changes else is_reached
        look = current.part.look
    done = (outcomes.get(each.name, InterfaceOutcome(each)) for each in plan.interfaces)
    outcome = Outcome(plan, tuple(each for each in done if each.name in outcomes or not each.plan.changes))
    if len(outcomes) == len(planned) and not outcome.failed:
        quiet.remember_news(plan, news, look)
    return outcome
