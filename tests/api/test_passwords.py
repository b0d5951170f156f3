"""Password hashes."""

from __future__ import annotations

import bcrypt
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from wgreconcile.api.auth import passwords
from wgreconcile.api.auth.passwords import hash_password, needs_new_hash, verify_password

SLOW = passwords._hasher


def test_new_hashes_are_argon2id_with_the_recommended_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", SLOW)
    effort = extract_parameters(hash_password("secret"))
    assert effort.type is Type.ID
    assert (effort.memory_cost, effort.time_cost) >= (19 * 1024, 2)


def test_verify() -> None:
    hashed = hash_password("secret")
    assert hashed != hash_password("secret")
    assert verify_password(hashed, "secret")
    assert not verify_password(hashed, "Secret")
    assert not needs_new_hash(hashed)


@pytest.mark.parametrize("password", ["secret", "ünï", "x" * 72])
def test_hashes_of_wgdashboard(password: str) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    assert verify_password(hashed, password)
    assert not verify_password(hashed, "other")
    assert needs_new_hash(hashed)


@pytest.mark.parametrize("hashed", ["", "plain", "$2b$", "$2b$12$short", "$argon2id$", "$argon2id$v=19$m=1"])
def test_what_is_no_hash_matches_nothing(hashed: str) -> None:
    assert not verify_password(hashed, "")
    assert not verify_password(hashed, hashed)


def test_weaker_hash_is_renewed() -> None:
    assert needs_new_hash(PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash("secret"))
