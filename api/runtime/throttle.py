"""Sign-in attempts: the delay grows with every failure, per address and for the account, and always ends."""

from __future__ import annotations

import ipaddress
import math
import sqlite3
from dataclasses import dataclass

from wgreconcile.api.runtime.database import Database

_FORGET_AFTER = 3600.0
_KNOWN_FOR = 31 * 24 * 3600.0
_MOST_ROWS = 10_000
_ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class _Limit:
    """After ``free`` failures each further one doubles the delay, from one second up to ``longest``."""

    free: int
    longest: float

    def delay(self, failures: int) -> float:
        return min(2.0 ** min(failures - self.free, 30), self.longest) if failures >= self.free else 0.0


_OF_ADDRESS = _Limit(free=5, longest=300.0)
_OF_ACCOUNT = _Limit(free=20, longest=30.0)


class Throttle:
    """Who may try to sign in now.

    The account's own delay slows down guessing from many addresses. It never applies to this host or to an
    address that has signed in before, so strangers cannot lock the owner out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def admit(self, address: str, *, is_local: bool, now: float) -> int:
        """Seconds to wait before the next attempt; 0 admits this one, which counts as failed until it succeeds.

        Counting first makes attempts that come at the same moment count one by one.
        """
        subject = _subject(address)
        with self._database.write() as connection:
            known_until = _read(connection, subject)[2]
            limits = [(subject, _OF_ADDRESS)]
            if not is_local and known_until <= now:
                limits.append((_ACCOUNT, _OF_ACCOUNT))
            wait = max(_wait(connection, each, limit, now) for each, limit in limits)
            if wait > 0:
                return math.ceil(wait)
            for each, _ in limits:
                connection.execute(
                    "INSERT INTO login_throttle VALUES (?, 1, ?, 0)"
                    " ON CONFLICT DO UPDATE SET failures = failures + 1, last_at = excluded.last_at",
                    (each, now),
                )
            _prune(connection, now)
        return 0

    def succeeded(self, address: str, now: float) -> None:
        """Forget the failures of this address and of the account, and know the address from now on."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM login_throttle WHERE subject = ?", (_ACCOUNT,))
            connection.execute(
                "INSERT OR REPLACE INTO login_throttle VALUES (?, 0, ?, ?)",
                (_subject(address), now, now + _KNOWN_FOR),
            )


def _wait(connection: sqlite3.Connection, subject: str, limit: _Limit, now: float) -> float:
    failures, last_at, _ = _read(connection, subject)
    if now - last_at > _FORGET_AFTER:
        connection.execute("UPDATE login_throttle SET failures = 0 WHERE subject = ?", (subject,))
        return 0.0
    if now < last_at:
        # The clock was set back: the delay begins anew, or else it would last until the clock is there again.
        connection.execute("UPDATE login_throttle SET last_at = ? WHERE subject = ?", (now, subject))
        last_at = now
    return limit.delay(failures) - (now - last_at)


def _read(connection: sqlite3.Connection, subject: str) -> tuple[int, float, float]:
    row: tuple[int, float, float] | None = connection.execute(
        "SELECT failures, last_at, known_until FROM login_throttle WHERE subject = ?", (subject,)
    ).fetchone()
    return row or (0, 0.0, 0.0)


def _prune(connection: sqlite3.Connection, now: float) -> None:
    """Forget what is old, and the oldest strangers; never whom the owner has made known, however many try."""
    connection.execute(
        "DELETE FROM login_throttle WHERE last_at < ? AND known_until < ?", (now - _FORGET_AFTER, now)
    )
    connection.execute(
        "DELETE FROM login_throttle WHERE subject IN (SELECT subject FROM login_throttle"
        " WHERE subject != ? AND known_until <= ? ORDER BY last_at DESC LIMIT -1 OFFSET ?)",
        (_ACCOUNT, now, _MOST_ROWS),
    )


def _subject(address: str) -> str:
    """One row per address, and one per /64 of IPv6, where a single host owns that many."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "address unknown"
    if ip.version == 6:
        return f"address {ipaddress.ip_network((int(ip) >> 64 << 64, 64))}"
    return f"address {ip}"
