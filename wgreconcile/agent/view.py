"""What is live, as of a moment ago: one look at the host however many ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from wgreconcile.api.reconciler import Snapshot
from wgreconcile.errors import BusyError
from wgreconcile.observed.live import LiveReader
from wgreconcile.observed.model import LiveInterface

FRESH = 1.0
"""Seconds for which a look is good enough for everybody who only wants to see."""
PATIENCE = 5.0
"""Seconds that everybody waits for a look of somebody else."""


class LiveView:
    """Snapshots of the live interfaces, at most ``fresh`` seconds old.

    A look takes milliseconds and never waits for a pass that is under way. While one takes longer than
    ``patience``, because a program hangs, everybody else gets what was seen last.
    """

    def __init__(
        self,
        read: Callable[[], tuple[LiveInterface, ...]] | None = None,
        *,
        fresh: float = FRESH,
        patience: float = PATIENCE,
    ) -> None:
        self._read = read or LiveReader().read
        self._fresh = fresh
        self._patience = patience
        self._looking_since: float | None = None
        self._looking = threading.Lock()
        self._taken = float("-inf")
        self._outdated = float("-inf")
        self._snapshot = Snapshot()

    def get(self, *, anew: bool = False) -> Snapshot:
        """The snapshot; who comes while somebody looks waits for that one look. Raises what looking raises.

        With ``anew`` it is of a look that began after this call, unless looking takes too long. Raise BusyError
        when the very first look does not end.
        """
        after = time.monotonic() if anew else float("-inf")
        if self._is_good(after):
            return self._snapshot
        now, since = time.monotonic(), self._looking_since
        waited = 0.0 if since is None else now - since
        if not self._looking.acquire(timeout=max(self._patience - waited, 0.0)):
            return self._last()
        try:
            self._looking_since = time.monotonic()
            if not self._is_good(after):
                self._look()
            return self._snapshot
        finally:
            self._looking_since = None
            self._looking.release()

    def _last(self) -> Snapshot:
        if self._taken == float("-inf"):
            raise BusyError("`wg show` does not answer; look for a wireguard-go that hangs, and ask again")
        return self._snapshot

    def outdate(self) -> None:
        """Something has just been changed: looks that began before this moment are no longer good."""
        self._outdated = time.monotonic()

    def _is_good(self, after: float) -> bool:
        return self._taken > max(self._outdated, after) and time.monotonic() - self._taken < self._fresh

    def _look(self) -> None:
        began = time.monotonic()
        self._snapshot = Snapshot(self._read(), began)
        self._taken = began
