from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wgreconcile.desired import secretfolder
from wgreconcile.desired.secretfolder import Unusable, check_name, clear_drafts, opened, write
from wgreconcile.errors import ConflictError
from wgreconcile.values import SecretKey

from .samples import SECRET, SENTINEL, key, make_irregular, shows_secret


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A secret folder with the sentinel key in ``wg0.key``."""
    write(tmp_path / "secrets", "wg0.key", SENTINEL)
    return tmp_path / "secrets"


def read(folder: Path, name: str) -> SecretKey | None:
    with opened(folder) as reader:
        return reader.read(name)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_kept_for_its_owner_alone(folder: Path) -> None:
    write(folder, "wg0/peers/alice.psk", SecretKey(key(1)))
    assert read(folder, "wg0.key") == SENTINEL
    assert read(folder, "wg0/peers/alice.psk") == SecretKey(key(1))
    assert [mode(each) for each in (folder, folder / "wg0", folder / "wg0" / "peers")] == [0o700] * 3
    assert mode(folder / "wg0.key") == mode(folder / "wg0" / "peers" / "alice.psk") == 0o600


def test_the_umask_does_not_open_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "secrets", "a/b.key", SENTINEL)
    finally:
        os.umask(before)
    assert [mode(tmp_path / "secrets" / each) for each in (".", "a", "a/b.key")] == [0o700, 0o700, 0o600]


def test_a_key_is_never_overwritten(folder: Path) -> None:
    with pytest.raises(ConflictError) as caught:
        write(folder, "wg0.key", SecretKey(key(1)))
    assert str(folder / "wg0.key") in str(caught.value)
    assert read(folder, "wg0.key") == SENTINEL
    write(folder, "wg0.key", SENTINEL)


def test_of_many_writers_one_wins_and_no_draft_stays(folder: Path) -> None:
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            write(folder, "race.key", SecretKey(key(number)))
            outcomes.append("won")
        except ConflictError:
            outcomes.append("lost")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(1, 9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert sorted(each.name for each in folder.iterdir()) == [".gitignore", "race.key", "wg0.key"]


def test_a_write_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        write(folder, "new.key", SecretKey(key(1)))
    assert sorted(each.name for each in folder.iterdir()) == [".gitignore", "wg0.key"]


KILLED = """
import os, signal, sys
from pathlib import Path
from wgreconcile.desired import secretfolder
from wgreconcile.values import SecretKey
os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
secretfolder.write(Path(sys.argv[1]), "wg0/alice.psk", SecretKey(sys.argv[2]))
"""


def test_what_a_killed_writer_leaves_is_cleared_away_unless_another_one_writes(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), key(1)], check=False)
    assert done.returncode == -signal.SIGKILL
    (draft,) = [path for path in (folder / "wg0").iterdir() if path.read_text() == f"{key(1)}\n"]
    with secretfolder._writing(folder):
        clear_drafts(folder)
        assert draft.exists()
    clear_drafts(folder)
    assert [*(folder / "wg0").iterdir()] == []
    assert read(folder, "wg0.key") == SENTINEL


def test_without_a_folder_there_is_nothing_to_clear_away(tmp_path: Path) -> None:
    clear_drafts(tmp_path / "none")


def test_no_key_gets_into_git_by_accident(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    write(tmp_path / "keys", "wg0.key", SecretKey(key(1)))
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    staged = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True)
    assert staged.stdout == b""


def test_a_file_that_does_not_exist_has_no_key(folder: Path, tmp_path: Path) -> None:
    assert read(folder, "none.key") is None
    assert read(folder, "none/none.key") is None
    assert read(folder, "wg0.key/none") is None
    assert read(tmp_path / "none", "wg0.key") is None


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", ".", "..", "a/..", "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(folder: Path, name: str) -> None:
    for attempt in (
        lambda: check_name(name),
        lambda: read(folder, name),
        lambda: write(folder, name, SENTINEL),
    ):
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
    for attempt in (lambda: read(folder, "wg0.key"), lambda: write(folder, "new.key", SENTINEL)):
        with pytest.raises(Unusable) as caught:
            attempt()
        assert caught.value.remedy == f"chmod 700 {folder}"
    assert not (folder / "new.key").exists()


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
    write(tmp_path / "other", "real.key", SecretKey(key(1)))
    (folder / "link.key").symlink_to(tmp_path / "other" / "real.key")
    assert read(folder, "link.key") == SecretKey(key(1))


def test_no_descriptor_stays_open(folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        read(folder, "wg0.key")
        write(folder, "wg0.key", SENTINEL)
        (folder / "wg0.key").chmod(0o644)
        with pytest.raises(Unusable):
            read(folder, "wg0.key")
        (folder / "wg0.key").chmod(0o600)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert secretfolder.__doc__
