"""What the API knows of the reconciler: it may run in this process, or in another one behind a socket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wgreconcile.observed.model import LiveInterface


@dataclass(frozen=True, slots=True)
class Converged:
    """One interface after a pass. ``error`` empty: live state and files are what was desired, and verified.

    Otherwise ``returned`` tells whether the interface was verified to be as it was before the pass.
    """

    name: str
    error: str = ""
    returned: bool = True
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """All interfaces of one pass, sorted by name."""

    interfaces: tuple[Converged, ...] = ()

    @property
    def failed(self) -> bool:
        return any(each.error for each in self.interfaces)

    @property
    def error(self) -> str:
        """The reasons of all interfaces that failed; empty when none did."""
        return "\n".join(each.error for each in self.interfaces if each.error)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Live interfaces, sorted by name, and when they were observed, on a clock that is never set back."""

    interfaces: tuple[LiveInterface, ...] = ()
    taken_at: float = 0.0

    def find(self, name: str) -> LiveInterface | None:
        """The live interface of that name; None when it is down."""
        return next((each for each in self.interfaces if each.name == name), None)


class Reconciler(Protocol):
    """Brings interfaces to their desired state. Both calls may come from many threads at once.

    Either raises an error of :mod:`wgreconcile.errors` when nothing could be tried, such as BusyError.
    """

    def converge(self, names: Sequence[str], *, force: bool = False) -> Outcome:
        """Take the desired state as it is now, apply it to these interfaces, verify it, and say how it went.

        Returns when a pass is over that began after this call; callers that come together share one. ``force``:
        somebody has asked for just what the pass takes away, so no safety valve stops it.
        """
        ...

    def observed(self, *, anew: bool = False) -> Snapshot:
        """What is live now, or was a moment ago; with ``anew`` nothing of before this call."""
        ...
