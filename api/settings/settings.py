"""The settings as they are now: read again when the document changes, written one field at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from wgreconcile.api.settings.codec import decode
from wgreconcile.api.settings.document import SettingsDocument
from wgreconcile.api.settings.model import Dashboard
from wgreconcile.errors import StateError

_log = logging.getLogger(__name__)

SETTLED_AFTER = 1.0
"""Seconds after which settings that have gone are gone for good."""

_VERSIONS = {"v4.0": "v4.0.4", "v4.1": "v4.1.4", "v4.2": "v4.2.5", "v4.3": "v4.3.3"}


class DashboardSettings:
    """The settings of one document. Raise StateError when it has faults at the start.

    Faults that come later, by an edit, are logged and the last good settings stay in force.
    """

    def __init__(self, document: SettingsDocument) -> None:
        self._document = document
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._announced = ""
        self._empty_since: float | None = None
        stamp = document.stamp()
        self._current = (stamp, decode(document.load()))

    def get(self) -> Dashboard:
        """The settings as they are now."""
        stamp, settings = self._current
        if stamp == self._document.stamp():
            return settings
        with self._lock:
            return self._reload()

    def set(self, field: str, value: Any) -> None:
        """Change one field, such as ``server.api_keys``, or ``adopt``. Raise StateError when it does not fit.

        While the document has faults, nothing is changed but what mends them.
        """
        with self._lock:
            data = self._document.load()
            *above, name = field.split(".")
            place = data
            for each in above:
                if not isinstance(place.setdefault(each, {}), dict):
                    decode(data)  # says what is wrong with it
                place = place[each]
            place[name] = value
            decode(data)
            self._document.save(data)
            self._reload()
            self._changed.notify_all()

    def wait_for(self, holds: Callable[[Dashboard], bool], seconds: float) -> None:
        """Come back as soon as ``holds``, which may be at once, or when nobody made it so for so many seconds."""
        if not holds(self.get()):
            with self._changed:
                self._changed.wait_for(lambda: holds(self._current[1]), seconds)

    @property
    def version(self) -> str:
        """The version of WGDashboard that clients are told."""
        return self._announced or _VERSIONS[self.get().compat]

    def announce_version(self, version: str) -> None:
        """Tell clients another version until the next start, as v4.0 did; answers keep their shape."""
        self._announced = version

    def _reload(self) -> Dashboard:
        stamp = self._document.stamp()
        if stamp != self._current[0]:
            settings = self._current[1]
            try:
                data = self._document.load()
                if not data and settings != Dashboard() and not self._has_been_empty():
                    return settings
                settings = decode(data)
            except (StateError, OSError) as error:
                _log.error("the settings were changed and have faults, so the last good ones stay: %s", error)
            self._current = (stamp, settings)
        self._empty_since = None
        return self._current[1]

    def _has_been_empty(self) -> bool:
        """Whether a document that says nothing is meant so: Git and editors take one away to write another."""
        now = time.monotonic()
        self._empty_since = now if self._empty_since is None else self._empty_since
        return now - self._empty_since >= SETTLED_AFTER
