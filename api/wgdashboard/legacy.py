"""The folder of a WGDashboard as it is on disk: its ini file and its SQLite databases, read and never written."""

from __future__ import annotations

import configparser
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wgreconcile.errors import UsageError

INI = "wg-dashboard.ini"
_MAIN, _JOBS = "db/wgdashboard.db", "db/wgdashboard_job.db"
_RESTRICTED = "_restrict_access"

Row = Mapping[str, Any]
"""A row of a table by the names of its columns, which differ a little from version to version."""


@dataclass(frozen=True, slots=True)
class Legacy:
    """All of it. ``settings`` are texts by section and key; peers are by configuration."""

    settings: Mapping[str, Mapping[str, str]] = field(repr=False)
    peers: Mapping[str, tuple[Row, ...]] = field(repr=False)
    restricted: Mapping[str, tuple[Row, ...]] = field(repr=False)
    jobs: tuple[Row, ...] = field(default=(), repr=False)
    links: tuple[Row, ...] = field(default=(), repr=False)
    api_keys: tuple[Row, ...] = field(default=(), repr=False)

    @property
    def names(self) -> dict[str, str]:
        """What peers are called, by public key."""
        rows = (each for table in self.peers.values() for each in table)
        return {row["id"]: row["name"] for row in rows if row["name"]}


def read_legacy(folder: Path) -> Legacy:
    """Read the folder that holds ``wg-dashboard.ini`` and ``db/``. Raise UsageError when it cannot be read."""
    settings = _settings(folder / INI)
    try:
        with closing(_open(folder / _MAIN)) as database:
            names = _tables(database)
            configurations = sorted(each for each in names if f"{each}{_RESTRICTED}" in names)
            peers = {each: _rows(database, each) for each in configurations}
            restricted = {each: _rows(database, f"{each}{_RESTRICTED}") for each in configurations}
            links, keys = (_rows(database, each, names) for each in ("PeerShareLinks", "DashboardAPIKeys"))
        jobs: tuple[Row, ...] = ()
        if (folder / _JOBS).exists():
            with closing(_open(folder / _JOBS)) as database:
                jobs = _rows(database, "PeerJobs", _tables(database))
    except sqlite3.Error as error:
        raise UsageError(
            f"{folder / 'db'}: {error}; stop WGDashboard, and see that these are its databases"
        ) from None
    return Legacy(settings, peers, restricted, jobs, links, keys)


def _settings(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, ValueError, configparser.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it cannot be read as an ini file"
        raise UsageError(f"{path}: {reason}; name the folder that holds it, most often WGDashboard/src") from None
    return {section: dict(parser[section]) for section in parser.sections()}


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    return database


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _rows(database: sqlite3.Connection, table: str, known: set[str] | None = None) -> tuple[Row, ...]:
    """All rows of a table; none of one that is not among the ``known``."""
    if known is not None and table not in known:
        return ()
    return tuple(_read(database, '"' + table.replace('"', '""') + '"'))


def _read(database: sqlite3.Connection, quoted: str) -> Iterator[Row]:
    for row in database.execute(f"SELECT * FROM {quoted}"):
        found = {name: row[name] for name in row.keys()}  # noqa: SIM118  (a row of SQLite iterates over its values)
        yield {**found, "name": _on_one_line(found.get("name"))} if "name" in found else found


def _on_one_line(name: Any) -> str:
    return "".join(each for each in " ".join(str(name or "").split()) if each.isprintable())
