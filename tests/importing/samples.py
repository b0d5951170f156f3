"""Keys for files to import, and a place to import them in."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wgreconcile.converge.site import Site
from wgreconcile.converge.survey import survey
from wgreconcile.desired.documents import parse
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.importing.importer import import_files
from wgreconcile.importing.report import ImportReport
from wgreconcile.planning.model import Plan

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


def key(number: int) -> str:
    """A public key, told from others by its number."""
    return base64.b64encode(number.to_bytes(4, "little") * 8).decode()


def secret(number: int) -> str:
    """A private or preshared key that must show nowhere but in its file."""
    raw = bytearray(hashlib.sha256(f"secret {number}".encode()).digest())
    raw[0], raw[31] = raw[0] & 248, raw[31] & 127 | 64
    return base64.b64encode(raw).decode()


SECRETS = tuple(map(secret, range(8)))


def with_keys(text: str) -> str:
    """``text`` with ``@KEY1@`` and ``@SECRET1@`` filled in."""
    text = re.sub(r"@KEY(\d+)@", lambda each: key(int(each[1])), text)
    return re.sub(r"@SECRET(\d+)@", lambda each: secret(int(each[1])), text)


def shown_secrets(text: str) -> list[str]:
    """Secrets of which a piece that is long enough to matter is in ``text``, in any case."""
    return [each for each in SECRETS if any(each[at : at + 10].lower() in text.lower() for at in range(0, 33, 4))]


@dataclass
class Place:
    """A host to import into: configuration files, a state and secrets below one folder."""

    root: Path

    def __post_init__(self) -> None:
        self.conf_dir = self.root / "conf"
        self.conf_dir.mkdir()
        self.store = Store(self.root / "state", cache=self.root / "cache")
        self.secrets = Secrets(self.root / "secrets")
        self.site = Site(self.store, self.secrets, self.conf_dir, self.root / "var")

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """A configuration file with its keys filled in."""
        path = self.conf_dir / name
        path.write_bytes(with_keys(text).encode("utf-8", "surrogateescape"))
        path.chmod(mode)
        return path

    def run(self, *paths: Path, live: Collection[str] = ("wg0",), **more: Any) -> ImportReport:
        folders = {"store": self.store, "secrets": self.secrets, "conf_dir": self.conf_dir}
        return import_files(paths, **folders, live=live, **more)

    def documents(self) -> dict[str, Any]:
        """The documents of the state as data, by path."""
        found = sorted(self.store.state.rglob("*.yaml")) if self.store.state.exists() else []
        return {str(each.relative_to(self.store.state)): parse(each.read_text(), each.name) for each in found}

    def kept(self) -> dict[str, str]:
        """The keys of the secret folder, by path."""
        folder = self.secrets.folder
        found = (
            sorted(each for each in folder.rglob("*") if each.is_file() and each.name != ".gitignore")
            if folder.exists()
            else []
        )
        return {str(each.relative_to(folder)): each.read_text().strip() for each in found}

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Every file but the store's memory, with its mode."""
        files = (
            each
            for each in self.root.rglob("*")
            if each.is_file() and each.name != ".gitignore" and "cache" not in each.parts
        )
        return {str(each): (each.stat().st_mode, each.read_bytes()) for each in files}

    def plan(self) -> Plan:
        """What an apply would change in files."""
        return survey(self.site, [], NOW, offline=True).plan
