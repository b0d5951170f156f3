"""Links to one peer's configuration file. Whoever has the link has the file, so links are kept as keys are."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import dataclass, field, replace

from wgreconcile.api.runtime.database import Database
from wgreconcile.api.runtime.seal import Seal

_PURPOSE = "share link"
_COLUMNS = "link_sealed, interface, peer, expires_at"
_ACTIVE = "(expires_at IS NULL OR expires_at > ?)"


@dataclass(frozen=True, slots=True)
class ShareLink:
    """A link. ``peer`` is a public key; ``expires_at`` is in seconds since 1970, None is never."""

    share_id: str = field(repr=False)
    interface: str
    peer: str
    expires_at: int | None


class ShareLinks:
    """All links. An expired one is as good as gone and is never revived."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def create(self, interface: str, peer: str, expires_at: int | None, now: float) -> ShareLink | None:
        """Make a link; None when the peer has an active one already."""
        link = ShareLink(str(uuid.uuid4()), interface, peer, expires_at)
        return link if self.take_over(link, now) else None

    def take_over(self, link: ShareLink, now: float) -> bool:
        """Let a link go on that another server has made. False when its peer has an active one already."""
        interface, peer, expires_at = link.interface, link.peer, link.expires_at
        mac, sealed = self._mac(link.share_id), self._seal.seal(_PURPOSE, link.share_id)
        with self._database.write() as connection:
            _prune(connection, now)
            taken = connection.execute(
                f"SELECT 1 FROM share_link WHERE interface = ? AND peer = ? AND {_ACTIVE}", (interface, peer, now)
            ).fetchone()
            if taken:
                return False
            connection.execute(
                "INSERT INTO share_link VALUES (NULL, ?, ?, ?, ?, ?, ?)",
                (mac, sealed, interface, peer, int(now), expires_at),
            )
        return True

    def find(self, share_id: str, now: float) -> ShareLink | None:
        """The link of that id; None when there is none, or it has expired."""
        row = self._database.read_one(
            f"SELECT {_COLUMNS} FROM share_link WHERE link_mac = ? AND {_ACTIVE}", (self._mac(share_id), now)
        )
        return self._link(row) if row else None

    def move_end(self, share_id: str, expires_at: int | None, now: float) -> ShareLink | None:
        """Change when an active link ends, perhaps to now; None when there is no active one of that id."""
        mac = self._mac(share_id)
        with self._database.write() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM share_link WHERE link_mac = ? AND {_ACTIVE}", (mac, now)
            ).fetchone()
            connection.execute(
                f"UPDATE share_link SET expires_at = ? WHERE link_mac = ? AND {_ACTIVE}", (expires_at, mac, now)
            )
        return replace(self._link(row), expires_at=expires_at) if row else None

    def of_interface(self, interface: str, now: float) -> dict[str, ShareLink]:
        """The active links of an interface, by public key of the peer."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM share_link WHERE interface = ? AND {_ACTIVE}", (interface, now)
        )
        return {row[2]: self._link(row) for row in rows}

    def delete_of(self, interface: str, peers: tuple[str, ...]) -> None:
        """End the links of peers that are gone."""
        with self._database.write() as connection:
            connection.executemany(
                "DELETE FROM share_link WHERE interface = ? AND peer = ?", [(interface, each) for each in peers]
            )

    def _link(self, row: tuple[bytes, str, str, int | None]) -> ShareLink:
        return ShareLink(self._seal.open(_PURPOSE, row[0]), *row[1:])

    def _mac(self, share_id: str) -> bytes:
        return self._seal.mac(_PURPOSE, share_id)


def _prune(connection: sqlite3.Connection, now: float) -> None:
    connection.execute("DELETE FROM share_link WHERE expires_at <= ?", (now,))
