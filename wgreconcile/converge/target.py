"""What a plan is carried out on: an interface on its host, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wgreconcile.converge.names import looked_up
from wgreconcile.converge.obstacles import obstacles
from wgreconcile.converge.operations import Host, command_of, perform
from wgreconcile.converge.records import Record, Records
from wgreconcile.observed.model import ObservedInterface
from wgreconcile.observed.observe import observe
from wgreconcile.planning.model import InterfacePlan, Step


class Target(Protocol):
    """An interface as one plan sees it: goal, steps, what is observed and what is remembered fit each other."""

    @property
    def name(self) -> str:
        """The name of the interface."""

    def load(self) -> Record | None:
        """What is remembered of it; None when it is not managed."""

    def save(self, record: Record) -> None:
        """Remember, durably. Raise OSError."""

    def forget(self) -> None:
        """It is no longer managed."""

    def check(self, plan: InterfacePlan) -> None:
        """Raise WgreconcileError for what would make a plan fail half way."""

    def command_of(self, step: Step) -> tuple[str, ...]:
        """The command of a step that can be interrupted half way; empty for all others."""

    def ready(self, steps: Sequence[Step]) -> Sequence[Step]:
        """The steps with all that has to be known before the first one. Raise ConvergenceError."""

    def perform(self, step: Step) -> None:
        """Carry out one step. Raise CommandError, OSError."""

    def observe(self) -> ObservedInterface:
        """How it looks now. Raise CommandError."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An interface with all of its peers."""

    name: str
    host: Host
    records: Records

    def load(self) -> Record | None:
        return self.records.load(self.name)

    def save(self, record: Record) -> None:
        self.records.save(self.name, record)

    def forget(self) -> None:
        self.records.forget(self.name)

    def check(self, plan: InterfacePlan) -> None:
        for each in obstacles(plan):
            raise each

    def command_of(self, step: Step) -> tuple[str, ...]:
        return command_of(step, self.name, self.host)

    def ready(self, steps: Sequence[Step]) -> Sequence[Step]:
        return looked_up(steps)

    def perform(self, step: Step) -> None:
        perform(step, self.name, self.host)

    def observe(self) -> ObservedInterface:
        return observe(self.host.conf_dir, [self.name]).find(self.name)
