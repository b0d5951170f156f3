"""Sessions on the server. The database holds hashes of tokens: a stolen one opens no session."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from wgreconcile.api.runtime.database import Database
from wgreconcile.api.runtime.seal import token_hash

LIFETIME = 31 * 24 * 3600
"""Seconds without a request after which a session ends."""

_TOUCH_AFTER = 3600.0
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended. ``confirmed_at`` is when the password was last shown, 0 is never."""

    token: bytes
    page_token: bytes
    confirmed_at: float
    expires_at: float
    api_key: int | None = None

    def has_page_token(self, token: str) -> bool:
        """Whether the cookie that the page reads belongs to this session."""
        return hmac.compare_digest(self.page_token, token_hash(token))

    def is_fresh(self, now: float, minutes: int) -> bool:
        """Whether the password was shown within the last ``minutes``."""
        return 0 <= now - self.confirmed_at <= minutes * 60


@dataclass(frozen=True, slots=True)
class NewSession:
    """The two tokens of a new session, which exist nowhere else."""

    token: str
    page_token: str


class Sessions:
    """All sessions. A session that was opened with an API key ends with that key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, now: float, *, confirmed: bool, api_key: int | None = None) -> NewSession:
        """Begin a session. ``confirmed``: a password was shown. The oldest ones go when there are too many."""
        new = NewSession(secrets.token_urlsafe(32), secrets.token_hex(32))
        hashes = (token_hash(new.token), token_hash(new.page_token))
        confirmed_at = now if confirmed else 0.0
        with self._database.write() as connection:
            connection.execute("DELETE FROM session WHERE expires_at <= ?", (now,))
            connection.execute(
                "DELETE FROM session WHERE token_hash IN"
                " (SELECT token_hash FROM session ORDER BY expires_at DESC LIMIT -1 OFFSET ?)",
                (_MOST - 1,),
            )
            connection.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)",
                (*hashes, now, confirmed_at, now + LIFETIME, api_key),
            )
        return new

    def find(self, token: str, now: float) -> Session | None:
        """The session of a cookie, its end moved away from ``now``; None when there is none any more."""
        row = self._database.recall_one(
            "SELECT api_key.expires_at, token_hash, page_token_hash, confirmed_at, session.expires_at, api_key"
            " FROM session LEFT JOIN api_key ON api_key.id = session.api_key WHERE token_hash = ?",
            (token_hash(token),),
        )
        if row is None:
            return None
        key_expires_at, *its = row
        session = Session(*its)
        if session.expires_at <= now or (key_expires_at is not None and key_expires_at <= now):
            return None
        if session.expires_at < now + LIFETIME - _TOUCH_AFTER:
            self._set(session, "expires_at", now + LIFETIME)
        return session

    def confirm(self, session: Session, now: float) -> None:
        """The password was shown once more."""
        self._set(session, "confirmed_at", now)

    def close(self, session: Session) -> None:
        """End a session."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM session WHERE token_hash = ?", (session.token,))

    def close_others(self, session: Session | None) -> None:
        """End all sessions but this one."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM session WHERE token_hash != ?", (session.token if session else b"",))

    def _set(self, session: Session, column: str, value: float) -> None:
        with self._database.write() as connection:
            connection.execute(f"UPDATE session SET {column} = ? WHERE token_hash = ?", (value, session.token))
