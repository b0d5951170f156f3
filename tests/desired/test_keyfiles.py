"""Keys that come and go together, in files that nobody else may read."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from wgreconcile.desired import landing
from wgreconcile.desired.keyfiles import add, land, remove
from wgreconcile.desired.landing import JOURNAL, Landed, Landing
from wgreconcile.desired.secretfolder import opened
from wgreconcile.errors import ConflictError, StateError
from wgreconcile.values import SecretKey

from ..killing import is_killed_at
from .samples import SENTINEL, key

ONE, TWO = SecretKey(key(1)), SecretKey(key(2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A secret folder with the sentinel key in ``wg0.key``."""
    add(tmp_path / "secrets", {"wg0.key": SENTINEL})
    return tmp_path / "secrets"


def read(folder: Path, name: str) -> SecretKey | None:
    with opened(folder) as reader:
        return reader.read(name)


def names(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_kept_for_their_owner_alone(folder: Path) -> None:
    assert add(folder, {"wg0/peers/alice.psk": ONE, "wg1.key": TWO}) == ("wg0/peers/alice.psk", "wg1.key")
    assert [read(folder, each) for each in ("wg0.key", "wg0/peers/alice.psk", "wg1.key")] == [SENTINEL, ONE, TWO]
    assert [mode(each) for each in (folder, folder / "wg0", folder / "wg0" / "peers")] == [0o700] * 3
    assert mode(folder / "wg0.key") == mode(folder / "wg0" / "peers" / "alice.psk") == 0o600


def test_the_umask_does_not_open_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        add(tmp_path / "secrets", {"a/b.key": SENTINEL})
    finally:
        os.umask(before)
    assert [mode(tmp_path / "secrets" / each) for each in (".", "a", "a/b.key")] == [0o700, 0o700, 0o600]


def test_a_key_is_never_overwritten_and_the_same_one_is_taken_as_it_is(folder: Path) -> None:
    with pytest.raises(ConflictError) as caught:
        add(folder, {"new.key": ONE, "wg0.key": ONE})
    assert str(caught.value) == f"{folder}/wg0.key exists and holds another key; it is not overwritten"
    assert read(folder, "wg0.key") == SENTINEL
    assert add(folder, {"new.key": ONE, "wg0.key": SENTINEL}) == ("new.key",)


@pytest.mark.parametrize("come", [1, 2])
def test_a_key_that_comes_meanwhile_is_not_overwritten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, come: int
) -> None:
    """The first time it is found by the file that cannot be made, the second time there is no more looking."""
    real, attempts = landing.land, []

    def land(folder: Path, landings: Sequence[Landing]) -> Landed:
        attempts.append(landings)
        if len(attempts) == come:
            (folder / "b.key").touch(0o600)
            (folder / "b.key").write_text(SENTINEL.reveal())
        return real(folder, landings)

    monkeypatch.setattr(landing, "land", land)
    with pytest.raises(ConflictError, match=r"/b\.key exists"):
        add(folder, {"a.key": ONE, "wg0.key": SENTINEL, "b.key": TWO})
    assert names(folder) == [".gitignore", "b.key", "wg0.key"]
    assert read(folder, "b.key") == SENTINEL


def test_of_many_writers_one_wins_and_no_draft_stays(folder: Path) -> None:
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            add(folder, {"race.key": SecretKey(key(number))})
            outcomes.append("won")
        except ConflictError:
            outcomes.append("lost")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(1, 9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert names(folder) == [".gitignore", "race.key", "wg0.key"]


def test_a_write_that_fails_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        add(folder, {"new.key": ONE, "wg0/new.psk": TWO})
    assert names(folder) == [".gitignore", "wg0.key"]


def test_more_keys_than_a_process_may_have_files_open(folder: Path) -> None:
    before = set(names(folder))
    limited = """if True:
        import resource, sys
        from pathlib import Path
        from wgreconcile.desired.keyfiles import add
        from wgreconcile.values import generate_secret_key
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        add(Path(sys.argv[1]), {f"{each}.key": generate_secret_key() for each in range(200)})
    """

    subprocess.run([sys.executable, "-c", limited, str(folder)], check=True)
    assert len({*names(folder)} - before) == 200


def test_killed_at_any_point_it_has_kept_all_or_nothing_for_the_next_one(tmp_path: Path) -> None:
    keys = {"wg0.key": ONE, "wg0/a.psk": TWO}
    for step in count(1):
        folder = tmp_path / str(step)
        if not is_killed_at(step, add, folder, keys):
            break
        assert add(folder, {"wg1.key": SENTINEL})
        assert {*names(folder)} - {".gitignore", "wg1.key"} in (set(), {*keys, "wg0"})
        assert all(read(folder, name) in (None, each) for name, each in keys.items())
        add(folder, keys)
        assert names(folder) == [".gitignore", "wg0", "wg0.key", "wg0/a.psk", "wg1.key"]
    assert step > 10


def test_no_key_gets_into_git_by_accident(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    add(tmp_path / "keys", {"wg0.key": ONE})
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    staged = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, check=True, capture_output=True)
    assert staged.stdout == b""


def test_who_lets_keys_into_git_is_not_hindered(folder: Path) -> None:
    (folder / ".gitignore").unlink()
    add(folder, {"new.key": ONE})
    assert names(folder) == ["new.key", "wg0.key"]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(StateError, match="names no file below the secret folder"):
        add(folder, {"new.key": ONE, name: TWO})
    assert names(folder) == [".gitignore", "wg0.key"]


def test_a_folder_that_others_may_enter_takes_no_key(folder: Path) -> None:
    folder.chmod(0o750)
    with pytest.raises(StateError, match=f"chmod 700 {folder}"):
        add(folder, {"new.key": ONE})
    assert names(folder) == [".gitignore", "wg0.key"]


def test_what_is_no_folder_takes_no_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be opened"):
        add(tmp_path / "file", {"new.key": ONE})


def test_keys_go_with_folders_that_become_empty(folder: Path) -> None:
    add(folder, {"wg0/a.psk": ONE, "wg0/b.psk": TWO})
    remove(folder, ["wg0/a.psk", "wg0/gone.psk"])
    assert names(folder) == [".gitignore", "wg0", "wg0.key", "wg0/b.psk"]
    remove(folder, ["wg0/b.psk", "wg0/b.psk"])
    assert names(folder) == [".gitignore", "wg0.key"]
    remove(folder / "none", ["wg0.key"])


def test_nobody_else_may_read_the_journal_and_it_goes(folder: Path) -> None:
    _, landed = land(folder, {"new.key": ONE})
    assert mode(folder / JOURNAL) == 0o600
    landed.settle()
    assert names(folder) == [".gitignore", "new.key", "wg0.key"]


@pytest.mark.parametrize("kind", ["link to nowhere", "file"])
def test_what_is_no_folder_is_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "secrets"
    path.symlink_to(tmp_path / "nowhere") if kind == "link to nowhere" else path.write_text("")
    with pytest.raises(StateError, match=r"/secrets (is not a folder|cannot be opened: Not a directory); "):
        add(path, {"wg0.key": SENTINEL})
