"""Who waits behind whom: requests that may take long never keep those waiting that take a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from waitress.task import ThreadedTaskDispatcher

from wgreconcile.api.route import Route

THREADS = 16
"""For requests that may take long. As many writes as that can share one pass."""
QUICK_THREADS = 8


class Lanes:
    """Hands requests to threads, as waitress wants it done.

    ``slow`` are the beginnings of the paths of requests that may wait: for a pass, for packets, for others. A
    hook that takes a minute keeps every write waiting, and with them every thread that they can get.
    """

    def __init__(self, slow: Sequence[str], threads: int, quick_threads: int) -> None:
        self._slow = tuple(slow)
        self._slow_lane, self._quick_lane = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        self._slow_lane.set_thread_count(threads)
        self._quick_lane.set_thread_count(quick_threads)

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered or waits for that."""
        return any(each.active_count or each.queue for each in (self._slow_lane, self._quick_lane))

    def add_task(self, channel: Any) -> None:
        """Answer the first request of a connection."""
        # Waitress takes several slashes at the beginning for one, and so must this.
        path = "/" + getattr(channel.requests[0], "path", "").lstrip("/")
        lane = self._slow_lane if path.startswith(self._slow) else self._quick_lane
        lane.add_task(channel)

    def shutdown(self) -> None:
        """End all threads, after the requests at hand."""
        for lane in (self._slow_lane, self._quick_lane):
            lane.shutdown()


def slow_paths(prefix: str, routes: Sequence[Route]) -> tuple[str, ...]:
    """The beginnings of the paths of routes that may wait, up to their first field."""
    return tuple(sorted({prefix + each.path.partition("{")[0].rstrip("/") for each in routes if each.may_wait}))
