"""Secrets that the database may hold only in a form that is useless without a key kept elsewhere."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wgreconcile.api.runtime.database import Database
from wgreconcile.errors import UsageError

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Seal:
    """Finds secrets by a keyed digest and shows them again, both only with the server's key.

    ``purpose`` keeps secrets of different kinds apart: what was sealed for one is not opened for another.
    """

    def __init__(self, key: bytes) -> None:
        self._mac_key = hmac.digest(key, b"wgreconcile mac", "sha256")
        self._cipher = AESGCM(hmac.digest(key, b"wgreconcile seal", "sha256"))

    def mac(self, purpose: str, secret: str) -> bytes:
        """What a secret is found by."""
        return hmac.digest(self._mac_key, f"{purpose}\0{secret}".encode(), "sha256")

    def seal(self, purpose: str, secret: str) -> bytes:
        """The secret encrypted, different each time."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> str:
        """The secret again. Raise UsageError when it was altered or sealed for something else."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, purpose.encode()).decode()
        except InvalidTag:
            raise UsageError("a sealed value of the runtime database was altered; restore a backup") from None


def open_seal(database: Database, key_file: Path) -> Seal:
    """The seal of a database. The key is made on first use, in ``key_file``, mode 0600.

    Raise UsageError when the file is missing or holds another key than the database was sealed with: going on
    would lose every API key and the second factor without a word.
    """
    proof = database.read_one("SELECT proof FROM server_key")
    key = _read_key(key_file)
    if proof is None and not key:
        # Nothing is sealed yet: what is there is what a start that was killed has left.
        key_file.unlink(missing_ok=True)
        _write_key(key_file)
        key = _read_key(key_file)
    if not key:
        raise UsageError(f"{key_file} holds no key of the runtime database; restore it from a backup")
    seal = Seal(key)
    own_proof = seal.mac("server key", "proof")
    if proof is None:
        with database.write() as connection:
            connection.execute("INSERT INTO server_key VALUES (1, ?)", (own_proof,))
    elif not hmac.compare_digest(proof[0], own_proof):
        raise UsageError(f"{key_file} is not the key of the runtime database; restore it from a backup")
    return seal


def token_hash(token: str) -> bytes:
    """What a random token is found by. It has 256 bits, so nothing slower or keyed is needed."""
    return hashlib.sha256(token.encode()).digest()


def _read_key(path: Path) -> bytes:
    """The key; empty when the file holds none."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return b""
    return key if len(key) == _KEY_BYTES else b""


def _write_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
