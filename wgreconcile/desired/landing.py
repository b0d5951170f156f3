"""Files that land in a folder together: all of them, also when the program or the machine stops in between.

What they shall say is on the disk, in a journal, before the first of them is touched; that is the one wait. They
come into their places then, and reach the disk while whoever wrote them goes on (:meth:`Landed.settle`). Whoever
takes the folder's lock and finds a journal that no living program holds lets land what it says.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wgreconcile import files
from wgreconcile.desired.memory import digest

JOURNAL = ".wgreconcile-save"

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

_JOURNAL_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""What stands in its place may be a link, or a FIFO that nobody writes to."""

_COUNT = 10
"""Bytes at the start of a journal for how many of its files go back, once they do: blank while all are to land."""

_BLOCK = 512
"""What a disk writes whole or not at all."""

_MANY = 16
"""From so many files on it is sooner to let all of the file system reach the disk."""


@dataclass(frozen=True, slots=True)
class Landing:
    """A document on its way from one content to another; None is no document.

    ``mode`` is the file's, ``folder_mode`` that of a folder that has to be made for it.
    """

    path: str
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)
    mode: int = 0o644
    owner: tuple[int, int] | None = None
    folder_mode: int = 0o777

    @property
    def back(self) -> Landing:
        """The way back."""
        return replace(self, before=self.after, after=self.before)


class Landed:
    """Files that are in their places, for good: with their journal they have reached the disk."""

    def __init__(self, folder: Path, paths: Collection[str] = (), journal: int | None = None) -> None:
        self._folder, self._paths, self._journal = folder, paths, journal

    def settle(self) -> None:
        """Wait until they have reached it by themselves, which needs no lock; then the journal goes.

        To be called once, and soon: until then nobody else can write to the folder. Raise OSError when they cannot
        reach it; the journal stays then, and whoever takes the lock next tries again.
        """
        if self._journal is None:
            return
        try:
            _sync(self._folder, self._paths)
        except BaseException:
            os.close(self._journal)
            raise
        _end(self._folder, self._journal)


def land(folder: Path, landings: Sequence[Landing]) -> Landed:
    """Put all files in their places, durably. Needs the lock.

    Raise FileExistsError when a new one is there by now, and OSError; none of them is in its place then.
    """
    if not landings:
        return Landed(folder)
    paths = [each.path for each in landings]
    journal = _begin(folder, landings)
    moved: list[Landing] = []
    try:
        _make_folders(folder, landings)
        for each in landings:
            _put(folder, each, is_new=each.before is None)
            moved.append(each)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            _take_back(folder, moved, paths, journal)
        raise
    _remove_empty_folders(folder, paths)
    return Landed(folder, paths, journal)


def remove(folder: Path, paths: Collection[str]) -> None:
    """Remove files, durably, and folders that become empty. It is no error when one is gone. Needs the lock."""
    for path in paths:
        (folder / path).unlink(missing_ok=True)
    _sync(folder, paths)
    _remove_empty_folders(folder, paths)


def is_held(folder: Path) -> bool:
    """Whether the journal is of a living program: what it says has landed then, unless it holds the lock, too."""
    try:
        descriptor = os.open(folder / JOURNAL, os.O_RDONLY | _JOURNAL_FLAGS)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def finish(folder: Path) -> None:
    """Let land what a program that was killed had begun. Needs the lock, and a journal that is not held."""
    try:
        landings = _read(folder / JOURNAL)
    except FileNotFoundError:  # it has settled since, which needs no lock
        return
    paths = [each.path for each in landings]
    for parent in _folders(folder, paths):
        for draft in files.drafts(parent):
            draft.unlink(missing_ok=True)
    to_land = [each for each in landings if _is_to_land(folder / each.path, each)]
    _make_folders(folder, to_land)
    for each in to_land:
        _put(folder, each, is_new=False)
    _remove_empty_folders(folder, paths)
    _sync(folder, paths)
    files.remove(folder / JOURNAL)


def version_of(content: bytes | None) -> str:
    """What tells one content of a document from another; empty for none."""
    return "" if content is None else digest(content)


