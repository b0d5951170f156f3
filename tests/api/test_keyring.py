"""Keys that the state refers to, looked up for answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgreconcile.api.keyring import Keyring
from wgreconcile.desired.model import Interface, Secret, SecretEnv, SecretFile
from wgreconcile.desired.secrets import Secrets
from wgreconcile.values import SecretKey, generate_secret_key, public_key_of

ONE, TWO = generate_secret_key(), generate_secret_key()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    Secrets(folder).write("wg0/ann.key", ONE)
    return folder


@pytest.fixture
def ring(folder: Path) -> Keyring:
    return Keyring(Secrets(folder, environment={"GOOD": TWO.reveal(), "BAD": "x"}))


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (None, None),
        (SecretFile("wg0/ann.key"), ONE),
        (SecretFile("nope.key"), None),
        (SecretFile("nope.key", generate=True), None),
        (SecretEnv("GOOD"), TWO),
        (SecretEnv("BAD"), None),
        (SecretEnv("NONE"), None),
        (TWO, TWO),
    ],
)
def test_text(ring: Keyring, secret: Secret | None, key: SecretKey | None) -> None:
    for _ in range(2):
        assert ring.text(secret) == (key.reveal() if key else "")


def test_a_file_that_comes_goes_and_changes(ring: Keyring, folder: Path) -> None:
    path, secret = folder / "wg0/ann.key", SecretFile("wg0/ann.key")
    assert ring.text(secret) == ONE.reveal()
    path.write_text(TWO.reveal())
    assert ring.text(secret) == ONE.reveal(), "it was read a moment ago"
    assert ring.text(secret, recent=0) == TWO.reveal()
    path.unlink()
    assert ring.text(secret, recent=0) == ""
    path.write_text(ONE.reveal())
    path.chmod(0o600)
    assert ring.text(secret) == ONE.reveal()


def test_a_new_peer_gets_none_of_one_that_was_called_the_same(ring: Keyring, folder: Path) -> None:
    assert ring.text(SecretFile("wg0/ann.key")) == ONE.reveal()
    (folder / "wg0/ann.key").write_text(TWO.reveal())
    assert ring.text(SecretFile("wg0/ann.key")) == TWO.reveal()


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_one_that_others_can_read_is_none(ring: Keyring, folder: Path, mode: int) -> None:
    (folder / "wg0/ann.key").chmod(mode)
    assert ring.text(SecretFile("wg0/ann.key")) == ""


def test_pair_of_an_interface(ring: Keyring, folder: Path) -> None:
    assert (ring.private_key(Interface("wg0")), ring.public_key(Interface("wg0"))) == ("", "")
    Secrets(folder).write("wg0.key", ONE)
    assert ring.private_key(Interface("wg0")) == ONE.reveal()
    assert ring.public_key(Interface("wg0")) == public_key_of(ONE)
    assert ring.public_key(Interface("wg0", private_key=TWO)) == public_key_of(TWO)


def test_nothing_of_it_prints(ring: Keyring) -> None:
    ring.text(SecretFile("wg0/ann.key"))
    assert ONE.reveal() not in repr(ring._known)
