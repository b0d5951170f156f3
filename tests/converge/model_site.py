"""Converging on a model of the host: real journal and records, and in place of programs what they bring about.

The real programs are at work in tests/hosts; here a failure or the end of the process strikes at any point.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wgreconcile.converge import target
from wgreconcile.converge.interface import converge
from wgreconcile.converge.operations import Host, brought_up_with
from wgreconcile.converge.outcome import InterfaceOutcome
from wgreconcile.converge.records import Record, Records
from wgreconcile.converge.target import Whole
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ObservedInterface, ObservedState
from wgreconcile.planning.model import Baseline, BringUp, Goal, Step, TakeDown
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.render import render_conf

from ..planning.model_host import ModelHost


class WrongHooks(AssertionError):
    """An interface went down with other hooks than it came up with."""


class ModelSite:
    """One interface on a model of the host. ``before`` and ``after`` say what strikes there, by number of step."""

    def __init__(self, patch: pytest.MonkeyPatch, var: Path, observed: ObservedInterface, in_force: Conf) -> None:
        self.model = ModelHost(observed)
        self.in_force = in_force
        self.wanted: Conf | None = None
        self.records = Records(var)
        self.events: list[str] = []
        self.before: dict[int, BaseException] = {}
        self.after: dict[int, BaseException] = {}
        self.performed = 0
        save = Records.save

        def saved(records: Records, name: str, record: Record) -> None:
            running = record.running[1] if record.running else "nothing"
            self.events.append(f"note that {running} is under way")
            save(records, name, record)

        patch.setattr(Records, "save", saved)
        patch.setattr(target, "perform", lambda step, name, host: self._perform(step))
        patch.setattr(target, "looked_up", lambda steps: steps)
        patch.setattr(target, "obstacles", lambda plan: ())
        patch.setattr(target, "observe", lambda folder, names: self._observe())

    def _observe(self) -> ObservedState:
        self.events.append("look")
        return ObservedState((self.model.observed,))

    def _perform(self, step: Step) -> None:
        number, self.performed = self.performed, self.performed + 1
        if number in self.before:
            raise self.before[number]
        self.events.append(type(step).__name__)
        if isinstance(step, TakeDown) and not step.force and hooks(step.conf) not in self._right_hooks:
            raise WrongHooks(f"{hooks(step.conf)} instead of one of {self._right_hooks}")
        self.model.perform(step)
        if isinstance(step, BringUp):
            self.in_force = step.conf
        if number in self.after:
            raise self.after[number]

    @property
    def _right_hooks(self) -> list[object]:
        """Those that it came up with, or the wanted ones where only what runs on the way down differs."""
        base, new = self.in_force, self.wanted
        if new is None or (new.pre_up, new.post_up) != (base.pre_up, base.post_up):
            return [hooks(base)]
        return [hooks(base), hooks(replace(base, pre_down=new.pre_down, post_down=new.post_down))]

    def baseline(self, otherwise: Baseline) -> Baseline:
        """What a run takes for applied: what is remembered, or else what it finds."""
        record = self.records.load("wg0")
        return Baseline(record.conf, applied=True, up=record.up) if record else otherwise

    def run(self, goal: Goal, otherwise: Baseline) -> InterfaceOutcome:
        """One run: plan from what is remembered and found, and carry it out."""
        self.wanted = goal.conf
        record, observed = self.records.load("wg0"), self.model.observed
        baseline = self.baseline(otherwise)
        interrupted = record is not None and record.was_coming_up
        plan = plan_interface(goal, observed, baseline, interrupted=interrupted)
        return converge(
            plan, observed, baseline, Whole("wg0", Host(Path("/nowhere")), self.records), lambda name, text: None
        )

    def remember(self, baseline: Baseline) -> None:
        """As the last run left it."""
        self.records.save("wg0", Record(render_conf(baseline.conf), baseline.up))
        self.events.clear()


def hooks(conf: Conf) -> object:
    """What must be the same when an interface goes down as when it came up."""
    return replace(brought_up_with(Conf(), conf), pre_up=(), post_up=())
