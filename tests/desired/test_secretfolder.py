from __future__ import annotations

import os
from pathlib import Path

import pytest

from wgreconcile.desired import keyfiles
from wgreconcile.desired.secretfolder import Unusable, check_name, opened
from wgreconcile.values import SecretKey

from .samples import SECRET, SENTINEL, key, make_irregular, shows_secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A secret folder with the sentinel key in ``wg0.key``."""
    keyfiles.add(tmp_path / "secrets", {"wg0.key": SENTINEL})
    return tmp_path / "secrets"


def read(folder: Path, name: str) -> SecretKey | None:
    with opened(folder) as reader:
        return reader.read(name)


def test_a_file_that_does_not_exist_has_no_key(folder: Path, tmp_path: Path) -> None:
    assert read(folder, "none.key") is None
    assert read(folder, "none/none.key") is None
    assert read(folder, "wg0.key/none") is None
    assert read(tmp_path / "none", "wg0.key") is None


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", ".", "..", "a/..", "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(folder: Path, name: str) -> None:
    for attempt in (lambda: check_name(name), lambda: read(folder, name)):
        with pytest.raises(Unusable, match="names no file below the secret folder"):
            attempt()


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o610, 0o601, 0o666])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(folder: Path, bits: int) -> None:
    (folder / "wg0.key").chmod(bits)
    with pytest.raises(Unusable, match="is open to other users") as caught:
        read(folder, "wg0.key")
    assert caught.value.remedy == f"chmod 600 {folder}/wg0.key"


@pytest.mark.parametrize("bits", [0o755, 0o750, 0o701])
def test_a_folder_that_others_may_enter_is_refused_with_the_remedy(folder: Path, bits: int) -> None:
    folder.chmod(bits)
    with pytest.raises(Unusable) as caught:
        read(folder, "wg0.key")
    assert caught.value.remedy == f"chmod 700 {folder}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_another_user_is_refused(folder: Path) -> None:
    os.chown(folder / "wg0.key", 12345, 12345)
    with pytest.raises(Unusable, match="belongs to another user"):
        read(folder, "wg0.key")
    os.chown(folder, 12345, 12345)
    with pytest.raises(Unusable, match="belongs to another user"):
        read(folder, "wg0.key")


@pytest.mark.parametrize(
    "content",
    ["", "\n", "key", SECRET[:-1], f"{SECRET} # a comment", f"{SECRET}\n{SECRET}\n", "\xff", SECRET * 50],
)
def test_what_is_no_key_is_refused_without_being_quoted(folder: Path, content: str) -> None:
    (folder / "wg0.key").write_bytes(content.encode("latin-1"))
    with pytest.raises(Unusable, match=r"wg0\.key does not hold a key") as caught:
        read(folder, "wg0.key")
    assert not shows_secret(f"{caught.value} {caught.value.remedy}")
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize("content", [f"{SECRET}", f"{SECRET}\n", f" {SECRET}\r\n"])
def test_space_around_a_key_is_no_matter(folder: Path, content: str) -> None:
    (folder / "wg0.key").write_bytes(content.encode())
    assert read(folder, "wg0.key") == SENTINEL


def test_what_is_no_regular_file_is_refused_at_once(folder: Path) -> None:
    for name in ("fifo", "socket", "device"):
        make_irregular(folder / name, name)
    (folder / "below").mkdir(mode=0o700)
    for name in ("fifo", "socket", "device", "below"):
        with pytest.raises(Unusable, match="is not a file"):
            read(folder, name)
    with pytest.raises(Unusable, match="cannot be opened"), opened(folder / "wg0.key"):
        pass


def test_a_link_is_followed(folder: Path, tmp_path: Path) -> None:
    keyfiles.add(tmp_path / "other", {"real.key": SecretKey(key(1))})
    (folder / "link.key").symlink_to(tmp_path / "other" / "real.key")
    assert read(folder, "link.key") == SecretKey(key(1))


def test_no_descriptor_stays_open(folder: Path) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(3):
        read(folder, "wg0.key")
        (folder / "wg0.key").chmod(0o644)
        with pytest.raises(Unusable):
            read(folder, "wg0.key")
        (folder / "wg0.key").chmod(0o600)
    assert len([*Path("/proc/self/fd").iterdir()]) == before
