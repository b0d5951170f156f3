"""What loading remembers between two runs: documents that were read and found sound, and which they were.

Whatever is wrong with it, it is as if it were not there: nothing depends on it but time.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import wgreconcile
from wgreconcile import files
from wgreconcile.desired.layout import Stamp
from wgreconcile.desired.moments import NEVER, Period

FILE_NAME = "documents.json"

RACY_NS = 2_000_000_000
"""A file as young as this may change again without a new stamp, so its text decides (as in Git's racy index)."""


Entry = list[Any]
"""A document that was found sound: its stamp, the digest of its content, its record (None when it holds a key)."""


@dataclass(slots=True)
class Memory:
    """Documents by path. ``warnings`` None: the state as a whole had faults, or was never checked.

    In the ``period`` these are what it has to be warned of; later some peers are on their interfaces, or are not.
    """

    documents: dict[str, Entry] = field(default_factory=dict)
    warnings: list[list[Any]] | None = None
    looked_at: int = 0
    """When the state folder was looked at, in nanoseconds."""
    period: Period = NEVER
    _version: str = field(default="", compare=False)

    @property
    def version(self) -> str:
        """A name for the texts of all documents, once they are complete: that of :attr:`DesiredState.version`."""
        if not self._version:
            names = (f"{path}\0{each[1]}" for path, each in sorted(self.documents.items()))
            self._version = digest("\0".join(names).encode())
        return self._version

    def trusts(self, stamp: Stamp) -> bool:
        """Whether an equal stamp alone proves that a document is as it was."""
        oldest = self.oldest_young
        return stamp[0] < oldest and stamp[3] < oldest

    @property
    def oldest_young(self) -> int:
        """From this time on, in nanoseconds, a document may have changed again without a new stamp."""
        return self.looked_at - RACY_NS


def digest(content: bytes) -> str:
    """A name for the content of a document; it tells nothing about a key in it."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def recall(folder: Path | None, state: Path) -> Memory:
    """What was remembered of ``state``; nothing when the file is absent, damaged, foreign or outdated."""
    if folder is None:
        return Memory()
    try:
        data = json.loads(files.kept(folder / FILE_NAME))
        if data["program"] != _program() or data["state"] != os.path.realpath(state):
            return Memory()
        period = Period(*data["period"])
        return Memory(data["documents"], data["warnings"], data["looked_at"], period, data["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return Memory()


def remember(folder: Path | None, state: Path, memory: Memory) -> None:
    """Keep ``memory`` for the next run; a folder that cannot be written costs time, nothing else."""
    if folder is None:
        return
    data = {
        "program": _program(),
        "state": os.path.realpath(state),
        "looked_at": memory.looked_at,
        "warnings": memory.warnings,
        "period": memory.period,
        "version": memory.version,
        "documents": memory.documents,
    }
    with suppress(OSError):
        files.keep(folder / FILE_NAME, json.dumps(data, separators=(",", ":")))


@cache
def _program() -> str:
    """What decides how documents are read: the code and the schemas, by the stamps of their files."""
    package = Path(wgreconcile.__file__).parent
    sources = [package / "values.py", *(package / "desired").glob("*.py"), *(package / "schemas").glob("*.json")]
    stamps = sorted((each.name, each.stat().st_mtime_ns, each.stat().st_size) for each in sources)
    return digest(repr(stamps).encode())
