"""A folder of key files: 0700, its files 0600 with one key each. Errors name files, never what is in them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wgreconcile import files
from wgreconcile.values import SecretKey

_LONGEST = 1024
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


class Unusable(Exception):
    """A folder or a file that no key is read from: what is wrong with it, and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class Unreadable(Unusable):
    """What this user has no right to read. For others it may be in order."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} cannot be read: Permission denied", "make it readable, or run as its owner")


class Reader:
    """Reads many keys of one open folder. ``is_closed``: this user has no right to open it."""

    def __init__(self, folder: Path, descriptor: int | None, *, is_closed: bool = False) -> None:
        self._folder = folder
        self._descriptor = descriptor
        self._is_closed = is_closed

    def read(self, name: str) -> SecretKey | None:
        """The key in the file ``name``; None when there is no such file. Raise Unusable, Unreadable."""
        check_name(name)
        if self._is_closed:
            raise Unreadable(self._folder)
        if self._descriptor is None:
            return None
        try:
            file = os.open(name, _READ, dir_fd=self._descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            raise Unreadable(self._folder / name) from None
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket
                raise Unusable(f"{self._folder / name} is not a file", "put one in its place") from None
            raise Unusable(f"{self._folder / name} cannot be read: {error.strerror}", "make it readable") from None
        try:
            _check_private(os.fstat(file), self._folder / name, stat.S_ISREG, "600")
            text = os.read(file, _LONGEST)
        finally:
            os.close(file)
        try:
            return SecretKey.parse(text.strip().decode())
        except ValueError:
            remedy = "write 32 bytes in base64 into it, as `wg genkey` prints them"
            raise Unusable(f"{self._folder / name} does not hold a key", remedy) from None


@contextmanager
def opened(folder: Path, *, lenient: bool = False) -> Iterator[Reader]:
    """Open ``folder`` for reading; one that does not exist is empty. Raise Unusable when others may enter it.

    One that this user has no right to open raises Unreadable; when ``lenient``, only the keys in it do.
    """
    try:
        descriptor = os.open(folder, _READ | os.O_DIRECTORY)
    except FileNotFoundError:
        yield Reader(folder, None)
        return
    except PermissionError:
        if not lenient:
            raise Unreadable(folder) from None
        yield Reader(folder, None, is_closed=True)
        return
    except OSError as error:
        raise Unusable(f"{folder} cannot be opened: {error.strerror}", "name a folder with --secrets") from None
    try:
        _check_private(os.fstat(descriptor), folder, stat.S_ISDIR, "700")
        yield Reader(folder, descriptor)
    finally:
        os.close(descriptor)


def make(folder: Path) -> None:
    """Make the folder if need be, with a note in it that keeps the keys out of Git, wherever the folder is."""
    if not folder.exists():
        files.make_private_folder(folder)
    note = folder / ".gitignore"
    # Whoever is killed in here leaves it to the next one; a person who took the note away has keys there already.
    if folder.is_dir() and all(each == note and not note.stat().st_size for each in folder.iterdir()):
        note.write_text("*\n")


def check_name(name: str) -> None:
    """Raise Unusable unless ``name`` is a path that stays below the folder."""
    parts = name.split("/")
    if parts[0] == "" or parts[-1] in ("", ".") or ".." in parts or "\0" in name:
        raise Unusable("names no file below the secret folder", "write a relative path without '..'")


def _check_private(found: os.stat_result, path: Path, is_kind: Callable[[int], bool], mode: str) -> None:
    if not is_kind(found.st_mode):
        raise Unusable(f"{path} is not a {'folder' if mode == '700' else 'file'}", "put one in its place")
    if found.st_uid not in (0, os.geteuid()):
        raise Unusable(f"{path} belongs to another user", f"chown {os.geteuid()} {path}")
    if found.st_mode & 0o077:
        raise Unusable(f"{path} is open to other users", f"chmod {mode} {path}")
