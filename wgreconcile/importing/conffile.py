"""The configuration file itself: read as it is, and left so that the plan right after an import is empty."""

from __future__ import annotations

import stat
from pathlib import Path

from wgreconcile.errors import Fault, StateError
from wgreconcile.files import read, write_atomic
from wgreconcile.importing.reading import Reading

FILE_MODE = 0o600
"""A managed file has no other (planning: diff.FILE_MODE)."""


def text_of(path: Path) -> str:
    """The text as observing reads it: bytes that are not UTF-8 and line ends stay what they are. Raise OSError."""
    return read(path).decode("utf-8", "surrogateescape")


def settle(file: Path, text: str, reading: Reading) -> list[str]:
    """Take out of ``file`` what a managed one never has, close it to other users, and say so.

    ``text`` is what was read of it. Raise StateError when it holds another one by now, and OSError.
    """
    notes = []
    mode = stat.S_IMODE(file.stat().st_mode)
    if reading.text != text:
        if text_of(file) != text:
            raise StateError([Fault(str(file), 0, "", "was changed while it was imported", "import again")])
        write_atomic(file.resolve(), reading.text, FILE_MODE)
        notes += [f"taken out of {file}: {each}" for each in reading.amendments]
    if mode != FILE_MODE:
        file.chmod(FILE_MODE)
        notes.append(f"{file} holds keys: its mode was {mode:04o} and is {FILE_MODE:04o} now")
    return notes
