"""Files that land in a folder together: all of them, also when the program is killed in between.

Each is written beside its place first. A journal is there before the first of these drafts; when they are all on
the disk, it says which of them moves where. Whoever takes the folder's lock next and finds the journal of a killed
program moves the others, too; or, when that had not come so far, removes the drafts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from wgreconcile import files
from wgreconcile.desired.memory import digest

JOURNAL = ".wgreconcile-save"


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


def land(folder: Path, landings: Sequence[Landing]) -> None:
    """Put all documents in their places, durably. Needs the lock. Raise OSError, with none of them there."""
    moved: list[Landing] = []
    with _begun(folder, landings) as drafts:
        _write(folder, landings, drafts)
        try:
            if len(landings) > 1:
                _write_journal(folder, landings, drafts)
            for each in landings:
                _move(folder / each.path, drafts.get(each.path))
                drafts.pop(each.path, None)
                moved.append(each)
            _sync(folder, (each.path for each in landings))
        except BaseException:
            with suppress(OSError):  # the first error is the one to tell
                _take_back(folder, moved)
            raise


def land_new(folder: Path, landings: Sequence[Landing]) -> None:
    """Put new files in their places, durably, and none over one that is there. Needs the lock.

    A kill leaves some of them, each whole. Raise FileExistsError and OSError, with none of them in its place.
    """
    made: list[Path] = []
    with _begun(folder, landings) as drafts:
        _write(folder, landings, drafts)
        try:
            for path, draft in drafts.items():
                os.link(draft, folder / path)  # unlike a rename, it fails when the target exists
                made.append(folder / path)
            _sync(folder, drafts)
        except BaseException:
            for target in made:
                target.unlink(missing_ok=True)
            raise


def remove(folder: Path, paths: Collection[str]) -> None:
    """Remove files, durably, and folders that become empty. It is no error when one is gone. Needs the lock."""
    for path in paths:
        (folder / path).unlink(missing_ok=True)
    _sync(folder, paths)
    _remove_empty_folders(folder, paths)


def finish(folder: Path) -> None:
    """Let land what a program that was killed had begun to move. Needs the lock; most often there is nothing."""
    try:
        journal = json.loads((folder / JOURNAL).read_bytes())
    except FileNotFoundError:
        return
    except ValueError:  # it was killed while it wrote this, before it wrote anything else
        journal = {"moves": [], "paths": []}
    for path, draft, before in journal["moves"]:
        target = folder / path
        # What a person has written since is newer than what a program had begun.
        is_ours = version_of(files.read(target) if target.exists() else None) == before
        if is_ours and (draft is None or (folder / draft).exists()):
            _move(target, folder / draft if draft else None)
    _sync(folder, journal["paths"])
    _clear(folder, files.drafts(folder, below=True), journal["paths"])


def version_of(content: bytes | None) -> str:
    """What tells one content of a document from another; empty for none."""
    return "" if content is None else digest(content)


@contextmanager
def _begun(folder: Path, landings: Sequence[Landing]) -> Iterator[dict[str, Path]]:
    """Gives a table for the drafts, by the path of what they become; in the end they are all moved or gone."""
    drafts: dict[str, Path] = {}
    paths = [each.path for each in landings]
    try:
        # It need not survive the machine: it is for a program that is killed.
        with files.naming(folder):
            (folder / JOURNAL).write_text(_journal((), {}, paths))
        yield drafts
    finally:
        _clear(folder, drafts.values(), paths)


def _clear(folder: Path, drafts: Iterable[Path], paths: Iterable[str]) -> None:
    for each in (*drafts, folder / JOURNAL):
        each.unlink(missing_ok=True)
    _remove_empty_folders(folder, paths)


def _write(folder: Path, landings: Iterable[Landing], drafts: dict[str, Path]) -> None:
    """Write all contents into drafts, and wait for the disk once."""
    for parent, each in {
        each.path.rpartition("/")[0]: each for each in landings if each.after is not None
    }.items():
        _make_folder(folder / parent, each)
    for each in landings:
        if each.after is not None:
            target = folder / each.path
            descriptor, drafts[each.path] = files.draft_beside(target)
            with files.naming(target):
                _fill(descriptor, each, each.after)
    files.sync_all([*drafts.values()])


def _fill(descriptor: int, landing: Landing, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, landing.mode)
        if landing.owner is not None and os.geteuid() == 0:
            os.fchown(descriptor, *landing.owner)
        file.write(content)
        file.flush()
        files.begin_sync(descriptor)


def _write_journal(folder: Path, landings: Collection[Landing], drafts: Mapping[str, Path]) -> None:
    """Say durably that documents are about to move."""
    places = {path: str(draft.relative_to(folder)) for path, draft in drafts.items()}
    for parent in _folders(folder, drafts) - {folder}:
        files.sync_folder(parent)
    files.write_atomic(folder / JOURNAL, _journal(landings, places, [each.path for each in landings]))


def _journal(landings: Iterable[Landing], drafts: Mapping[str, str], paths: Collection[str]) -> str:
    moves = [[each.path, drafts.get(each.path), version_of(each.before)] for each in landings]
    return json.dumps({"moves": moves, "paths": paths})


def _move(target: Path, draft: Path | None) -> None:
    if draft is None:
        target.unlink(missing_ok=True)
    else:
        draft.replace(target)


def _take_back(folder: Path, moved: Iterable[Landing]) -> None:
    """Move back what was moved; once the journal says so, a kill leads back, too."""
    back = [replace(each, before=each.after, after=each.before) for each in moved]
    drafts: dict[str, Path] = {}
    try:
        _write(folder, back, drafts)
        _write_journal(folder, back, drafts)
        for each in back:
            _move(folder / each.path, drafts.get(each.path))
        _sync(folder, (each.path for each in back))
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _make_folder(folder: Path, landing: Landing) -> None:
    if not folder.exists():
        _make_folder(folder.parent, landing)
        folder.mkdir(landing.folder_mode)
        if landing.owner is not None and os.geteuid() == 0:
            os.chown(folder, *landing.owner)


def _sync(folder: Path, paths: Iterable[str]) -> None:
    """Make it durable that files came into folders, and folders into the folder above, or went."""
    for each in _folders(folder, paths):
        if each.exists():
            files.sync_folder(each)


def _remove_empty_folders(folder: Path, paths: Iterable[str]) -> None:
    for each in sorted(_folders(folder, paths) - {folder}, reverse=True):
        with suppress(OSError):  # it has documents, or never was
            each.rmdir()


def _folders(folder: Path, paths: Iterable[str]) -> set[Path]:
    """``folder``, and those below it that paths lead through."""
    below = {path.rpartition("/")[0] for path in paths} - {""}
    return {folder, *(folder / each for path in below for each in (Path(path), *Path(path).parents))}
