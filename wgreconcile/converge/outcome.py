"""What a reconcile may do, and what became of it, interface by interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wgreconcile.desired.layout import Stamp
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Disruption, InterfacePlan, Plan

Progress = Callable[[str, str], None]
"""Called with an interface and what is being done to it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run may do, and whom it tells; when ``stop`` says so, it begins no further interface."""

    prune: bool
    force: bool
    max_disruption: Disruption
    progress: Progress
    stop: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class InterfaceOutcome:
    """One interface after its plan was carried out.

    ``error`` empty: converged and verified. Otherwise ``return_error`` tells how the way back went: empty when
    the interface was verified to be as it was before, else what still differs from that. ``record_error`` tells,
    whatever became of the interface, why that could not be remembered; the next run goes by what it finds.
    """

    plan: InterfacePlan
    error: str = ""
    return_error: str = ""
    record_error: str = ""

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
    """All interfaces of one reconcile, and its plan.

    ``look`` is the one that saw all of them where they shall be; None when there was something to do. ``rest``
    has the stamps of all documents when these, and that look, showed that there was nothing to plan.
    """

    plan: Plan
    interfaces: tuple[InterfaceOutcome, ...] = ()
    look: Look | None = field(default=None, compare=False, repr=False)
    rest: Mapping[str, Stamp] | None = field(default=None, compare=False, repr=False)

    @property
    def failed(self) -> bool:
        """Whether an interface is not as it should be, or what became of it could not be remembered."""
        return any(each.failed or each.record_error for each in self.interfaces)
