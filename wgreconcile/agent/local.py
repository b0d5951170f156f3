"""The reconciler of a process that is both the API and root: passes and looks right here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from wgreconcile.agent.passes import BUSY_SECONDS, Passes, Wish
from wgreconcile.agent.periodic import Periodic
from wgreconcile.agent.view import LiveView
from wgreconcile.agent.watch import LOOK_SECONDS, Watch
from wgreconcile.api.reconciler import Outcome, Snapshot
from wgreconcile.converge.site import Site

PASS_SECONDS = 60.0
SAMPLE_SECONDS = 10.0

OnSample = Callable[[Snapshot], None]


class LocalReconciler:
    """Converges ``site`` on demand and, between :meth:`start` and :meth:`stop`, every ``pass_seconds``, too.

    ``on_sample`` gets what is live every ``sample_seconds``, for counters that must not miss what an interface
    that goes down has counted. ``busy_seconds`` is how long a call waits for a run of the command line to end.
    All methods but start and stop may be called from any thread, also before start.
    """

    def __init__(
        self,
        site: Site,
        *,
        pass_seconds: float = PASS_SECONDS,
        sample_seconds: float = SAMPLE_SECONDS,
        busy_seconds: float = BUSY_SECONDS,
        on_sample: OnSample = lambda snapshot: None,
    ) -> None:
        self._sample_seconds = sample_seconds
        self._on_sample = on_sample
        self._stopping = threading.Event()
        self._view = LiveView()
        self._passes = Passes(site, busy_seconds=busy_seconds, stop=self._stopping.is_set)
        watch = Watch(site, lambda: self.converge(()), pass_seconds)
        self._periodic = (
            Periodic("passes", watch.look, retry=min(pass_seconds, LOOK_SECONDS)),
            Periodic("samples", self._sample, retry=sample_seconds),
        )

    def __enter__(self) -> LocalReconciler:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with a pass and a sample, and go on in threads of their own."""
        for each in self._periodic:
            each.start()

    def stop(self) -> None:
        """End when the interface at hand is done, and only then; calls that come later get a BusyError."""
        self._stopping.set()
        for each in self._periodic:
            each.stop()
        self._passes.close()

    def converge(self, names: Sequence[str], *, force: bool = False) -> Outcome:
        """As the API's Reconciler. Raise what a reconcile raises, DependencyError, CommandError."""
        try:
            return self._passes.ask(Wish(frozenset(names), force))
        finally:
            self._view.outdate()

    def observed(self, *, anew: bool = False) -> Snapshot:
        """As the API's Reconciler. Raise DependencyError, CommandError."""
        return self._view.get(anew=anew)

    def _sample(self) -> float:
        began = time.monotonic()
        # Whose life the counters are of is asked now: a look of a moment ago may be of the one before.
        self._on_sample(self.observed(anew=True))
        return max(0.0, self._sample_seconds - (time.monotonic() - began))
