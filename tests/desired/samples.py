"""Keys, and a state folder to write documents into."""

from __future__ import annotations

import base64
import json
import os
import socket
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.store import Store
from wgreconcile.errors import StateError
from wgreconcile.values import PublicKey, SecretKey


def key(number: int) -> str:
    """A key of 32 bytes that is different for each number."""
    return base64.b64encode(number.to_bytes(32, "little")).decode()


def public(number: int) -> PublicKey:
    return PublicKey(key(number))


SECRET = "c2VudGluZWwgc2VjcmV0IHNlbnRpbmVsIHNlY3JldDE="
"""A key that no fault, no repr and no cache may show, not even in part."""

FROM_2040 = "schedules: [{subject: date, is: below, value: '2040-01-01', action: disable}]\n"
"""Of a peer: it is off its interface until then."""

SENTINEL = SecretKey.parse(SECRET)


def shows_secret(text: str) -> bool:
    """Whether a piece of :data:`SECRET` that is long enough to matter is in ``text``."""
    return any(SECRET[start : start + 8] in text for start in range(0, len(SECRET) - 8, 4))


def canonical(value: Any) -> str:
    """For comparison: to Python, 1 and true and 1.0 are equal; to a document they are not."""
    return json.dumps(value, sort_keys=True)


@dataclass
class Folder:
    """A state folder. ``$KEY1`` in a text stands for ``key(1)``."""

    path: Path
    cache: Path

    def write(self, path: str, text: str) -> Path:
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(with_keys(text).encode())
        return target

    def peer(self, number: int, path: str = "", text: str = "") -> Path:
        """A document of a peer with ``key(number)``."""
        return self.write(path or f"wg0/p{number}.yaml", f"public_key: {key(number)}\n{text}")

    @property
    def store(self) -> Store:
        return Store(self.path, cache=self.cache)

    def load(self) -> DesiredState:
        return self.store.load()

    def faults(self) -> list[str]:
        """The faults of the state, with paths below the folder; [] for a sound state."""
        try:
            self.load()
        except StateError as error:
            return [str(each).removeprefix(f"{self.path}/") for each in error.faults]
        return []


def make_irregular(path: Path, kind: str) -> None:
    """Put something at ``path`` that reading would not end with; a link is one to a device."""
    match kind:
        case "fifo":
            os.mkfifo(path, 0o600)
        case "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(os.path.relpath(path))  # its name must be short
        case "device":
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
        case "link":
            path.symlink_to("/dev/zero")


def with_keys(text: str) -> str:
    for number in range(9, 0, -1):
        text = text.replace(f"$KEY{number}", key(number))
    return text.replace("$SECRET", SECRET)


def clock_at(patch: pytest.MonkeyPatch, module: object, moment: datetime) -> None:
    """Let it be that moment for a module."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return moment

    patch.setattr(module, "datetime", Clock)
