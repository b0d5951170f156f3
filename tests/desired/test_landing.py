"""Several documents at once: all of them or none, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from wgreconcile.desired import landing
from wgreconcile.desired.landing import JOURNAL, Landing, finish, land

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
    for path, content in BEFORE.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    return tmp_path


def content(state: Path) -> dict[str, bytes]:
    return {str(each.relative_to(state)): each.read_bytes() for each in state.rglob("*") if each.is_file()}


class Killed(BaseException):
    """The program ends here; nothing of it runs any more."""


def kill_at(monkeypatch: pytest.MonkeyPatch, state: Path, number: int) -> None:
    """End the program before its ``number``-th change of a folder: what it left on disk is all there is."""
    steps = iter(range(number))

    def step(name: str) -> None:
        real = getattr(os, name)

        def change(*arguments: object, **more: object) -> object:
            if next(steps, None) is None:
                raise Killed
            return real(*arguments, **more)

        monkeypatch.setattr(os, name, change)

    for name in ("replace", "unlink", "rmdir", "mkdir"):
        step(name)


STEPS = 9
"""Changes of a folder that it takes to land ``MOVES``."""


@pytest.mark.parametrize("number", range(STEPS + 1))
def test_killed_at_any_step_it_is_all_or_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as patch:
        kill_at(patch, state, number)
        with pytest.raises(Killed) if number < STEPS else nullcontext():
            land(state, MOVES)
    finish(state)
    found = {path: text for path, text in content(state).items() if not Path(path).name.startswith(".")}
    assert found in (BEFORE, AFTER)


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


def test_what_a_person_wrote_after_the_crash_stays(state: Path) -> None:
    (state / ".a.yaml.x").write_bytes(b"a: 2\n")
    (state / "a.yaml").write_bytes(b"a: by hand\n")
    entries = [["a.yaml", ".a.yaml.x", landing.version_of(b"a: 1\n")], ["d/gone.yaml", None, "other"]]
    (state / JOURNAL).write_text(json.dumps(entries))
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
