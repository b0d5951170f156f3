"""Transcripts of a server: JSON lines of exchanges and of what was done between them. README.md has the format."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
VARIABLE = "WGRECONCILE_RECORDINGS"
OWN = Path(__file__).parent / "recordings" / "recordings-v4.0.4.jsonl"
BESIDE = REPOSITORY.parent / "shared" / "wgdashboard" / OWN.name

SESSION_LIFETIME = timedelta(days=31)
"""What the recorded server added to its clock for the end of a session: the only clock that a transcript holds."""

_EXPIRES = re.compile(r"^session=.*Expires=([^;]+)")


def recordings() -> Path:
    """The transcript that the environment names, else the one beside the repository, else the copy in it."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else next((path for path in (BESIDE, OWN) if path.exists()), OWN)


@dataclass(frozen=True)
class Step:
    """One line: ``kind`` is http, vars, action, state, or a kind that only documents."""

    id: str
    scenario: str
    kind: str
    note: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def clock(self) -> datetime | None:
        """The recorded server's local time (UTC), when an answer tells it."""
        for name, value in self.data.get("response_headers") or ():
            if name == "set-cookie" and (found := _EXPIRES.match(value)):
                return parsedate_to_datetime(found[1]).replace(tzinfo=None) - SESSION_LIFETIME
        return None


@dataclass(frozen=True)
class Scenario:
    """Steps in a row, and the variables with which they can be replayed without what came before."""

    name: str
    note: str
    variables: Mapping[str, str]
    steps: tuple[Step, ...]


def read(path: Path) -> list[Scenario]:
    """The scenarios of a file, in order."""
    with path.open(encoding="utf-8") as lines:
        return list(_scenarios(json.loads(line) for line in lines if line.strip()))


def _scenarios(rows: Iterator[dict[str, Any]]) -> Iterator[Scenario]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["scenario"], []).append(row)
    for name, group in grouped.items():
        head = group[0] if group[0]["kind"] == "scenario" else {}
        steps = tuple(
            Step(row["id"], name, row["kind"], row.get("note", ""), row)
            for row in group
            if row["kind"] != "scenario"
        )
        yield Scenario(name, head.get("note", ""), head.get("vars", {}), steps)
