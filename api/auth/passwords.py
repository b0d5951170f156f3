"""Password hashes: new ones are Argon2id, those of WGDashboard (bcrypt) verify."""

from __future__ import annotations

import threading

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Hashing is slow on purpose: many sign-ins at once must not take every core and much memory.
_at_once = threading.BoundedSemaphore(2)

_BCRYPT_BYTES = 72


def hash_password(password: str) -> str:
    """A hash to keep."""
    with _at_once:
        return _hasher.hash(password)


def verify_password(password_hash: str, password: str) -> bool:
    """Whether the password is the one of the hash. A hash of another kind matches nothing."""
    with _at_once:
        if password_hash.startswith("$2"):
            return _verify_bcrypt(password_hash, password)
        try:
            return _hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


def needs_new_hash(password_hash: str) -> bool:
    """Whether a hash is of an older kind than :func:`hash_password` makes."""
    return not password_hash.startswith("$argon2") or _hasher.check_needs_rehash(password_hash)


def _verify_bcrypt(password_hash: str, password: str) -> bool:
    try:
        # bcrypt looks at 72 bytes; the library that made the old hashes cut the rest off silently.
        return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], password_hash.encode())
    except ValueError:
        return False
