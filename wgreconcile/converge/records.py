"""What wgreconcile remembers of each interface that it manages: the journal and the configuration applied last.

One file an interface, written before and after everything that could be interrupted. It decides which interfaces
are managed, why something differs, which hooks bring an interface down, and whether a run was cut short.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wgreconcile.errors import StateError
from wgreconcile.files import make_private_folder, read, remove, write_atomic
from wgreconcile.observed.conf import Conf, parse_conf_like, peer_sections


@dataclass(frozen=True, slots=True)
class Record:
    """``text``: the configuration in force. ``up``: whether the interface is to be live.

    ``running``: the wg-quick command that is under way, empty if none.
    """

    text: str = field(repr=False)
    up: bool = True
    running: tuple[str, ...] = ()

    @property
    def conf(self) -> Conf:
        """The meaning of ``text``; an empty one when a hand has spoilt it."""
        return self.conf_like("", Conf())

    def conf_like(self, text: str, conf: Conf) -> Conf:
        """As ``conf``, sooner when most of ``text`` is the same, which means ``conf``."""
        if self.text == text:
            return conf
        try:
            return parse_conf_like(self.text, "(record)", peer_sections(text, conf))
        except StateError:
            return Conf()

    @property
    def was_coming_up(self) -> bool:
        """Whether a run ended while ``wg-quick up`` was under way."""
        return "up" in self.running


class Records:
    """The records of a host, in ``<var>/interfaces/<name>.json``, readable by root alone."""

    def __init__(self, var: Path) -> None:
        self._folder = var / "interfaces"

    def names(self) -> set[str]:
        """All managed interfaces."""
        return {path.stem for path in self._folder.glob("*.json")}

    def load(self, name: str) -> Record | None:
        """The record of an interface; None when it is not managed, or not ours to read (a plan of files alone)."""
        try:
            return _record_of(json.loads(read(self._path(name)).decode("utf-8", "surrogateescape")))
        except (FileNotFoundError, PermissionError):
            return None
        except (ValueError, KeyError, TypeError):
            return Record("")

    def stamp(self, name: str) -> tuple[int, ...]:
        """What changes whenever a record is saved; empty without one."""
        try:
            found = self._path(name).stat()
        except FileNotFoundError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def save(self, name: str, record: Record) -> None:
        """Remember, durably. Raise OSError, which names the record; what was remembered is still there then."""
        path, text = self._path(name), json.dumps(asdict(record))
        try:
            make_private_folder(self._folder)
            write_atomic(path, text)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not _overwrite(path, text):
                raise OSError(error.errno, error.strerror, str(path)) from None

    def forget(self, name: str) -> None:
        """The interface is no longer managed."""
        if self._path(name).exists():
            remove(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _overwrite(path: Path, text: str) -> bool:
    """Write a record in its place, which needs no room on a full disk; False when it does not fit there."""
    data = text.encode("utf-8", "surrogateescape")
    if not path.exists() or path.stat().st_size < len(data):
        return False
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def _record_of(data: dict[str, Any]) -> Record:
    text, up, running = data["text"], data["up"], data["running"]
    if not isinstance(text, str) or not isinstance(up, bool) or not isinstance(running, list):
        raise TypeError("not a record")
    return Record(text, up, tuple(map(str, running)))
