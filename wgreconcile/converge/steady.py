"""Reconciles again and again, for a process that lives long: a change of a few peers costs what these few cost.

What was verified is known. Where only peers differ from that, only these are planned and applied, and afterwards
the whole interface is verified again. Whatever is not that simple, or does not turn out as planned, is left to
:func:`wgreconcile.converge.reconcile.reconcile`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from wgreconcile.converge.known import Known, Seen, delta_of, next_change, seen_of
from wgreconcile.converge.operations import Host, perform
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome
from wgreconcile.converge.reconcile import reconcile
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.converge.touch import Look, Touch, is_reached, plan_few
from wgreconcile.desired.model import DesiredState, Interface
from wgreconcile.desired.store import Store
from wgreconcile.errors import WgreconcileError
from wgreconcile.files import exclusive_lock
from wgreconcile.observed.live import LiveReader
from wgreconcile.observed.model import ObservedInterface
from wgreconcile.planning import safety
from wgreconcile.planning.goal import conf_of
from wgreconcile.planning.model import Baseline, Goal, Plan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.routes import default_routes
from wgreconcile.planning.sections import Sections


class Steady:
    """Reconciles ``site`` as :func:`reconcile` does, with what it has verified before in mind. For one thread."""

    def __init__(self, site: Site) -> None:
        self._store = _Noting(site.store)
        self._site = replace(site, store=self._store)
        self._reader = LiveReader()
        self._known: dict[str, Known] = {}

    def reconcile(
        self,
        names: Sequence[str],
        now: datetime,
        *,
        prune: bool = False,
        force: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """As :func:`reconcile`."""
        outcome = self._touch(names, now, force)
        if outcome is None:
            self._store.loaded = None
            outcome = reconcile(self._site, names, now, prune=prune, force=force, stop=stop)
            self._learn(outcome, now)
        return outcome

    def _touch(self, names: Sequence[str], now: datetime, force: bool) -> Outcome | None:
        """The outcome when all that differs are a few peers of interfaces that are known; else None."""
        if not names or not self._known.keys() >= set(names):
            return None
        with exclusive_lock(self._site.var / "lock", "run of wgreconcile"):
            state = self._site.store.recent()
            touches = [self._planned(self._known[each], state.find(each), now) for each in names]
            found = [each for each in touches if each is not None]
            if len(found) < len(touches):
                return None
            plan = Plan(tuple(each.plan for each in found))
            safety.check(plan, force=force)
            if not all(self._carry_out(each) for each in found):
                return None
            return Outcome(plan, tuple(InterfaceOutcome(each.plan) for each in found))

    def _planned(self, known: Known, interface: Interface | None, now: datetime) -> Touch | None:
        if interface is None or self._site.records.stamp(known.goal.name) != known.record:
            return None
        delta = delta_of(known, interface, now)
        seen = self._seen(known) if delta and delta.keys else None
        if delta is None or seen is None:
            return None
        few = self._site.secrets.resolve_interface(replace(interface, peers=delta.peers), write=True, now=now)
        conf_of_few = conf_of(few, now)
        if conf_of_few.private_key != known.conf.private_key:
            return None
        known, after = replace(known, seen=seen), known.with_peers(interface, delta, conf_of_few, now)
        touch = Touch(known, seen, after, plan_few(known, seen, after, delta, conf_of_few))
        return touch if touch.is_simple else None

    def _seen(self, known: Known) -> Seen | None:
        """How an interface looks; None when it does not look as it should."""
        if known.seen is not None:
            return known.seen
        observed = self._look(known.goal.name)
        plan = plan_interface(known.goal, observed, Baseline(known.conf, applied=True))
        return None if plan.changes else seen_of(observed)

    def _look(self, name: str) -> ObservedInterface:
        return Look(name).result(self._reader, self._site.conf_dir)

    def _carry_out(self, touch: Touch) -> bool:
        """Apply and verify. Whatever goes wrong is for a whole reconcile to see and to lead back."""
        name, host, goal = touch.plan.name, Host(self._site.conf_dir), touch.after.goal
        del self._known[name]
        try:
            for step in touch.plan.steps:
                perform(step, name, host)
            look = Look(name)
            pairs, record = touch.known.pairs, Record(goal.text or "")
            observed = look.result(self._reader, self._site.conf_dir)
            if not is_reached(touch, observed, pairs):
                return False
            if goal.text != touch.known.goal.text:
                self._site.records.save(name, record)
        except (WgreconcileError, OSError, ValueError):
            return False
        stamp = self._site.records.stamp(name)
        self._known[name] = replace(touch.after, seen=seen_of(observed), record=stamp)
        return True

    def _learn(self, outcome: Outcome, now: datetime) -> None:
        """Remember what was verified just now."""
        for each in outcome.interfaces:
            known = self._known.get(each.name)
            if each.plan.goal.text is None and not each.failed and known is not None:
                continue  # it is as it was, which was seen by its inputs
            interface = self._store.loaded.find(each.name) if self._store.loaded else None
            if known is None or known.interface is not interface or each.plan.changes or each.failed:
                self._known.pop(each.name, None)
                if interface is not None and not each.failed:
                    self._remember(interface, each.plan.goal, now)

    def _remember(self, interface: Interface, goal: Goal, now: datetime) -> None:
        stamp = self._site.records.stamp(goal.name)
        if goal.text is None or goal.conf is None or goal.live is None or default_routes(goal.conf):
            return
        if self._site.records.load(goal.name) == Record(goal.text):  # nobody has been here since
            sections, until = Sections.of(goal.text), next_change(interface.peers, now)
            self._known[goal.name] = Known(interface, goal, goal.conf, sections, until, stamp)


class _Noting(Store):
    """A store that notes what was loaded last."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.state)
        self.loaded: DesiredState | None = None
        self._store = store

    def load(self) -> DesiredState:
        self.loaded = self._store.load()
        return self.loaded

    def recent(self) -> DesiredState:
        return self._store.recent()
