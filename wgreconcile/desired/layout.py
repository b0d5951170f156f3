"""Which files of a state folder are documents, and what betrays that one has changed since it was read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from wgreconcile.errors import Fault
from wgreconcile.values import INTERFACE_NAME, holder_of_name, is_interface_name

SUFFIX = ".yaml"
SETTINGS = "settings"
SECRETS = "secrets"
_OURS = (SUFFIX, ".yml")
_NOT_OURS = (".", "README")

Stamp = tuple[int, int, int, int]
"""Time of change, size, inode and time of the inode's change: what Git's index looks at, too."""

NO_STAMP: Stamp = (0, 0, 0, 0)


class Found(NamedTuple):
    """A document of the state folder. ``peer`` is empty for the document of an interface itself."""

    path: str
    interface: str
    peer: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Layout:
    """The documents of a state folder, in order, and what is wrong with their places.

    ``misnamed`` are interfaces whose document is there and is not read.
    """

    documents: tuple[Found, ...]
    faults: tuple[Fault, ...]
    misnamed: frozenset[str] = frozenset()


def scan(state: Path) -> Layout:
    """Find the documents of ``state``; reads no file. A folder that cannot be read is a fault."""
    scanner = _Scanner(state)
    try:
        documents = tuple(scanner.top())
    except OSError as error:
        remedy = "name an existing folder with --state, or make this one"
        return Layout((), (Fault(str(state), 0, "", f"cannot be read: {error.strerror}", remedy),))
    return Layout(documents, tuple(scanner.faults), frozenset(scanner.misnamed))


def stamps(state: Path) -> dict[str, Stamp]:
    """The stamps of all documents, and of whatever else :func:`scan` has something to say about. Raise OSError.

    Half the price of a scan, for who only wants to know whether something has changed since the last one.
    """
    found: dict[str, Stamp] = {}
    folders = [""]
    for folder in folders:
        with os.scandir(state / folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(_NOT_OURS):
                    continue
                if entry.is_dir():  # whatever its name: wg0.yaml is one that an interface may have
                    if folder:
                        found[folder + name] = NO_STAMP
                    elif name != SECRETS:
                        folders.append(f"{name}/")
                elif name.endswith(_OURS):
                    found[folder + name] = _stamp(entry)
    found.pop(SETTINGS + SUFFIX, None)
    return found


def interface_names(state: Path) -> frozenset[str]:
    """Names of the interfaces of ``state``, from the names of its files alone; empty without the folder."""
    try:
        names = [each.name for each in state.iterdir()]
    except OSError:
        return frozenset()
    stems = (each.removesuffix(SUFFIX) for each in names if each.endswith(SUFFIX) and _is_ours(each))
    return frozenset(each for each in stems if each != SETTINGS and is_interface_name(each))


def document_of(path: str, stamp: Stamp = NO_STAMP) -> Found | None:
    """The document that belongs at ``path`` below the state folder, or None when none does."""
    place = _place(path)
    return Found(path, *place, stamp) if place else None


@lru_cache(maxsize=4096)  # one write asks again and again for the same few
def _place(path: str) -> tuple[str, str] | None:
    """The interface and the peer that a document at ``path`` is of."""
    folder, _, name = path.rpartition("/")
    stem = name.removesuffix(SUFFIX)
    interface = folder or stem
    if not name.endswith(SUFFIX) or not _is_ours(name) or not is_interface_name(interface):
        return None
    if interface in (SETTINGS, SECRETS) or path.startswith("/") or not _is_peer_name(stem):
        return None
    return interface, stem if folder else ""


def why_no_interface(name: str) -> tuple[str, str]:
    """What keeps ``name`` from being that of an interface, and what to do about it; nothing when nothing does."""
    problem, remedy = "is no name that an interface can have", "give the interface another name"
    if not INTERFACE_NAME.fullmatch(name):
        return problem, "use 1 to 15 letters, digits and _ = + . -"
    if holder := holder_of_name(name):
        return f"{problem}: {holder}", remedy
    if name in (SETTINGS, SECRETS):
        return f"{problem}: {name} in the state folder is something else", remedy
    return ("", "") if _is_ours(name) else (f"{problem}: no document of that name is read", remedy)


def _is_peer_name(stem: str) -> bool:
    """The name of a file becomes the name of a peer, which must not break a line of a .conf file."""
    return stem.isprintable() and not stem.isspace() and stem != ""


class _Scanner:
    def __init__(self, state: Path) -> None:
        self.faults: list[Fault] = []
        self.misnamed: set[str] = set()
        self._state = state

    def top(self) -> Iterator[Found]:
        folders = []
        for entry in _sorted_entries(str(self._state)):
            if entry.is_dir():
                folders += [entry] if entry.name != SECRETS else []
            elif entry.name != SETTINGS + SUFFIX:
                yield from self._document(entry, "")
        for folder in folders:
            yield from self._peers(folder)

    def _peers(self, folder: os.DirEntry[str]) -> Iterator[Found]:
        try:
            entries = _sorted_entries(folder.path)
        except OSError as error:
            self._refuse(folder.name, f"cannot be read: {error.strerror}", "make it readable")
            return
        prefix, is_named = f"{folder.name}/", document_of(f"{folder.name}/peer{SUFFIX}") is not None
        for entry in entries:
            name = entry.name
            if is_named and name.endswith(SUFFIX) and _is_peer_name(name[:-5]) and not entry.is_dir():
                yield Found(prefix + name, folder.name, name[:-5], _stamp(entry))
            elif entry.is_dir():
                problem = "is a folder inside an interface's folder, where nothing is read"
                self._refuse(prefix + name, problem, "move its documents one level up")
            else:
                yield from self._document(entry, prefix)

    def _document(self, entry: os.DirEntry[str], prefix: str) -> Iterator[Found]:
        path = prefix + entry.name
        if entry.name.endswith(".yml"):
            self.misnamed.add(path[:-4])
            self._refuse(path, "ends in .yml, which is not read", f"rename it to {path[:-4]}{SUFFIX}")
        elif entry.name.endswith(SUFFIX):
            found = document_of(path, _stamp(entry))
            if found:
                yield found
            else:
                self._refuse_name(path)

    def _refuse_name(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        problem, remedy = why_no_interface(folder or name.removesuffix(SUFFIX))
        if problem:
            self._refuse(folder or path, problem, remedy)
        else:
            self._refuse(path, "is no name of one printable line", "rename it")

    def _refuse(self, path: str, problem: str, remedy: str) -> None:
        shown = "".join(each if each.isprintable() else "?" for each in path)
        self.faults.append(Fault(str(self._state / shown), 0, "", problem, remedy))


def _sorted_entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted((each for each in entries if _is_ours(each.name)), key=lambda each: each.name)


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    try:
        return stamp_of(entry.stat())
    except OSError:  # a link to nowhere: reading it says what is wrong
        return NO_STAMP


def stamp_of(stat: os.stat_result) -> Stamp:
    """The stamp of a file, that a link leads to where there is one."""
    return stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns


def _is_ours(name: str) -> bool:
    return not name.startswith(_NOT_OURS)
