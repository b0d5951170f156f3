"""API keys: found by a keyed digest, shown again from an encrypted copy (docs/adr/0005-api-keys.md)."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from wgreconcile.api.runtime.database import Database
from wgreconcile.api.runtime.seal import Seal

_PURPOSE = "api key"
_ACTIVE = "(expires_at IS NULL OR expires_at > ?)"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that has not expired. ``text`` is the key itself; times are in seconds since 1970, None is never."""

    id: int
    created_at: int
    expires_at: int | None
    text: str = field(default="", repr=False)


class ApiKeys:
    """All keys. An expired one stops at once and is removed when the next one is made."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def create(self, now: float, expires_at: int | None) -> str:
        """Make a key: 32 random bytes, 43 characters. One that expires in the past is made, and never works."""
        text = secrets.token_urlsafe(32)
        row = (self._mac(text), self._seal.seal(_PURPOSE, text), int(now), expires_at)
        with self._database.write() as connection:
            connection.execute("DELETE FROM api_key WHERE expires_at <= ?", (int(now),))
            connection.execute(
                "INSERT INTO api_key (key_mac, key_sealed, created_at, expires_at) VALUES (?, ?, ?, ?)", row
            )
        return text

    def take_over(self, text: str, created_at: int, expires_at: int | None) -> bool:
        """Let a key go on that another server has made. False when it is known already."""
        row = (self._mac(text), self._seal.seal(_PURPOSE, text), created_at, expires_at)
        with self._database.write() as connection:
            done = connection.execute(
                "INSERT INTO api_key (key_mac, key_sealed, created_at, expires_at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                row,
            )
        return done.rowcount == 1

    def active(self, now: float) -> tuple[ApiKey, ...]:
        """All keys that work, the newest first, with their text."""
        rows = self._database.read(
            f"SELECT id, created_at, expires_at, key_sealed FROM api_key WHERE {_ACTIVE}"
            " ORDER BY created_at DESC, id DESC",
            (now,),
        )
        return tuple(
            ApiKey(number, created, expires, self._seal.open(_PURPOSE, sealed))
            for number, created, expires, sealed in rows
        )

    def find(self, text: str, now: float) -> ApiKey | None:
        """The key that a caller shows; None when there is none, or it has expired."""
        mac = self._mac(text)
        row = self._database.recall_one(
            "SELECT key_mac, id, created_at, expires_at FROM api_key WHERE key_mac = ?", (mac,)
        )
        if row is None or not hmac.compare_digest(row[0], mac):
            return None
        key = ApiKey(*row[1:])
        return key if key.expires_at is None or key.expires_at > now else None

    def delete(self, text: str) -> bool:
        """Remove a key and end the sessions that were opened with it. False when there is none."""
        with self._database.write() as connection:
            return connection.execute("DELETE FROM api_key WHERE key_mac = ?", (self._mac(text),)).rowcount == 1

    def _mac(self, text: str) -> bytes:
        return self._seal.mac(_PURPOSE, text)