def _begin(folder: Path, landings: Iterable[Landing]) -> int:
    """Say durably what is about to land; gives the journal, open and held."""
    path = folder / JOURNAL
    descriptor = os.open(path, _NEW | _JOURNAL_FLAGS, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with files.naming(path):
            files.write_all(descriptor, _text(landings))
            os.fsync(descriptor)
        files.sync_folder(folder)
    except BaseException:
        _end(folder, descriptor)
        raise
    return descriptor


def _take_back(folder: Path, moved: Sequence[Landing], paths: Collection[str], journal: int) -> None:
    """Put back what was moved. What cannot be put back now is left to the next one who takes the lock."""
    try:
        # In one stroke, so that a kill leaves one way or the other, and where a full disk has room for it.
        os.pwrite(journal, b"%d" % len(moved), 0)
        os.fsync(journal)
        for each in reversed(moved):
            _put(folder, each.back, is_new=False)
        _remove_empty_folders(folder, paths)
        _sync(folder, paths)
    except BaseException:
        os.close(journal)
        raise
    _end(folder, journal)


def _end(folder: Path, journal: int) -> None:
    """Nothing is about to land any more."""
    try:
        files.remove(folder / JOURNAL)
    finally:
        os.close(journal)


def _text(landings: Iterable[Landing]) -> bytes:
    body = json.dumps([_entry(each) for each in landings]).encode()
    return b" " * _COUNT + digest(body).encode() + b"\n" + body


def _entry(landing: Landing) -> list[Any]:
    contents = (_text_of(landing.before), _text_of(landing.after))
    return [landing.path, *contents, landing.mode, landing.owner, landing.folder_mode]


def _read(journal: Path) -> list[Landing]:
    """The landings of a journal; none when a program was killed while it wrote it, before it touched anything."""
    head, _, body = files.read(journal).partition(b"\n")
    count, checksum = head[:_COUNT].strip(), head[_COUNT:]
    if checksum.decode(errors="replace") != digest(body):
        return []
    try:
        landings = [_landing(*each) for each in json.loads(body)]
        return [each.back for each in reversed(landings[: int(count)])] if count else landings
    except (ValueError, TypeError):
        return []


def _landing(path: str, before: str | None, after: str | None, *rest: Any) -> Landing:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError(f"{path} leads out of the folder")
    return Landing(path, _bytes_of(before), _bytes_of(after), *rest)


def _text_of(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="surrogateescape")


def _bytes_of(text: str | None) -> bytes | None:
    return None if text is None else text.encode(errors="surrogateescape")


def _is_to_land(target: Path, landing: Landing) -> bool:
    """Whether what is there may be replaced: what a person has put there is newer than what a program began.

    A file that says what it shall may have failed to reach the disk, and only a new one is sure to try again.
    """
    there = next(each for each in (target, *target.parents) if os.path.lexists(each))
    if there != target:
        return landing.before is None and landing.after is not None and there.is_dir()
    if target.is_symlink() or not target.is_file():
        return False
    found, contents = files.read(target), (landing.before, landing.after)
    return found in contents or any(_is_torn(found, each) for each in contents)


def _is_torn(found: bytes, whole: bytes | None) -> bool:
    """Whether a stop of the machine can leave this of a whole: blocks of its beginning, then nothing or zeros."""
    kept = found.rstrip(b"\0")
    return whole is not None and len(found) <= len(whole) and whole.startswith(kept) and len(kept) % _BLOCK == 0


def _put(folder: Path, landing: Landing, *, is_new: bool) -> None:
    """Put one file in its place, or none at all; it need not reach the disk yet."""
    if landing.after is None:
        (folder / landing.path).unlink(missing_ok=True)
    elif is_new:
        path = f"{folder}/{landing.path}"  # a Path costs as much as the file
        _write(os.open(path, _NEW, landing.mode), path, landing, landing.after)
    else:
        descriptor, draft = files.draft_beside(folder / landing.path)
        _write(descriptor, draft, landing, landing.after)
        try:
            draft.replace(folder / landing.path)
        except BaseException:
            draft.unlink()
            raise


def _write(descriptor: int, path: str | Path, landing: Landing, content: bytes) -> None:
    """Write a new file; raise OSError, without it."""
    try:
        with files.naming(path):
            os.fchmod(descriptor, landing.mode)
            if landing.owner is not None and os.geteuid() == 0:
                os.fchown(descriptor, *landing.owner)
            files.write_all(descriptor, content)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _make_folders(folder: Path, landings: Iterable[Landing]) -> None:
    for parent, each in {Path(each.path).parent: each for each in landings if each.after is not None}.items():
        _make_folder(folder / parent, each)


def _make_folder(folder: Path, landing: Landing) -> None:
    if not folder.exists():
        _make_folder(folder.parent, landing)
        folder.mkdir(landing.folder_mode)
        if landing.owner is not None and os.geteuid() == 0:
            os.chown(folder, *landing.owner)


def _sync(folder: Path, paths: Collection[str]) -> None:
    """Wait until files, and what has changed in the folders that they are in, have reached the disk."""
    is_many = len(paths) >= _MANY
    # What is gone, as it shall be or by a hand, needs no waiting, nor does what a hand has put in its place.
    there = [] if is_many else [each for each in paths if (folder / each).is_file()]
    for path in there:
        with suppress(FileNotFoundError):
            files.sync(folder / path)
    for each in filter(Path.is_dir, _folders(folder, paths)):
        with suppress(FileNotFoundError):
            files.sync_file_system(each) if is_many else files.sync_folder(each)


def _remove_empty_folders(folder: Path, paths: Iterable[str]) -> None:
    for each in sorted(_folders(folder, paths) - {folder}, reverse=True):
        with suppress(OSError):  # it has documents, or never was
            each.rmdir()


def _folders(folder: Path, paths: Iterable[str]) -> set[Path]:
    """``folder``, and those below it that paths lead through."""
    below = {path.rpartition("/")[0] for path in paths} - {""}
    return {folder, *(folder / each for path in below for each in (Path(path), *Path(path).parents))}
