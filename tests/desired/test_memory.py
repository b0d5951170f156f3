from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.desired import memory
from wgreconcile.desired.memory import RACY_NS, Memory, recall, remember

ENTRY: list[Any] = [[1, 2, 3, 4], "digest", ["record"]]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def cache(tmp_path: Path, state: Path) -> Path:
    """A cache that remembers one document."""
    remember(tmp_path / "cache", state, Memory({"wg0.yaml": ENTRY}, [], 5))
    return tmp_path / "cache"


def test_what_is_remembered_is_recalled(cache: Path, state: Path) -> None:
    assert recall(cache, state) == Memory({"wg0.yaml": ENTRY}, [], 5)


def test_only_the_owner_may_look(cache: Path) -> None:
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert [stat.S_IMODE(each.stat().st_mode) for each in cache.iterdir()] == [0o600]


def test_without_a_cache_nothing_is_remembered(state: Path) -> None:
    remember(None, state, Memory({"wg0.yaml": ENTRY}))
    assert recall(None, state) == Memory()


def test_another_state_is_not_known(cache: Path, tmp_path: Path) -> None:
    assert recall(cache, tmp_path) == Memory()


def test_another_spelling_of_the_same_folder_is_known(cache: Path, state: Path) -> None:
    assert recall(cache, state / ".." / "state").documents


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content.replace(b"record", b"tamper"),
        lambda content: b"\xff" + content,
        lambda content: content.partition(b"\n")[2],
        lambda content: b"[" * 100_000,
        lambda content: memory.digest(b"[]").encode() + b"\n[]",
        lambda content: memory.digest(b"{}").encode() + b"\n{}",
        lambda content: memory.digest(b"no").encode() + b"\nno",
    ],
    ids=range(9),
)
def test_a_damaged_cache_is_as_none(cache: Path, state: Path, damage: Any) -> None:
    file = cache / memory.FILE_NAME
    file.write_bytes(damage(file.read_bytes()))
    assert recall(cache, state) == Memory()


def test_a_cache_that_others_may_write_is_not_believed(cache: Path, state: Path) -> None:
    (cache / memory.FILE_NAME).chmod(0o620)
    assert recall(cache, state) == Memory()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_cache_of_another_user_is_not_believed(cache: Path, state: Path) -> None:
    os.chown(cache / memory.FILE_NAME, 12345, 12345)
    assert recall(cache, state) == Memory()


def test_another_version_of_the_code_starts_anew(
    cache: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_program", lambda: "another")
    assert recall(cache, state) == Memory()


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, state: Path) -> None:
    (tmp_path / "file").write_text("")
    remember(tmp_path / "file", state, Memory())
    remember(tmp_path / "file" / "below", state, Memory())
    assert recall(tmp_path / "file", state) == Memory()


def test_a_young_stamp_proves_nothing() -> None:
    known = Memory(looked_at=10 * RACY_NS)
    assert known.trusts((8 * RACY_NS, 1, 1, 8 * RACY_NS))
    assert not known.trusts((9 * RACY_NS + 1, 1, 1, 0))
    assert not known.trusts((0, 1, 1, 9 * RACY_NS + 1)), "a time of change that was set back by hand"
    assert not known.trusts((99 * RACY_NS, 1, 1, 0)), "a clock that goes ahead"
