"""Keys that the state refers to, as text, for answers to those who may see them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from functools import lru_cache

from wgreconcile.desired import secretfolder
from wgreconcile.desired.model import Interface, Secret, SecretFile
from wgreconcile.desired.secretfolder import Unusable
from wgreconcile.desired.secrets import Secrets, private_key_of
from wgreconcile.errors import StateError
from wgreconcile.values import PublicKey, SecretKey, public_key_of

RECENT = 2.0
"""Seconds for which an interface's key that was read counts as what its file holds."""
RECENT_OF_PEER = 600.0
"""The same for the keys of peers: there are thousands of them, and hardly anybody replaces one by hand."""


@dataclass(frozen=True, slots=True)
class _Known:
    secret: SecretFile
    text: str = field(repr=False)
    stamp: tuple[int, ...]
    at: float


class Keyring:
    """Looks keys up in the secret folder and the environment, and remembers those that it has seen.

    A key that is not there, or that others could read, is empty text: an answer without it is still an answer,
    and the reconciler says what is wrong. Safe to use from many threads.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._folder = str(secrets.folder)
        self._known: dict[str, _Known] = {}

    def text(self, secret: Secret | None, recent: float = RECENT_OF_PEER) -> str:
        """The key in base64; empty without one. What was read ``recent`` seconds ago is not looked at again.

        Unless another reference leads there: a new peer, whose files are called as those of one that has gone.
        """
        if secret is None:
            return ""
        if isinstance(secret, SecretFile):
            known = self._known.get(secret.name)
            if known is not None and known.secret is secret and time.monotonic() - known.at < recent:
                return known.text
            return self._look(secret, known)
        try:
            return self._secrets.resolve(secret, "").reveal()
        except StateError:
            return ""

    def private_key(self, interface: Interface) -> str:
        """The private key of an interface; empty while it is still to be made."""
        return self.text(private_key_of(interface), RECENT)

    def public_key(self, interface: Interface) -> str:
        """The public key of an interface; empty while its private key is still to be made."""
        text = self.private_key(interface)
        return _public_key(SecretKey(text)) if text else ""

    def _look(self, secret: SecretFile, known: _Known | None) -> str:
        name, now = secret.name, time.monotonic()
        try:
            status = os.stat(f"{self._folder}/{name}")  # noqa: PTH116  (half the time of Path.stat)
        except OSError:
            self._known.pop(name, None)
            return ""
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns, status.st_mode)
        text = known.text if known is not None and known.stamp == stamp else self._read(name)
        if text:
            self._known[name] = _Known(secret, text, stamp, now)
        return text

    def _read(self, name: str) -> str:
        try:
            with secretfolder.opened(self._secrets.folder) as reader:
                key = reader.read(name)
        except Unusable:
            return ""
        return key.reveal() if key else ""


@lru_cache(maxsize=1024)
def _public_key(private_key: SecretKey) -> PublicKey:
    return public_key_of(private_key)
