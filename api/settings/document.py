"""Where the settings' document lies, as a port: a YAML file of its own, or bound to the store of the state."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Hashable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol

import yaml

from wgreconcile.desired.documents import parse


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
    """A file of YAML, written whole or not at all. Comments do not survive a write; the store keeps them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stamp(self) -> Hashable:
        try:
            status = os.stat(self._path)  # noqa: PTH116  (half the time of Path.stat, with every request)
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def load(self) -> dict[str, Any]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return parse(text, self._path.name) if text.strip() else {}

    def save(self, data: Mapping[str, Any]) -> None:
        text = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, 0o644)
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            Path(temporary).replace(self._path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


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
