"""What loading remembers between two runs: documents that were read and found sound, and which they were.

One file of JSON with a checksum in its first line, in a folder that only its owner may enter. Whatever is wrong
with it, it is as if it were not there: nothing depends on it but time.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import wgreconcile
from wgreconcile import files
from wgreconcile.desired.layout import Stamp

FILE_NAME = "documents.json"

RACY_NS = 2_000_000_000
"""A file as young as this may change again without a new stamp, so its text decides (as in Git's racy index)."""


Entry = list[Any]
"""A document that was found sound: its stamp, the digest of its content, its record (None when it holds a key)."""


@dataclass(slots=True)
class Memory:
    """Documents by path. ``warnings`` None: the state as a whole had faults, or was never checked."""

    documents: dict[str, Entry] = field(default_factory=dict)
    warnings: list[list[Any]] | None = None
    looked_at: int = 0
    """When the state folder was looked at, in nanoseconds."""
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
        young = self.looked_at - RACY_NS
        return stamp[0] < young and stamp[3] < young


def digest(content: bytes) -> str:
    """A name for the content of a document; it tells nothing about a key in it."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def recall(folder: Path | None, state: Path) -> Memory:
    """What was remembered of ``state``; nothing when the file is absent, damaged, foreign or outdated."""
    if folder is None:
        return Memory()
    try:
        checksum, _, body = _read_own(folder / FILE_NAME).partition(b"\n")
        if checksum.decode() != digest(body):
            return Memory()
        data = json.loads(body)
        if data["program"] != _program() or data["state"] != os.path.realpath(state):
            return Memory()
        return Memory(data["documents"], data["warnings"], data["looked_at"], data["version"])
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
        "version": memory.version,
        "documents": memory.documents,
    }
    body = json.dumps(data, separators=(",", ":"))
    try:
        files.make_private_folder(folder)
        text = f"{digest(body.encode())}\n{body}"
        files.write_atomic(folder / FILE_NAME, text, durable=False)  # the checksum tells a torn one
    except OSError:
        return


def _read_own(path: Path) -> bytes:
    """The content of a file that nobody else could have written: what is remembered is not checked again."""
    with files.opened(path) as file:
        stat = os.fstat(file.fileno())
        if stat.st_uid not in (0, os.geteuid()) or stat.st_mode & 0o022:
            raise PermissionError(f"{path} can be written by others")
        return file.read()


@cache
def _program() -> str:
    """What decides how documents are read: the code and the schemas, by the stamps of their files."""
    package = Path(wgreconcile.__file__).parent
    sources = [package / "values.py", *(package / "desired").glob("*.py"), *(package / "schemas").glob("*.json")]
    stamps = sorted((each.name, each.stat().st_mtime_ns, each.stat().st_size) for each in sources)
    return digest(repr(stamps).encode())
