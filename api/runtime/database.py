"""An embedded SQLite database: one connection a thread, write-ahead log, one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wgreconcile.api.runtime.migrations import MIGRATIONS
from wgreconcile.errors import UsageError

_BUSY_SECONDS = 10.0


class Database:
    """The file at ``path``, made with mode 0600 when it is not there, and brought to the newest schema.

    Raise UsageError when a newer version of the program has written it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._recalled: dict[tuple[str, tuple[Any, ...]], Any] = {}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its journal the mode of the database, so only this file has to be made by hand.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
        self._migrate()

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, as tuples."""
        return self._connection().execute(sql, parameters).fetchall()

    def read_one(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None."""
        return self._connection().execute(sql, parameters).fetchone()

    def recall_one(self, sql: str, parameters: tuple[Any, ...]) -> Any:
        """As :meth:`read_one`, from memory until anything is written: for what every request asks."""
        # Who writes meanwhile leaves this table to itself, and with it the row that may be of before.
        recalled = self._recalled
        found = recalled.get((sql, parameters))
        if found is None and (found := self.read_one(sql, parameters)) is not None:
            recalled[sql, parameters] = found
        return found

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept, durably, or none when the block raises."""
        connection = self._connection()
        with self._lock:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            self._recalled = {}

    def close(self) -> None:
        """Close the connections of all threads; none may use the database any more."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    def _connect(self) -> sqlite3.Connection:
        # Only close() ever touches the connection of another thread.
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        with self._lock:
            self._connections.append(connection)
        return connection

    def _migrate(self) -> None:
        (version,) = self.read_one("PRAGMA user_version")
        if version > len(MIGRATIONS):
            raise UsageError(f"{self._path} was written by a newer wgreconcile; install that one, or start afresh")
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            # executescript would end the transaction, so its statements go one by one.
            with self.write() as connection:
                for statement in filter(str.strip, script.split(";\n")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
