"""The runtime database and everything in it, under one name."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wgreconcile.api.runtime.access_log import AccessLog
from wgreconcile.api.runtime.accounts import Accounts
from wgreconcile.api.runtime.database import Database
from wgreconcile.api.runtime.job_log import JobLog
from wgreconcile.api.runtime.keys import ApiKeys
from wgreconcile.api.runtime.seal import open_seal
from wgreconcile.api.runtime.sessions import Sessions
from wgreconcile.api.runtime.share_links import ShareLinks
from wgreconcile.api.runtime.throttle import Throttle
from wgreconcile.api.runtime.usage import UsageCounters
from wgreconcile.errors import UsageError

_log = logging.getLogger(__name__)


class Runtime:
    """What happens at run time. All of it is safe to use from many threads.

    ``key_file`` belongs into a folder of its own, the secrets for example: a copy of ``database`` alone, from a
    backup or a leak, then opens nothing. Raise UsageError when they cannot be used.
    """

    def __init__(self, database: Path, key_file: Path) -> None:
        try:
            self._open(database, key_file)
        except sqlite3.Error as error:
            remedy = "end what else uses it, restore a backup, or move it away to begin without keys and usage"
            raise UsageError(f"{database} cannot be used: {error}; {remedy}") from None

    def _open(self, database: Path, key_file: Path) -> None:
        self._database = Database(database)
        seal = open_seal(self._database, key_file)
        self.accounts = Accounts(self._database, seal)
        self.sessions = Sessions(self._database)
        self.keys = ApiKeys(self._database, seal)
        self.throttle = Throttle(self._database)
        self.access_log = AccessLog(self._database)
        self.share_links = ShareLinks(self._database, seal)
        self.job_log = JobLog(self._database)
        self.usage = UsageCounters(self._database)

    @contextmanager
    def afterwards(self) -> Iterator[None]:
        """For what is to be kept of what is done: when that fails it is logged, and all is still done."""
        try:
            yield
        except sqlite3.Error as error:
            _log.error("the runtime database cannot be used, so not all is kept of what was done: %s", error)

    def close(self) -> None:
        """Write what is waiting and close the database."""
        self.access_log.close()
        self._database.close()
