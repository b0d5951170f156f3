"""Reconciles again and again, for a process that lives long: a change of a few peers costs what these few cost.

What was verified is known. Where only peers differ from that, only these are planned and applied, and all others
are looked at again. Whatever is not that simple, or does not turn out as planned, is left to
:func:`wgreconcile.converge.reconcile.reconcile_in_turn`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from wgreconcile.converge.few import Few, plan_few
from wgreconcile.converge.known import Known, new_peers
from wgreconcile.converge.news import Interrupted
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome, Terms
from wgreconcile.converge.part import NotAlone
from wgreconcile.converge.reconcile import reconcile_in_turn, reconcile_rest
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.converge.turn import turn
from wgreconcile.desired.layout import Stamp
from wgreconcile.desired.model import DesiredState, Interface
from wgreconcile.desired.moments import Period
from wgreconcile.desired.store import Store
from wgreconcile.errors import WgreconcileError
from wgreconcile.observed.observe import Look
from wgreconcile.planning import safety
from wgreconcile.planning.model import Baseline, Disruption, Goal, Plan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.routes import default_routes


class Steady:
    """Reconciles ``site`` as :func:`reconcile` does, with what it has verified before in mind. For one thread."""

    def __init__(self, site: Site) -> None:
        self._store = _Noting(site.store)
        self._site = replace(site, store=self._store)
        self._known: dict[str, Known] = {}

    def reconcile(
        self,
        names: Sequence[str],
        now: datetime,
        *,
        prune: bool = False,
        force: bool = False,
        stop: Callable[[], bool] = lambda: False,
        patience: float = 0.0,
    ) -> Outcome:
        """As :func:`wgreconcile.converge.reconcile.reconcile`."""
        terms = Terms(prune, force, Disruption.RESTART, lambda name, text: None, stop)
        with turn(self._site.var, patience, stop) as waited:
            now += waited
            self._store.loaded = None
            try:
                return self._reconcile_few(names, now, force)
            except NotAlone:
                outcome = reconcile_in_turn(self._site, names, now, terms)
            except Interrupted as begun:
                outcome = reconcile_rest(self._site, names, now, terms, begun)
            self._learn(outcome, now)
            return outcome

    def _reconcile_few(self, names: Sequence[str], now: datetime, force: bool) -> Outcome:
        """The outcome when all that differs are a few peers of interfaces that are known; else raise NotAlone.

        Raise Interrupted when somebody else was at work. What was seen last may be long ago: where a hand has done
        or undone something since, a step can fail that a reconcile with a look at what there is now does not need.
        """
        if not names or not self._known.keys() >= set(names):
            raise NotAlone
        state = self._site.store.recent()
        planned = [self._planned(self._known[each], state.find(each), now) for each in names]
        plan = Plan(tuple(few.plan for _, few in planned))
        safety.check(plan, force=force)
        return Outcome(plan, self._carried_out(plan, planned, now))

    def _carried_out(
        self, plan: Plan, planned: Sequence[tuple[Interface, Few]], now: datetime
    ) -> tuple[InterfaceOutcome, ...]:
        """What became of each interface. Raise Interrupted."""
        outcomes: dict[str, InterfaceOutcome] = {}
        for interface, few in planned:
            name = few.plan.name
            try:
                outcome = self._converged(interface, few, now)
            except NotAlone:
                raise Interrupted(None, plan.interfaces, outcomes, name) from None
            if outcome.failed:
                raise Interrupted(None, plan.interfaces, outcomes, name if outcome.return_error else "")
            outcomes[name] = outcome
        return tuple(outcomes.values())

    def _planned(self, known: Known, interface: Interface | None, now: datetime) -> tuple[Interface, Few]:
        name = known.interface.name
        new = new_peers(known, interface, now) if interface else None
        if interface is None or new is None or self._site.records.stamp(name) != known.record:
            raise NotAlone
        look = self._first_look(known.seen) if isinstance(known.seen, Goal) else known.seen
        return interface, plan_few(self._site, new, now, look, lambda: self._look(name))

    def _look(self, name: str) -> Look:
        return Look(self._site.conf_dir, [name])

    def _first_look(self, goal: Goal) -> Look:
        """A look that sees an interface at its goal; raise NotAlone when it is not there."""
        look = self._look(goal.name)
        baseline = Baseline(goal.conf, applied=True) if goal.conf else Baseline()
        if plan_interface(goal, look.result().find(goal.name), baseline).changes:
            raise NotAlone
        return look

    def _converged(self, interface: Interface, few: Few, now: datetime) -> InterfaceOutcome:
        """Apply and verify, also when nothing is to be done: until then the interface is not known.

        Raise NotAlone when others turn out not to be as they were.
        """
        name = few.plan.name
        del self._known[name]
        outcome = few.converge()
        if not outcome.failed and not outcome.record_error:
            period, record = Period.of(interface.peers, now), self._site.records.stamp(name)
            self._known[name] = Known(interface, few.part.look, period, record)
        return outcome

    def _learn(self, outcome: Outcome, now: datetime) -> None:
        """Remember what was verified just now."""
        if outcome.look and outcome.rest is not None:
            self._learn_at_rest(outcome.look, outcome.rest, outcome, now)
            return
        for each in outcome.interfaces:
            if each.plan.goal.text is None and not each.failed and each.name in self._known:
                continue  # it is as it was, which was seen by its inputs
            self._known.pop(each.name, None)
            interface = self._store.loaded.find(each.name) if self._store.loaded else None
            if interface is not None and not each.failed:
                self._remember(interface, each.plan.goal, outcome.look, now)

    def _learn_at_rest(self, look: Look, rest: Mapping[str, Stamp], outcome: Outcome, now: datetime) -> None:
        """Remember what is as a run before has verified it, which may have been one of another process."""
        unknown = [each.name for each in outcome.interfaces if each.name not in self._known]
        if not unknown:
            return
        try:
            state = self._store.load()
            if self._store.stamps() != rest:
                return  # they have changed since, and so may the state have
        except (WgreconcileError, OSError):
            return  # the next pass tells what is wrong with it
        for name in unknown:
            interface = state.find(name)
            if interface is not None and interface.enabled and not _has_default_route(interface):
                period, record = Period.of(interface.peers, now), self._site.records.stamp(name)
                self._known[name] = Known(interface, look.of(name), period, record)

    def _remember(self, interface: Interface, goal: Goal, look: Look | None, now: datetime) -> None:
        """Remember an interface that is at its goal, where ``look`` has seen it already if there is one."""
        stamp = self._site.records.stamp(goal.name)
        if goal.text is None or goal.conf is None or goal.live is None or default_routes(goal.conf):
            return
        if self._site.records.load(goal.name) == Record(goal.text):  # nobody has been here since
            seen = look.of(goal.name) if look else goal
            self._known[goal.name] = Known(interface, seen, Period.of(interface.peers, now), stamp)


def _has_default_route(interface: Interface) -> bool:
    return any(network.is_default for each in interface.peers for network in each.allowed_ips)


class _Noting(Store):
    """A store that notes what was loaded last."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.state)
        self.loaded: DesiredState | None = None
        self._store = store

    def load(self) -> DesiredState:
        self.loaded = self._store.load()
        return self.loaded

    def recent(self, within: float | None = None) -> DesiredState:
        return self._store.recent(within)
