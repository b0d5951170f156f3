"""What scheduled jobs did. A line outlives its job and its peer."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from wgreconcile.api.runtime.database import Database

_MOST_PER_INTERFACE = 10_000


@dataclass(frozen=True, slots=True)
class JobLine:
    """One line. ``at`` is in seconds since 1970; ``log_id`` is made when it is written."""

    job_id: str
    interface: str
    at: int
    ok: bool
    message: str
    log_id: str = ""


class JobLog:
    """All lines, bounded per interface."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, lines: Iterable[JobLine]) -> None:
        """Add lines in one transaction."""
        rows = [(str(uuid.uuid4()), e.job_id, e.interface, e.at, e.ok, e.message) for e in lines]
        with self._database.write() as connection:
            connection.executemany("INSERT INTO job_log VALUES (NULL, ?, ?, ?, ?, ?, ?)", rows)
            for interface in {row[2] for row in rows}:
                connection.execute(
                    "DELETE FROM job_log WHERE interface = ? AND id <= (SELECT id FROM job_log"
                    " WHERE interface = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                    (interface, interface, _MOST_PER_INTERFACE),
                )

    def of_interface(self, interface: str) -> tuple[JobLine, ...]:
        """The lines of an interface, the newest first."""
        rows = self._database.read(
            "SELECT job_id, interface, at, ok, message, log_id FROM job_log WHERE interface = ? ORDER BY id DESC",
            (interface,),
        )
        return tuple(JobLine(job, name, at, bool(ok), text, id_) for job, name, at, ok, text, id_ in rows)
