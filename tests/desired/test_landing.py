"""Several documents at once: all of them or none, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from wgreconcile.desired import landing
from wgreconcile.desired.landing import JOURNAL, Landing, finish, land

from ..killing import is_killed_at
from .samples import Folder, key

BEFORE = {"a.yaml": b"a: 1\n", "d/b.yaml": b"b: 1\n", "d/gone.yaml": b"gone: 1\n"}
AFTER = {"a.yaml": b"a: 2\n", "d/b.yaml": b"b: 2\n", "e/new.yaml": b"new: 2\n"}
MOVES = [
    Landing("a.yaml", b"a: 1\n", b"a: 2\n"),
    Landing("d/b.yaml", b"b: 1\n", b"b: 2\n"),
    Landing("d/gone.yaml", b"gone: 1\n", None),
    Landing("e/new.yaml", None, b"new: 2\n"),
]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return written(tmp_path / "state")


def written(state: Path) -> Path:
    for path, content in BEFORE.items():
        (state / path).parent.mkdir(parents=True, exist_ok=True)
        (state / path).write_bytes(content)
    return state


def content(state: Path) -> dict[str, bytes]:
    return {str(each.relative_to(state)): each.read_bytes() for each in state.rglob("*") if each.is_file()}


def test_killed_at_any_step_it_is_all_or_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = []
    for step in count(1):
        state = written(tmp_path / str(step))
        if not is_killed_at(step, land, state, MOVES):
            break
        finish(state)
        found.append(content(state))
        assert (state / "e").exists() == ("e/new.yaml" in found[-1])
    landed = found.count(AFTER)
    assert found == [BEFORE] * (len(found) - landed) + [AFTER] * landed
    assert len(found) > 20
    assert landed > 4


def test_killed_while_it_takes_back_it_is_all_or_nothing(tmp_path: Path) -> None:
    """The folder of one document cannot be synced: all have moved, and all have to go back."""
    found = []
    for step in count(1):
        state = written(tmp_path / str(step))
        if not is_killed_at(step, land_and_fail, state):
            break
        finish(state)
        found.append(content(state))
    assert found[-1] == content(state) == BEFORE
    assert all(each in (BEFORE, AFTER) for each in found)
    assert AFTER in found


def land_and_fail(state: Path) -> None:
    real = os.fsync
    failed = []

    def fsync(descriptor: int) -> None:
        if (state / "e" / "new.yaml").exists() and not failed:
            failed.append(True)
            raise OSError(5, "Input/output error")
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="Input/output"):
        patch.setattr(os, "fsync", fsync)
        land(state, MOVES)


@pytest.mark.parametrize("text", ["", '{"moves": [], "pa'])
def test_a_journal_that_was_not_written_to_its_end(state: Path, text: str) -> None:
    (state / JOURNAL).write_text(text)
    finish(state)
    assert content(state) == BEFORE


def test_all_land_and_leave_nothing_behind(state: Path) -> None:
    land(state, MOVES)
    assert content(state) == AFTER


def test_back_again_folders_and_all(state: Path) -> None:
    land(state, MOVES)
    land(state, [Landing(each.path, each.after, each.before) for each in MOVES])
    assert content(state) == BEFORE
    assert not (state / "e").exists()


def test_one_document_needs_no_journal(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "_write_journal", pytest.fail)
    land(state, MOVES[:1])
    assert content(state) == {**BEFORE, "a.yaml": b"a: 2\n"}


def test_more_documents_than_a_process_may_have_files_open(state: Path) -> None:
    script = f"""
import resource
from pathlib import Path
from wgreconcile.desired.landing import Landing, land
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
land(Path({str(state)!r}), [Landing(f"d/{{each}}.yaml", None, b"x") for each in range(200)])
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert len([*state.rglob("*")]) == len(BEFORE) + 201


def test_what_a_person_wrote_after_the_crash_stays(state: Path) -> None:
    (state / ".a.yaml.wgreconcile-abcdefgh").write_bytes(b"a: 2\n")
    (state / "a.yaml").write_bytes(b"a: by hand\n")
    entries = [
        ["a.yaml", ".a.yaml.wgreconcile-abcdefgh", landing.version_of(b"a: 1\n")],
        ["d/gone.yaml", None, "other"],
    ]
    (state / JOURNAL).write_text(json.dumps({"moves": entries, "paths": ["a.yaml", "d/gone.yaml"]}))
    finish(state)
    assert content(state) == {**BEFORE, "a.yaml": b"a: by hand\n"}


def test_whoever_loads_next_finishes(folder: Folder) -> None:
    """A process that is really killed, in the middle of a save of two documents."""
    folder.write("wg0.yaml", "address: 10.7.0.1/24\n")
    documents = {f"wg0/{name}.yaml": {"public_key": key(number)} for name, number in (("a", 1), ("b", 2))}
    script = f"""
import os, signal
from pathlib import Path
from wgreconcile.desired.store import Store
moves = []
real = Path.replace
def replace(draft, target):
    real(draft, target)
    if target.suffix == ".yaml":
        os.kill(os.getpid(), signal.SIGKILL)
Path.replace = replace
Store(Path({str(folder.path)!r})).save({documents!r})
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (folder.path / JOURNAL).exists()
    assert {each.name for each in folder.load().interfaces[0].peers} == {"a", "b"}
    assert not (folder.path / JOURNAL).exists()
    assert not [*folder.path.rglob(".*")]
