"""Who called what, when, from where, and how it ended. Never a body, a query, a key or a password."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass

from wgreconcile.api.runtime.database import Database

_log = logging.getLogger(__name__)

Row = tuple[object, ...]

_FLUSH_SECONDS = 1.0
_MOST_WAITING = 10_000
_MOST_ROWS = 200_000
_LONGEST_PATH = 300
_LONGEST_METHOD = 16
_LONGEST_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class Access:
    """One request. ``path`` is without the query."""

    at: float
    address: str
    caller: str
    method: str
    path: str
    http_status: int
    ok: bool | int


class AccessLog:
    """Writes in the background, once a second: a request never waits for its own line."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Row] = deque(maxlen=_MOST_WAITING)
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._flushing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def record(self, access: Access) -> None:
        """Add a line."""
        self._waiting.append(_row(access))
        self._wake.set()

    def newest(self, limit: int) -> tuple[Access, ...]:
        """The last lines, the newest first."""
        self.flush()
        rows = self._database.read(
            "SELECT at, address, caller, method, path, http_status, ok FROM access_log ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return tuple(Access(*row) for row in rows)

    def flush(self) -> None:
        """Write what is waiting."""
        with self._flushing:
            rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not rows:
                return
            with self._database.write() as connection:
                connection.executemany("INSERT INTO access_log VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", rows)
                connection.execute(
                    "DELETE FROM access_log WHERE id <= (SELECT max(id) FROM access_log) - ?", (_MOST_ROWS,)
                )

    def close(self) -> None:
        """Write what is waiting and end the thread."""
        self._closed.set()
        self._wake.set()
        self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait()
            self._wake.clear()
            self._closed.wait(_FLUSH_SECONDS)
            try:
                self.flush()
            except sqlite3.Error as error:
                _log.error("the access log cannot be written: %s", error)


def _row(access: Access) -> Row:
    """A row of bounded size: strangers write in it, too."""
    address, method, path = (
        _clean(text, longest)
        for text, longest in (
            (access.address, _LONGEST_ADDRESS),
            (access.method, _LONGEST_METHOD),
            (access.path, _LONGEST_PATH),
        )
    )
    return access.at, address, access.caller, method, path, access.http_status, access.ok


def _clean(text: str, longest: int) -> str:
    """One line of printable text, whatever was asked for."""
    text = text[:longest]
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)
