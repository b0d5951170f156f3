"""Passes over the host, shared by all who want one at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from wgreconcile.api.reconciler import Converged, Outcome
from wgreconcile.converge.outcome import InterfaceOutcome
from wgreconcile.converge.site import Site
from wgreconcile.converge.steady import Steady
from wgreconcile.errors import WgreconcileError
from wgreconcile.sharing import Group

_log = logging.getLogger(__name__)

BUSY_SECONDS = 10.0
"""How long a pass waits for a run of the command line to end."""
NOT_BEGUN = "was not begun, because wgreconcile is stopping; the next start converges it"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants a pass to do: these interfaces, all without names.

    ``force``: also when much is removed, and interfaces among ``names`` that left the state go.
    """

    names: frozenset[str] = frozenset()
    force: bool = False


class Passes:
    """Runs passes one after the other; ``stop`` keeps one from beginning further interfaces."""

    def __init__(
        self, site: Site, *, busy_seconds: float = BUSY_SECONDS, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._site = site
        self._steady = Steady(site)
        self._busy_seconds = busy_seconds
        self._stop = stop
        self._group: Group[Wish, Outcome] = Group(self._grant)

    def ask(self, wish: Wish) -> Outcome:
        """The outcome for the interfaces of ``wish``, of a pass that began after this call."""
        return self._group.ask(wish)

    def close(self) -> None:
        """Wait for the pass that is under way; there are no more after it."""
        self._group.close()

    def _grant(self, wishes: Sequence[Wish]) -> list[Outcome | Exception]:
        """Grant equal wishes and those that go together by one pass; where that is refused, each by its own."""
        granted: dict[Wish, Outcome | Exception] = {}
        for force in (False, True):
            distinct = {each for each in wishes if each.force is force}
            if not distinct:
                continue
            try:
                outcome = self._pass(_union(distinct))
                granted.update((each, _narrowed(outcome, each)) for each in distinct)
            except WgreconcileError as error:
                # What is wrong with one interface is no reason to leave another as it is.
                is_alone = len(distinct) == 1
                granted.update((each, error if is_alone else self._try(each)) for each in distinct)
        return [granted[each] for each in wishes]

    def _try(self, wish: Wish) -> Outcome | Exception:
        try:
            return self._pass(wish)
        except WgreconcileError as error:
            return error

    def _pass(self, wish: Wish) -> Outcome:
        names = self._known(wish.names)
        if wish.names and not names:
            return Outcome(tuple(map(Converged, sorted(wish.names))))
        done = self._steady.reconcile(
            names,
            datetime.now(timezone.utc),
            prune=wish.force,
            force=wish.force,
            stop=self._stop,
            patience=self._busy_seconds,
        )
        return self._outcome(done.interfaces, wish.names)

    def _known(self, names: Iterable[str]) -> list[str]:
        """What is neither desired nor managed is as it should be, and no pass knows of it."""
        return sorted(set(names) & (self._site.store.names() | self._site.records.names()))

    def _outcome(self, interfaces: Sequence[InterfaceOutcome], names: Iterable[str]) -> Outcome:
        """What the API is told. An interface that was asked for and needed no pass is there, too."""
        missing = Converged("", NOT_BEGUN) if self._stop() else Converged("")
        done = {name: replace(missing, name=name) for name in names}
        done.update((each.name, _converged(each)) for each in interfaces)
        return Outcome(tuple(done[name] for name in sorted(done)))


def _union(wishes: Iterable[Wish]) -> Wish:
    every = list(wishes)
    wants_all = not all(each.names for each in every)
    names = frozenset() if wants_all else frozenset().union(*(each.names for each in every))
    return Wish(names, every[0].force)


def _converged(each: InterfaceOutcome) -> Converged:
    if each.record_error:
        _log.error("%s: what was applied could not be remembered: %s", each.name, each.record_error)
    if not each.failed:
        return Converged(each.name, changed=bool(each.changed))
    error = f"{each.error}; the way back failed, too: {each.return_error}" if each.return_error else each.error
    return Converged(each.name, error, returned=not each.return_error)


def _narrowed(outcome: Outcome, wish: Wish) -> Outcome:
    if not wish.names:
        return outcome
    return Outcome(tuple(each for each in outcome.interfaces if each.name in wish.names))
