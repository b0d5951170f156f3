"""A folder such as a WGDashboard v4.0 leaves behind (API.md 4 and 7.4)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

_PEERS = (
    *("id", "private_key", "DNS", "endpoint_allowed_ip", "name", "total_receive", "total_sent", "total_data"),
    *("endpoint", "status", "latest_handshake", "allowed_ip", "cumu_receive", "cumu_sent", "cumu_data", "mtu"),
    *("keepalive", "remote_endpoint", "preshared_key"),
)
_TABLES = {
    "PeerShareLinks": ("ShareID", "Configuration", "Peer", "ExpireDate", "SharedDate"),
    "DashboardAPIKeys": ("Key", "CreatedAt", "ExpiredAt"),
}
_JOBS = (
    *("JobID", "Configuration", "Peer", "Field", "Operator", "Value", "CreationDate", "ExpireDate", "Action"),
)
DEFAULTS: dict[str, Any] = {
    **{"private_key": "", "DNS": "1.1.1.1", "endpoint_allowed_ip": "0.0.0.0/0", "name": "", "endpoint": "N/A"},
    **dict.fromkeys(("total_receive", "total_sent", "total_data"), 0.0),
    **dict.fromkeys(("cumu_receive", "cumu_sent", "cumu_data"), 0.0),
    **{"status": "stopped", "latest_handshake": "N/A", "mtu": 1420, "keepalive": 21, "preshared_key": ""},
    "remote_endpoint": "192.0.2.10",
}
"""A row as it is made for a peer of which nothing is known."""

Rows = Iterable[Mapping[str, Any]]


def write(
    folder: Path,
    *,
    ini: Mapping[str, Mapping[str, str]],
    peers: Mapping[str, Rows] = {},
    restricted: Mapping[str, Rows] = {},
    jobs: Rows = (),
    links: Rows = (),
    keys: Rows = (),
) -> Path:
    """Write the folder; what rows leave out is as in DEFAULTS, or null."""
    (folder / "db").mkdir(parents=True)
    lines = [
        line for name, its in ini.items() for line in (f"[{name}]", *(f"{k} = {v}" for k, v in its.items()), "")
    ]
    (folder / "wg-dashboard.ini").write_text("\n".join(lines))
    with closing(sqlite3.connect(folder / "db" / "wgdashboard.db")) as database:
        for name in {*peers, *restricted}:
            _table(database, name, _PEERS, [DEFAULTS | dict(each) for each in peers.get(name, ())])
            rows = [DEFAULTS | dict(each) for each in restricted.get(name, ())]
            _table(database, f"{name}_restrict_access", _PEERS, rows)
            _table(database, f"{name}_transfer", ("id", "time"), ())
        _table(database, "PeerShareLinks", _TABLES["PeerShareLinks"], links)
        _table(database, "DashboardAPIKeys", _TABLES["DashboardAPIKeys"], keys)
        database.commit()
    with closing(sqlite3.connect(folder / "db" / "wgdashboard_job.db")) as database:
        _table(database, "PeerJobs", _JOBS, jobs)
        database.commit()
    return folder


def _table(database: sqlite3.Connection, name: str, columns: tuple[str, ...], rows: Rows) -> None:
    database.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
    places = ", ".join("?" * len(columns))
    database.executemany(
        f'INSERT INTO "{name}" VALUES ({places})', [[row.get(each) for each in columns] for row in rows]
    )
