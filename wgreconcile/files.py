"""Files that are read and written whole or not at all, and locks that outlive no process."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from wgreconcile.errors import BusyError

_DRAFT = re.compile(r"\..*\.wgreconcile-[a-z0-9_]{8}")


def draft_beside(path: Path) -> tuple[int, Path]:
    """Make the hidden file that is to become ``path`` once it is whole: open for writing, for its owner alone.

    By its name whoever comes later can tell that no person keeps it.
    """
    while True:
        draft = path.parent / f".{path.name[:40]}.wgreconcile-{os.urandom(4).hex()}"
        with suppress(FileExistsError):
            return os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), draft


def drafts(folder: Path) -> list[Path]:
    """The drafts in a folder: nobody's, unless one is being written."""
    with suppress(OSError):
        return [each for each in folder.iterdir() if _DRAFT.fullmatch(each.name) and _is_regular(each)]
    return []


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Let an OSError name ``path`` unless it names a file itself: a full disk says nothing of what it holds."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def write_atomic(path: Path, text: str, mode: int = 0o600, *, durable: bool = True) -> None:
    """Replace a file so that a crash leaves either the old or the new text. Raise OSError.

    When ``durable`` it has reached the disk on return; else only a crash of the program is survived.
    """
    descriptor, draft = draft_beside(path)
    try:
        os.fchmod(descriptor, mode)
        with (
            naming(path),
            os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file,
        ):
            file.write(text)
            file.flush()
            if durable:
                os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def keep(path: Path, body: str) -> None:
    """Keep what was found out, for :func:`kept`, in a folder that only its owner may enter. Raise OSError."""
    make_private_folder(path.parent)
    write_atomic(path, f"{_checksum(body.encode())}\n{body}", durable=False)  # the checksum tells a torn one


def kept(path: Path) -> bytes:
    """What :func:`keep` has kept. Raise OSError, ValueError when it is damaged or others could have written it.

    It is not checked again, so that whoever writes it decides what is done.
    """
    with opened(path) as file:
        found = os.fstat(file.fileno())
        if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
            raise PermissionError(errno.EPERM, "can be written by others", str(path))
        checksum, _, body = file.read().partition(b"\n")
    if checksum.decode(errors="replace") != _checksum(body):
        raise ValueError(f"{path} is damaged")
    return body


def _checksum(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def read(path: Path) -> bytes:
    """The content of a file, opened as :func:`opened` does. Raise OSError."""
    with opened(path) as file:
        return file.read()


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file, or the one that a link leads to, for reading.

    Raise OSError, also for a FIFO, a socket or a device: reading one of these may never end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise _not_regular(path) from None
        raise
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise _not_regular(path)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _not_regular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "is not a regular file", str(path))


def remove(path: Path) -> None:
    """Remove a file durably; it is no error when it is gone already."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter. Raise OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it. Raise OSError when the disk is full."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def sync(path: Path) -> None:
    """Wait until a file has reached the disk. Raise OSError."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Make a rename or a removal in a folder durable. Raise OSError."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def sync_file_system(path: Path) -> None:
    """Wait until all of the file system that holds ``path`` has reached the disk. Raise OSError.

    For many files this takes a fraction of the time that they take one by one. See syncfs(2), which Python lacks;
    from Linux 5.8 on it tells errors.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc().syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    finally:
        os.close(descriptor)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO that nobody writes to waits for ever
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive_lock(path: Path, holder: str) -> Iterator[None]:
    """Hold the lock at ``path`` (a file, made if missing). Raise BusyError at once when another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BusyError(f"another {holder} holds {path}; wait for it to end and repeat") from None
    finally:
        os.close(descriptor)
