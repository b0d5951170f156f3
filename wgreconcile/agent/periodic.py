"""Something done again and again in a thread of its own, until it is told to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from wgreconcile.errors import WgreconcileError

_log = logging.getLogger(__name__)


class Periodic:
    """Calls ``do`` at once and then every time that as many seconds have passed as it returned.

    What ``do`` raises is logged and tried again after ``retry`` seconds: nothing that happens on a host may end
    the watch over it.
    """

    def __init__(self, name: str, do: Callable[[], float], *, retry: float) -> None:
        self._do = do
        self._retry = retry
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Begin, in a new thread."""
        self._thread.start()

    def stop(self) -> None:
        """End once what is being done is done. Harmless when it never began."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._once()):
            pass

    def _once(self) -> float:
        try:
            return self._do()
        except Exception as error:
            is_news = not isinstance(error, (WgreconcileError, OSError))
            _log.error("%s: %s", self._thread.name, error, exc_info=is_news)
            return self._retry
