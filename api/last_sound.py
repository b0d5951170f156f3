"""The desired state that answers are made from: a slip in a document must not empty the page."""

from __future__ import annotations

import logging
import time

from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.store import Store
from wgreconcile.errors import StateError

_log = logging.getLogger(__name__)

_LOOK_AGAIN = 1.0
"""Seconds until a faulty state is looked at again, which takes longer than looking at a sound one."""


class LastSound:
    """The state as it is, and while it has faults, as it was before them. Safe to use from many threads.

    Nothing is written meanwhile: the store refuses, and says what is wrong.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: DesiredState | None = None
        self._looked_at = float("-inf")
        self._told = ""

    def get(self, within: float | None = None) -> DesiredState:
        """As :meth:`Store.recent`. Raise StateError when there never was a sound one."""
        last = self._last
        if last is not None and time.monotonic() - self._looked_at < _LOOK_AGAIN:
            return last
        try:
            self._last = last = self._store.recent(within)
            self._told = ""
        except StateError as error:
            if last is None:
                raise
            self._looked_at = time.monotonic()
            if self._told != str(error):
                self._told = str(error)
                _log.error("the state has faults, so answers show the one before: %s", error)
        return last
