"""Converges one interface: its steps, verification, and the way back when one of them fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wgreconcile.converge.operations import brought_up_with
from wgreconcile.converge.outcome import InterfaceOutcome, Progress
from wgreconcile.converge.records import Record
from wgreconcile.converge.target import Target
from wgreconcile.errors import ConvergenceError, WgreconcileError
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ObservedInterface
from wgreconcile.planning.goal import goal_of_return
from wgreconcile.planning.model import Baseline, BringUp, Change, Goal, InterfacePlan, Step
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.render import render_conf

MAX_PASSES = 3
"""The kernel drops routes along with addresses and addresses along with a link: a second look finds them."""


def converge(
    plan: InterfacePlan,
    before: ObservedInterface,
    baseline: Baseline,
    target: Target,
    progress: Progress,
) -> InterfaceOutcome:
    """Carry out a plan and verify it; when that fails, lead the interface back to what it was."""
    record = target.load()
    journal = _Journal(target, progress, record.text if record else render_conf(baseline.conf))
    try:
        target.check(plan)
        if record is None and (before.file is not None or before.live is not None):
            # From the first step on its file is ours: a killed run must not forget what it was brought up with.
            journal.begin(Record(render_conf(baseline.conf), before.live is not None))
        _reach(plan.goal, plan.steps, journal)
        journal.close(plan.goal)
        return InterfaceOutcome(plan, record_error=journal.error)
    except (WgreconcileError, OSError, ValueError) as error:
        back = replace(goal_of_return(before, baseline.conf), others=plan.goal.others)
        return_error = _return(back, plan.goal, baseline, journal, record)
        return InterfaceOutcome(plan, words_of(error), return_error, journal.error)


def remember(plan: InterfacePlan, target: Target) -> str:
    """Remember what is as it shall be already. Return why that could not be done, empty when it was."""
    goal = plan.goal
    try:
        if goal.text is None:  # pruned, and a hand has removed all of it already
            target.forget()
        elif target.load() != (record := Record(goal.text, goal.live is not None)):
            target.save(record)
    except OSError as error:
        return words_of(error)
    return ""


class _Journal:
    """Performs steps and notes each wg-quick command before it starts and after it has ended.

    A command that cannot be noted is not begun, but on the way back: that the interface is as before weighs more.
    ``error`` tells why the last note could not be taken; empty when it was.
    """

    def __init__(self, target: Target, progress: Progress, text: str) -> None:
        self._target, self._progress, self._text = target, progress, text
        self.coming_up = False
        self.is_way_back = False
        self.error = ""

    def perform(self, steps: Sequence[Step]) -> None:
        ready = self._target.ready(steps)
        for number, (step, known) in enumerate(zip(steps, ready, strict=True), 1):
            self._progress(self._target.name, f"step {number} of {len(steps)}: {type(step).__name__}")
            command = self._target.command_of(step)
            if isinstance(step, BringUp):
                self._text = render_conf(step.conf)
            if command:
                self.begin(Record(self._text, running=command))
                self.coming_up = isinstance(step, BringUp)
            self._target.perform(known)
            if command:
                self.coming_up = False
                self._note(Record(self._text))

    def observe(self) -> ObservedInterface:
        self._progress(self._target.name, "verifying")
        return self._target.observe()

    def begin(self, record: Record) -> None:
        """Note what is about to happen. Raise ConvergenceError when that fails, as it is not to happen then."""
        self._note(record)
        if self.error and not self.is_way_back:
            problem = f"what was to be done could not be noted, so it was not begun: {self.error}"
            raise ConvergenceError(f"{problem}; make room there and apply again")

    def _note(self, record: Record | None) -> None:
        try:
            self._target.save(record) if record else self._target.forget()
            self.error = ""
        except OSError as error:
            self.error = words_of(error)

    @property
    def in_force(self) -> Conf:
        """The configuration whose hooks the interface was brought up with."""
        return Record(self._text).conf

    def close(self, goal: Goal) -> None:
        """The goal is reached: it is what was applied last."""
        self._note(None if goal.text is None else Record(goal.text, goal.live is not None))

    def reopen(self, record: Record | None) -> None:
        """The interface is back where it was, and so is what is remembered of it."""
        self._note(replace(record, running=()) if record else None)


def _reach(goal: Goal, steps: Sequence[Step], journal: _Journal) -> None:
    """Perform, observe, and perform what is left. Raise ConvergenceError when the same things stay different."""
    settled = Baseline(goal.live or goal.conf or Conf(), applied=True)
    left: tuple[Change, ...] = ()
    for _ in range(MAX_PASSES):
        journal.perform(steps)
        plan = plan_interface(goal, journal.observe(), settled)
        if not plan.changes:
            return
        if plan.changes == left:
            break
        left, steps = plan.changes, plan.steps
    raise ConvergenceError(f"applied, observed again, and still different: {_names(left)}")


def _return(back: Goal, goal: Goal, baseline: Baseline, journal: _Journal, record: Record | None) -> str:
    """Lead an interface back. Return what went wrong with that, empty when it is verified to be as before."""
    journal.is_way_back = True
    try:
        in_force = brought_up_with(goal.live or baseline.conf, journal.in_force)
        now = journal.observe()
        plan = plan_interface(back, now, Baseline(in_force, applied=True), interrupted=journal.coming_up)
        journal.coming_up = False
        _reach(back, plan.steps, journal)
        journal.reopen(record)
        return ""
    except (WgreconcileError, OSError, ValueError) as error:
        return words_of(error)


def words_of(error: Exception) -> str:
    """What went wrong, and with which file."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _names(changes: Sequence[Change]) -> str:
    shown = [f"{each.name or each.peer or each.interface} {each.field or each.action.value}" for each in changes]
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return ", ".join(shown[:5]) + more
