"""Documents written to the state folder: under a lock, each whole or not at all, and put back when asked to."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wgreconcile import files
from wgreconcile.desired import landing
from wgreconcile.desired.landing import JOURNAL, Landed, Landing
from wgreconcile.errors import BusyError, ConflictError, Fault, StateError

PATIENCE = 10.0
"""Seconds to wait for others; nobody holds the lock longer than it takes to write a few documents."""

_PAUSE = 0.002

_MAY_NOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one save has changed, for the way back. Empty when nothing differed."""

    landings: tuple[Landing, ...] = ()


@contextmanager
def locked(state: Path, *, exclusive: bool) -> Iterator[None]:
    """Hold the lock of a state folder: the folder itself, so that no file is left behind.

    Readers share it and so see all documents of a save or none. Raise BusyError when it stays taken.
    """
    try:
        descriptor = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if exclusive:
            raise StateError([Fault(str(state), 0, "", f"cannot be opened: {error.strerror}")]) from None
        yield  # loading says what is wrong
        return
    try:
        deadline = time.monotonic() + PATIENCE
        _wait_for(descriptor, deadline, state, exclusive=exclusive)
        if (state / JOURNAL).exists():
            try:
                if exclusive or not landing.is_held(state):
                    _clear(descriptor, deadline, state, exclusive=exclusive)
            except OSError as error:
                if exclusive or error.errno not in _MAY_NOT_WRITE:  # who only reads takes it as it is
                    raise
        yield
    finally:
        os.close(descriptor)


def settle(folder: Path) -> None:
    """Finish what somebody who was killed has begun to write in a folder, for who reads it without its lock."""
    with suppress(PermissionError):  # who may not look into it reads nothing there
        if (folder / JOURNAL).exists():
            with locked(folder, exclusive=False):
                pass


def _clear(descriptor: int, deadline: float, state: Path, *, exclusive: bool) -> None:
    """Finish what somebody who was killed has begun; who wants to write waits for who lives, too."""
    _wait_for(descriptor, deadline, state, exclusive=True)
    while (state / JOURNAL).exists():
        if not landing.is_held(state):
            landing.finish(state)
        elif exclusive:
            _pause(deadline, state)
        else:
            break
    _wait_for(descriptor, deadline, state, exclusive=exclusive)


def _wait_for(descriptor: int, deadline: float, state: Path, *, exclusive: bool) -> None:
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            _pause(deadline, state)
        except OSError:
            if exclusive:
                raise
            return  # a file system without locks: one writes there at one's own risk, but may read


def _pause(deadline: float, state: Path) -> None:
    if time.monotonic() > deadline:
        raise BusyError(f"another process writes to {state}; wait for it to end and repeat") from None
    time.sleep(_PAUSE)


def read(state: Path, path: str) -> bytes | None:
    """The content of a document, None when there is none. Raise StateError for a link or an unreadable file.

    Editing goes to the file that is named, so what a link points to is not edited behind the link's back.
    """
    folder = path.rpartition("/")[0]
    try:
        for part in (f"{state}/{folder}", f"{state}/{path}") if folder else (f"{state}/{path}",):
            if stat.S_ISLNK(os.lstat(part).st_mode):
                raise StateError([Fault(part, 0, "", "is a link", "edit what it points to")])
        return files.read(state / path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        remedy = "put a file there that can be read"
        raise StateError([Fault(str(state / path), 0, "", f"cannot be read: {error.strerror}", remedy)]) from None


class Planner:
    """Plans a save: reads each document once, and looks once at what new ones shall be like. Needs the lock."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._before: dict[str, bytes | None] = {}

    def before(self, path: str) -> bytes | None:
        """As :func:`read`."""
        if path not in self._before:
            self._before[path] = read(self._state, path)
        return self._before[path]

    def plan(self, path: str, after: bytes | None, *, is_secret: bool = False) -> Landing:
        """What makes a document say ``after``. A new one that ``is_secret`` is for its owner alone."""
        before = self.before(path)
        if before is None:
            return Landing(path, None, after, 0o600 if is_secret else self._mode_of_new, self._owner_of_new)
        found = (self._state / path).stat()
        return Landing(path, before, after, stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid))

    @cached_property
    def _mode_of_new(self) -> int:
        return 0o644 & ~_umask()

    @cached_property
    def _owner_of_new(self) -> tuple[int, int]:
        """In a checkout of a user, documents that root writes belong to that user, too."""
        folder = self._state.stat()
        return folder.st_uid, folder.st_gid


def write(state: Path, landings: Sequence[Landing]) -> Landed:
    """Write documents durably, all of them or, raising ConflictError or OSError, none."""
    try:
        return landing.land(state, landings)
    except FileExistsError as error:
        raise ConflictError(f"{error.filename} was made meanwhile; read the state again and repeat") from None


def put_back(state: Path, snapshot: Snapshot) -> None:
    """Make every document of a save what it was before.

    Raise ConflictError, and change nothing, when one of them is not what the save has made it.
    """
    changed = [each.path for each in snapshot.landings if read(state, each.path) != each.after]
    if changed:
        raise ConflictError(f"{', '.join(changed)} changed since; not put back")
    write(state, [each.back for each in snapshot.landings]).settle()


def _umask() -> int:
    """The umask, without the moment of another one that asking for it with os.umask() costs every thread."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    return 0o022
