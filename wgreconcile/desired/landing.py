"""Documents that land in the state folder together: all of them, also when the program is killed in between.

Each is written beside its place first. Several at once are named in a journal before the first one moves into its
place; whoever finds the journal of a program that has died moves the others, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wgreconcile import files
from wgreconcile.desired.memory import digest

JOURNAL = ".wgreconcile-save"
_SYNCED_AT_ONCE = 8
"""A disk that is asked for eight files together writes them in hardly more time than one."""


@dataclass(frozen=True, slots=True)
class Landing:
    """A document on its way from one content to another; None is no document."""

    path: str
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)
    mode: int = 0o644
    owner: tuple[int, int] | None = None


def land(state: Path, landings: Sequence[Landing]) -> None:
    """Put all documents in their places, durably. Raise OSError, with none of them in its place."""
    drafts: dict[str, Path] = {}
    moved: list[Landing] = []
    try:
        _write_drafts(state, landings, drafts)
        if len(landings) > 1:
            _write_journal(state, landings, drafts)
        for each in landings:
            _move(state / each.path, drafts.get(each.path))
            moved.append(each)
        _sync(state, (each.path for each in landings))
    except BaseException:
        _take_back(state, moved)
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        raise
    finally:
        (state / JOURNAL).unlink(missing_ok=True)
        _remove_empty_folders(state, (each.path for each in landings))


def finish(state: Path) -> None:
    """Let land what a program that was killed had begun to move. Needs the lock; most often there is nothing."""
    try:
        entries = json.loads((state / JOURNAL).read_bytes())
    except FileNotFoundError:
        return
    for path, draft, before in entries:
        target = state / path
        is_ours = version_of(files.read(target) if target.exists() else None) == before
        if draft is None and is_ours:
            target.unlink(missing_ok=True)
        elif draft is not None and (state / draft).exists():
            # What a person has written since is newer than what a program had begun.
            _move(target, state / draft) if is_ours else (state / draft).unlink()
    _sync(state, (path for path, *_ in entries))
    (state / JOURNAL).unlink()
    _remove_empty_folders(state, (path for path, *_ in entries))


def version_of(content: bytes | None) -> str:
    """What tells one content of a document from another; empty for none."""
    return "" if content is None else digest(content)


def _write_drafts(state: Path, landings: Iterable[Landing], drafts: dict[str, Path]) -> None:
    """Write all contents into hidden files beside their places, and wait for the disk once."""
    descriptors: list[int] = []
    try:
        for each in landings:
            if each.after is not None:
                target = state / each.path
                _make_folder(target.parent, each.owner)
                descriptor, drafts[each.path] = files.draft_beside(target)
                descriptors.append(descriptor)
                _fill(descriptor, target, each)
        if len(descriptors) > 1:
            with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
                list(pool.map(os.fsync, descriptors))
        else:
            list(map(os.fsync, descriptors))
    finally:
        for each_descriptor in descriptors:
            os.close(each_descriptor)


def _fill(descriptor: int, target: Path, landing: Landing) -> None:
    os.fchmod(descriptor, landing.mode)
    if landing.owner is not None and os.geteuid() == 0:
        os.fchown(descriptor, *landing.owner)
    with files.naming(target), os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(landing.after or b"")


def _write_journal(state: Path, landings: Iterable[Landing], drafts: dict[str, Path]) -> None:
    places = {path: str(draft.relative_to(state)) for path, draft in drafts.items()}
    entries = [[each.path, places.get(each.path), version_of(each.before)] for each in landings]
    for folder in {draft.parent for draft in drafts.values()}:
        files.sync_folder(folder)
    files.write_atomic(state / JOURNAL, json.dumps(entries))


def _move(target: Path, draft: Path | None) -> None:
    if draft is None:
        target.unlink(missing_ok=True)
    else:
        draft.replace(target)


def _take_back(state: Path, moved: Sequence[Landing]) -> None:
    for each in reversed(moved):
        with suppress(OSError):
            land(state, [Landing(each.path, each.after, each.before, each.mode, each.owner)])


def _make_folder(folder: Path, owner: tuple[int, int] | None) -> None:
    if not folder.exists():
        folder.mkdir()
        if owner is not None and os.geteuid() == 0:
            os.chown(folder, *owner)


def _sync(state: Path, paths: Iterable[str]) -> None:
    """Make it durable that files came into folders, and folders into the state folder, or went."""
    folders = {(state / path).parent for path in paths}
    for folder in folders | ({state} if folders - {state} else set()):
        if folder.exists():
            files.sync_folder(folder)


def _remove_empty_folders(state: Path, paths: Iterable[str]) -> None:
    for folder in {(state / path).parent for path in paths} - {state}:
        with suppress(OSError):  # it has documents, or never was
            folder.rmdir()
