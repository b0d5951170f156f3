"""One reconcile: load, observe, plan, check, converge, verify; or less, where less has moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wgreconcile.converge.leftovers import settle
from wgreconcile.converge.outcome import Outcome, Progress, Terms
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.site import Site
from wgreconcile.converge.turn import turn
from wgreconcile.errors import ConvergenceError, WgreconcileError
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Disruption

if TYPE_CHECKING:
    from wgreconcile.converge.news import Interrupted


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
    patience: float = 0.0,
) -> Outcome:
    """Bring the host to its desired state and verify that it is there.

    Raise StateError, UnsafePlanError or BusyError before anything is changed, and ConvergenceError when that is
    refused which is left to do after somebody else was at work. What fails later is told in the outcome: one
    interface that fails is led back, and the others are still converged. When ``stop`` says so, no further
    interface is begun. Another run is waited for ``patience`` seconds.
    """
    with turn(site.var, patience, stop) as waited:
        return reconcile_in_turn(site, names, now + waited, Terms(prune, force, max_disruption, progress, stop))


def reconcile_in_turn(site: Site, names: Sequence[str], now: datetime, terms: Terms) -> Outcome:
    """As :func:`reconcile`, for who holds the lock."""
    settle(site)
    look = Look(site.conf_dir, site.names())
    quiet = Quiet(site, look, names, now, prune=terms.prune)
    if (outcome := quiet.recall()) is not None:
        return outcome
    # Imported only here: most runs find nothing to do, and are over sooner without it.
    from wgreconcile.converge.everything import reconcile_everything
    from wgreconcile.converge.news import Interrupted, reconcile_news

    try:
        outcome = reconcile_news(site, quiet, look, now, terms)
        return outcome or reconcile_everything(site, quiet, look, names, now, terms)
    except Interrupted as begun:
        return reconcile_rest(site, names, now, terms, begun)


def reconcile_rest(site: Site, names: Sequence[str], now: datetime, terms: Terms, begun: Interrupted) -> Outcome:
    """End what was ``begun``, for who holds the lock. Somebody else is at work: what there is now is seen anew.

    Raise ConvergenceError when what is left is refused; where nothing was changed yet, as :func:`reconcile` does.
    """
    from wgreconcile.converge.everything import reconcile_everything

    look = Look(site.conf_dir, site.names())
    quiet = Quiet(site, look, names, now, prune=terms.prune)
    try:
        return reconcile_everything(site, quiet, look, names, now, terms, begun)
    except WgreconcileError as error:
        if not begun.touched:
            raise
        problem = f"somebody else changed more while peers of {', '.join(begun.touched)} were being changed"
        raise ConvergenceError(f"{problem}, and what is left was not begun: {error}") from error
