"""Where the settings' document lies, as a port: ``settings.yaml`` in the state folder, or nowhere for tests."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol

from wgreconcile.desired import saving
from wgreconcile.desired.documents import parse
from wgreconcile.desired.edit import edit
from wgreconcile.desired.emit import dump
from wgreconcile.errors import Fault, StateError


class SettingsDocument(Protocol):
    """One document. Calls come one at a time, except :meth:`stamp`."""

    def stamp(self) -> Hashable:
        """A value that changes with the document; cheap, since it is asked for with every request."""
        ...

    def load(self) -> dict[str, Any]:
        """The document, empty when there is none. Raise StateError when it is no YAML."""
        ...

    def save(self, data: Mapping[str, Any]) -> None:
        """Replace the document."""
        ...


class YamlFile:
    """A file of YAML, written as documents beside it are. An edit leaves comments and order as they are."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stamp(self) -> Hashable:
        try:
            status = os.stat(self._path)  # noqa: PTH116  (half the time of Path.stat, with every request)
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def load(self) -> dict[str, Any]:
        text = self._text()
        return {} if _says_nothing(text) else parse(text, self._path.name)

    def save(self, data: Mapping[str, Any]) -> None:
        state, name = self._path.parent, self._path.name
        with saving.locked(state, exclusive=True):
            before = self._text()
            after = before + dump(data) if _says_nothing(before) else edit(before, data)
            saving.write(state, [saving.Planner(state).plan(name, after.encode())]).settle()

    def _text(self) -> str:
        if self._path.exists() and not self._path.is_file():  # reading a FIFO or a device may never end
            problem, remedy = "is not a regular file", "put one in its place"
            raise StateError([Fault(self._path.name, 0, "", problem, remedy)])
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                return file.read()
        except FileNotFoundError:
            if not self._path.parent.is_dir():
                problem, remedy = "is gone with its folder", "bring the folder back"
                raise StateError([Fault(str(self._path), 0, "", problem, remedy)]) from None
            return ""
        except UnicodeDecodeError:
            raise StateError([Fault(self._path.name, 0, "", "is not UTF-8", "save it as UTF-8")]) from None


def _says_nothing(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())


class InMemory:
    """A document that nobody keeps, for tests and trials."""

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        self._data = deepcopy(dict(data or {}))
        self._version = 0
        self._lock = threading.Lock()

    def stamp(self) -> Hashable:
        return self._version

    def load(self) -> dict[str, Any]:
        return deepcopy(self._data)

    def save(self, data: Mapping[str, Any]) -> None:
        with self._lock:
            self._data = deepcopy(dict(data))
            self._version += 1
