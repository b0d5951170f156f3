"""What became of a reconcile, interface by interface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wgreconcile.planning.model import InterfacePlan, Plan

Progress = Callable[[str, str], None]
"""Called with an interface and what is being done to it."""


@dataclass(frozen=True, slots=True)
class InterfaceOutcome:
    """One interface after its plan was carried out.

    ``error`` empty: converged and verified. Otherwise ``return_error`` tells how the way back went: empty when
    the interface was verified to be as it was before, else what still differs from that.
    """

    plan: InterfacePlan
    error: str = ""
    return_error: str = ""

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def failed(self) -> bool:
        return bool(self.error)

    @property
    def changed(self) -> int:
        """How many subjects (the interface and its peers) are now other than before."""
        return 0 if self.failed else self.plan.changed_subjects


@dataclass(frozen=True, slots=True)
class Outcome:
    """All interfaces of one reconcile, and its plan."""

    plan: Plan
    interfaces: tuple[InterfaceOutcome, ...] = ()

    @property
    def failed(self) -> bool:
        return any(each.failed for each in self.interfaces)
