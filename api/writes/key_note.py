"""Keys that nothing refers to yet, or no more: noted, so that a kill leaves none of them behind for good."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wgreconcile.desired import keyfiles, saving, secretfolder
from wgreconcile.desired.model import DesiredState

_log = logging.getLogger(__name__)

NOTE = ".wgreconcile-keys"


class KeyNote:
    """A file in the secret folder with names of keys. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NOTE
        self._may_be_there = True

    @contextmanager
    def of(self, new: Collection[str], old: Collection[str]) -> Iterator[None]:
        """Note keys that a write is about to add and to remove. It stays for :meth:`settle` where they do."""
        if not new and not old:
            yield
            return
        self._may_be_there = True
        earlier: list[str] = []
        with suppress(OSError):  # a full disk keeps no key from being removed
            earlier = self._names()
            if new:
                secretfolder.make(self._folder)
            with self._path.open("w") as note:
                json.dump(sorted({*earlier, *new, *old}), note)
                note.flush()
                os.fsync(note.fileno())
        try:
            yield
        except BaseException:
            self._forget_unless({*earlier, *new})
            raise
        self._forget_unless({*earlier, *old})

    def settle(self, state: DesiredState) -> None:
        """Remove the keys of the last note that nothing in ``state`` refers to, which is what has come of it."""
        if not self._may_be_there:
            return
        try:
            saving.settle(self._folder)
            keyfiles.remove(self._folder, keyfiles.unreferenced(self._names(), state))
            self._forget()
        except OSError as error:
            _log.error("keys that nothing refers to cannot be removed: %s", error)

    def _forget_unless(self, names: Collection[str]) -> None:
        """Forget the note unless one of these keys is still there."""
        if not any((self._folder / each).exists() for each in names):
            self._forget()

    def _forget(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._may_be_there = False

    def _names(self) -> list[str]:
        try:
            names = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):  # none, or a kill while it was written, before there was any key
            return []
        return [each for each in names if isinstance(each, str)] if isinstance(names, list) else []
