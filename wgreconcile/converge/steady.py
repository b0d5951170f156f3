"""Reconciles again and again, for a process that lives long: a change of a few peers costs what these few cost.

What was verified is known. Where only peers differ from that, only these are planned and applied, and afterwards
the whole interface is verified again. Whatever is not that simple, or does not turn out as planned, is left to
:func:`wgreconcile.converge.reconcile.reconcile`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from wgreconcile.command import start
from wgreconcile.converge.known import Delta, Known, Seen, delta_of, moved, next_change, only, only_live, seen_of
from wgreconcile.converge.operations import Host, perform
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome
from wgreconcile.converge.reconcile import reconcile
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.desired.model import DesiredState, Interface
from wgreconcile.desired.store import Store
from wgreconcile.errors import WgreconcileError
from wgreconcile.files import exclusive_lock
from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.ip import LinkQuery, RouteQuery, with_link
from wgreconcile.observed.live import LiveReader
from wgreconcile.observed.model import ConfFile, ObservedInterface
from wgreconcile.observed.observe import read_file
from wgreconcile.planning import safety
from wgreconcile.planning.diff import FILE_MODE, diff
from wgreconcile.planning.goal import conf_of
from wgreconcile.planning.model import (
    Adjust,
    Baseline,
    Goal,
    InterfacePlan,
    Plan,
    RemovePeers,
    SetPeers,
    WriteFile,
)
from wgreconcile.planning.plan import plan_changes, plan_interface
from wgreconcile.planning.render import render_conf
from wgreconcile.planning.routes import default_routes
from wgreconcile.planning.sections import Sections

_SIMPLE = (WriteFile, SetPeers, RemovePeers, Adjust)
"""Steps that end at once and disturb nobody but the peers that they name."""


@dataclass(frozen=True)
class _Touch:
    """The change of a few peers: what is known, what will be, and the plan that leads there."""

    known: Known
    seen: Seen
    after: Known
    plan: InterfacePlan

    @property
    def text(self) -> str | None:
        """What the file says afterwards: a new comment alone is not written."""
        is_written = any(isinstance(each, WriteFile) for each in self.plan.steps)
        return self.after.goal.text if is_written else self.seen.file.text


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

    def _planned(self, known: Known, interface: Interface | None, now: datetime) -> _Touch | None:
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
        plan = _plan_few(known, seen, after, delta, conf_of_few)
        return _Touch(known, seen, after, plan) if all(isinstance(each, _SIMPLE) for each in plan.steps) else None

    def _seen(self, known: Known) -> Seen | None:
        """How an interface looks; None when it does not look as it should."""
        if known.seen is not None:
            return known.seen
        observed = self._look(known.goal.name)
        plan = plan_interface(known.goal, observed, Baseline(known.conf, applied=True))
        return None if plan.changes else seen_of(observed)

    def _look(self, name: str) -> ObservedInterface:
        return _Look(name).result(self._reader, self._site.conf_dir)

    def _carry_out(self, touch: _Touch) -> bool:
        """Apply and verify. Whatever goes wrong is for a whole reconcile to see and to lead back."""
        name, host, goal = touch.plan.name, Host(self._site.conf_dir), touch.after.goal
        del self._known[name]
        try:
            for step in touch.plan.steps:
                perform(step, name, host)
            look = _Look(name)
            pairs, record = touch.known.pairs, Record(goal.text or "")
            observed = look.result(self._reader, self._site.conf_dir)
            if not _is_reached(touch, observed, pairs):
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
            sections, until = Sections.of(goal.conf, goal.text), next_change(interface.peers, now)
            self._known[goal.name] = Known(interface, goal, goal.conf, sections, until, stamp)


class _Look:
    """A look at one interface that has begun, by programs that run while the caller does something else."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._dump, self._links, self._routes = (
            start(["wg", "show", "all", "dump"]),
            LinkQuery(),
            RouteQuery([name]),
        )

    def result(self, reader: LiveReader, conf_dir: Path) -> ObservedInterface:
        """What is there. Raise CommandError."""
        found = reader.parse(self._dump.finish())
        live = next((each for each in found if each.name == self._name), None)
        if live is None or self._name not in self._links.result:
            return ObservedInterface(self._name)
        (complete,) = self._routes.with_routes([with_link(live, self._links.result[self._name])])
        return ObservedInterface(self._name, read_file(conf_dir, self._name), complete)


def _plan_few(known: Known, seen: Seen, after: Known, delta: Delta, few: Conf) -> InterfacePlan:
    """What differs is told by the few peers alone; what is to be done, by all of them."""
    name, before = known.goal.name, only(known.conf, delta.keys)
    file = ConfFile("(as applied)", FILE_MODE, render_conf(before))
    part = ObservedInterface(name, file, only_live(seen.live, delta.keys))
    changes = diff(Goal(name, render_conf(few), few, few), part, Baseline(before, applied=True))
    whole = ObservedInterface(name, seen.file, seen.live)
    return plan_changes(after.goal, whole, Baseline(known.conf, applied=True), changes)


def _is_reached(touch: _Touch, observed: ObservedInterface, pairs: Mapping[int, ConfPeer]) -> bool:
    """Whether all of an interface is at its goal, given that all of it was at the goal before."""
    file, live, conf = observed.file, observed.live, touch.after.conf
    if file is None or live is None or (file.mode, file.text) != (FILE_MODE, touch.text):
        return False
    keys = moved(conf, live, pairs)
    removed = {route for step in touch.plan.steps if isinstance(step, Adjust) for route in step.remove_routes}
    if keys is None or touch.seen.live.routes - live.routes - removed:
        return False
    few = only(conf, keys)
    seen = ObservedInterface(observed.name, None, only_live(live, keys))
    return not diff(Goal(observed.name, live=few), seen, Baseline(few, applied=True))


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
