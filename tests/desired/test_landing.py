"""Several documents at once: all of them or none, whatever happens in between."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from wgreconcile import files
from wgreconcile.desired import landing
from wgreconcile.desired.landing import JOURNAL, Landing, land
from wgreconcile.desired.saving import locked, settle

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


def land_and_settle(state: Path) -> None:
    land(state, MOVES).settle()


def land_and_fail(state: Path) -> None:
    """There is no room for the last one, so that the others have to go back."""
    real = os.open

    def full(path: str | Path, *arguments: Any, **more: Any) -> int:
        if Path(path).name == "new.yaml":
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(os, "open", full)
        land(state, MOVES)


def after_each_kill(work: Callable[[Path], object], folder: Path) -> Iterator[Path]:
    """The state that a program leaves when it is killed at its first step, its second one, and so on."""
    for step in count(1):
        state = written(folder / str(step))
        if not is_killed_at(step, work, state):
            return
        yield state


def test_killed_at_any_step_it_is_all_or_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = []
    for state in after_each_kill(land_and_settle, tmp_path):
        settle(state)
        found.append(content(state))
        assert (state / "e").exists() == ("e/new.yaml" in found[-1])
    landed = found.count(AFTER)
    assert found == [BEFORE] * (len(found) - landed) + [AFTER] * landed
    assert len(found) > 10
    assert landed > 8


def test_killed_while_it_finishes_what_another_one_had_begun(tmp_path: Path) -> None:
    (first, *_) = [each for each in after_each_kill(land_and_settle, tmp_path / "first") if has_begun(each)]
    for step in count(1):
        state = tmp_path / str(step)
        shutil.copytree(first, state)
        if not is_killed_at(step, settle, state):
            break
        settle(state)
        assert content(state) == AFTER
    assert step > 8


def has_begun(state: Path) -> bool:
    """Whether a journal has been written to its end, and nothing else."""
    found = content(state)
    return found.pop(JOURNAL, b"").endswith(b"]") and found == BEFORE


def test_killed_while_it_takes_back_it_is_all_or_nothing(tmp_path: Path) -> None:
    found = []
    for state in after_each_kill(land_and_fail, tmp_path):
        settle(state)
        found.append(content(state))
    assert all(each in (BEFORE, AFTER) for each in found)
    assert len(found) > 12


@pytest.mark.parametrize("kept", [0, 5, 30, 60, -1])
def test_a_journal_that_was_not_written_to_its_end(state: Path, kept: int) -> None:
    journal(state)
    (state / JOURNAL).write_bytes((state / JOURNAL).read_bytes()[:kept])
    settle(state)
    assert content(state) == BEFORE


@pytest.mark.parametrize("entry", [["a.yaml", 1, 2, 3], ["a.yaml", "a: 1\n", "x", "rw", "root", 511], [1], 3, {}])
def test_what_is_no_journal_of_ours_lands_nothing(state: Path, entry: object) -> None:
    (state / JOURNAL).write_text(json.dumps([entry]))
    settle(state)
    assert content(state) == BEFORE


@pytest.mark.parametrize("torn", [b"", b"\0" * 1500, b"x" * 512, b"x" * 1024 + b"\0" * 476])
def test_what_a_stop_of_the_machine_has_torn_is_made_whole(state: Path, torn: bytes) -> None:
    """Files reach the disk later than their journal, and some file systems then have zeros in their place."""
    whole = b"x" * 1500
    moves = [Landing("a.yaml", b"a: 1\n", whole), Landing("e/new.yaml", None, whole)]
    journal(state, moves)
    (state / "e").mkdir()
    for each in moves:
        (state / each.path).write_bytes(torn)
    settle(state)
    assert content(state).items() >= {each.path: whole for each in moves}.items()


def test_what_was_torn_on_its_way_back_goes_back(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    new = [Landing(f"e/{each}.yaml", None, b"x" * 1500) for each in range(2)]
    with monkeypatch.context() as patch, pytest.raises(FileExistsError):
        patch.setattr(landing, "_remove_empty_folders", fail)  # after all was put back, but before it is for good
        (state / "a.yaml").write_bytes(b"a: 1\n")
        land(state, [*new, Landing("a.yaml", None, b"a: 2\n")])
    (state / "e/0.yaml").write_bytes(b"x" * 1024)
    settle(state)
    assert content(state) == BEFORE


@pytest.mark.parametrize("cut", [b"a", b"a: 2", b"a: by hand\n"])
def test_what_a_person_cut_after_the_crash_stays(state: Path, cut: bytes) -> None:
    """A disk tears at its blocks, and hands seldom do."""
    journal(state)
    (state / "a.yaml").write_bytes(cut)
    settle(state)
    assert content(state) == {**AFTER, "a.yaml": cut}


PUT = {
    "folder": Path.mkdir,
    "FIFO": os.mkfifo,
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    "file": lambda path: path.write_text("by hand"),
    "link to nowhere": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("kind", PUT)
@pytest.mark.parametrize("place", ["a.yaml", "d/gone.yaml", "e"])
def test_what_a_person_put_in_its_place_after_the_crash_stays(
    state: Path, place: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what else is to land does, without waiting for it."""
    journal(state)
    (state / place).unlink(missing_ok=True)
    monkeypatch.chdir(state)  # the name of a socket is short
    PUT[kind](Path(place))
    settle(state)
    assert os.path.lexists(state / place) or (place, kind) == ("e", "folder")
    assert (state / "d/b.yaml").read_bytes() == AFTER["d/b.yaml"]
    assert not (state / JOURNAL).exists()


def test_what_is_put_in_its_place_meanwhile_is_not_waited_for(state: Path) -> None:
    landed = land(state, MOVES)
    (state / "a.yaml").unlink()
    os.mkfifo(state / "a.yaml")
    landed.settle()
    assert not (state / JOURNAL).exists()


def test_drafts_of_keys_that_are_kept_in_the_state_are_not_ours(state: Path) -> None:
    journal(state)
    drafts = [state / folder / ".x.wgreconcile-01234567" for folder in ("secrets", "d")]
    for each in drafts:
        each.parent.mkdir(exist_ok=True)
        each.touch()
    settle(state)
    assert [each.exists() for each in drafts] == [True, False]


def test_what_a_person_wrote_after_the_crash_stays(state: Path) -> None:
    journal(state)
    (state / "a.yaml").write_bytes(b"a: by hand\n")
    (state / "d/b.yaml").unlink()
    (state / "d/gone.yaml").write_bytes(b"gone: by hand\n")
    (state / "e").mkdir()
    (state / "e/new.yaml").symlink_to("nowhere")
    settle(state)
    assert (state / "e/new.yaml").is_symlink()
    assert content(state) == {"a.yaml": b"a: by hand\n", "d/gone.yaml": b"gone: by hand\n"}


def journal(state: Path, moves: Sequence[Landing] = MOVES) -> None:
    """Leave the journal of a program that was killed right after it had written it."""
    assert is_killed_at(3, land, state, moves)
    assert has_begun(state)


def test_a_journal_is_never_written_over(state: Path) -> None:
    """Whoever has the lock has seen that there is none, except where a file system has no locks."""
    landed = land(state, MOVES)
    kept = (state / JOURNAL).read_bytes()
    with pytest.raises(FileExistsError, match=JOURNAL):
        land(state, [Landing("z.yaml", None, b"z")])
    assert (state / JOURNAL).read_bytes() == kept
    landed.settle()


def test_who_writes_waits_until_another_one_has_settled_and_who_reads_does_not(state: Path) -> None:
    landed = land(state, MOVES)
    with locked(state, exclusive=False):
        assert content(state).items() > AFTER.items()
    waiting = threading.Thread(target=enter, args=(state,))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    landed.settle()
    waiting.join()
    assert content(state) == AFTER


def enter(state: Path) -> None:
    with locked(state, exclusive=True):
        pass


def test_a_journal_that_goes_while_it_is_looked_for(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landed, real = land(state, MOVES), landing.is_held

    def is_held(folder: Path) -> bool:
        landed.settle()
        return real(folder)

    monkeypatch.setattr(landing, "is_held", is_held)
    settle(state)
    assert content(state) == AFTER


def test_what_cannot_reach_the_disk_is_tried_again_by_the_next_one(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With new files: Linux forgets what it failed to write, and says of the same file that all is well."""
    landed = land(state, MOVES)
    failed = {each: (state / each).stat().st_ino for each in AFTER}
    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"Input/output error: .*/a\.yaml"):
        patch.setattr(os, "fsync", failing)
        landed.settle()
    assert (state / JOURNAL).exists()
    settle(state)
    assert content(state) == AFTER
    assert not failed.items() & {each: (state / each).stat().st_ino for each in AFTER}.items()


def failing(_: int) -> None:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("amount", [3, 30])
def test_all_of_them_reach_the_disk_before_their_journal_goes(
    state: Path, amount: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many with all of their file system, which is a call that only the kernel can vouch for."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(str(Path(f"/proc/self/fd/{file}").readlink())))
    monkeypatch.setattr(files, "sync_file_system", lambda path: synced.append(f"all of {path}"))
    paths = [f"d/{each}.yaml" for each in range(amount)]
    land(state, [Landing(each, None, b"x") for each in paths]).settle()
    begun, ended = [f"{state}/{JOURNAL}", str(state)], [str(state)]
    places = [f"{state}/{each}" for each in paths] if amount < 16 else []
    folders = [f"{state}/d", str(state)] if amount < 16 else [f"all of {state}/d", f"all of {state}"]
    assert synced[:2] + synced[-1:] == begun + ended
    assert sorted(synced[2:-1]) == sorted(places + folders)


def test_what_cannot_be_put_back_now_is_put_back_by_the_next_one(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: the last one cannot be made, and those that were changed cannot be put back either."""
    real, drafts = os.open, []

    def full(path: str | Path, flags: int, *arguments: Any, **more: Any) -> int:
        name = Path(path).name
        drafts.extend([name] if name != JOURNAL and ".wgreconcile-" in name and flags & os.O_EXCL else [])
        if name == "new.yaml" or len(drafts) > 2:
            raise OSError(28, "No space left on device", str(path))
        return real(path, flags, *arguments, **more)

    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"No space left on device: .*/e/new\.yaml"):
        patch.setattr(os, "open", full)
        land(state, MOVES)
    assert content(state).items() >= {"a.yaml": b"a: 2\n"}.items()
    settle(state)
    assert content(state) == BEFORE


def test_a_journal_that_cannot_go_leads_back(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "e").mkdir()
    (state / "e/new.yaml").write_text("by hand")

    def fail(_: Path) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch, pytest.raises(FileExistsError):
        patch.setattr(files, "remove", fail)
        land(state, MOVES)
    settle(state)
    assert content(state) == {**BEFORE, "e/new.yaml": b"by hand"}


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_where_nothing_can_be_written_one_reads_and_none_writes(
    state: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of another user, an immutable one, a file system that is read-only: it takes root to make them."""
    journal(state)

    def fail(_: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(landing, "finish", fail)
    with locked(state, exclusive=False):
        assert content(state).items() >= BEFORE.items()
    with pytest.raises(OSError, match=os.strerror(number)), locked(state, exclusive=True):
        pytest.fail("a journal would take the place of the one that is left")


def test_a_journal_leads_nowhere_else(state: Path) -> None:
    for path in (f"{state.parent}/out", "../out", "d/../../out"):
        assert is_killed_at(3, land, state, [Landing(path, None, b"x")])
        assert (state / JOURNAL).exists()
        settle(state)
        assert [each.name for each in state.parent.iterdir()] == [state.name]


@pytest.mark.parametrize("kind", ["FIFO", "folder", "link", "link to nowhere"])
def test_what_is_no_journal_is_named(state: Path, kind: str) -> None:
    path, other = state / JOURNAL, state.parent / "other"
    other.write_text("kept")
    {
        "FIFO": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to(other),
        "link to nowhere": lambda: path.symlink_to(state.parent / "nowhere"),
    }[kind]()
    with pytest.raises(OSError, match=JOURNAL), locked(state, exclusive=True):
        land(state, MOVES)
    assert other.read_text() == "kept"
    assert not (state.parent / "nowhere").exists()
    assert (state / "a.yaml").read_bytes() == BEFORE["a.yaml"]


def test_every_byte_goes_through_the_journal(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "a.yaml").write_bytes(b"")
    assert is_killed_at(3, lambda: land(state, [Landing("a.yaml", b"", bytes(range(256)))]))
    settle(state)
    assert content(state) == {"a.yaml": bytes(range(256))}


def test_all_land_and_leave_nothing_behind(state: Path) -> None:
    land(state, MOVES).settle()
    assert content(state) == AFTER


def test_back_again_folders_and_all(state: Path) -> None:
    land(state, MOVES).settle()
    land(state, [each.back for each in MOVES]).settle()
    assert content(state) == BEFORE
    assert not (state / "e").exists()


def test_more_documents_than_a_process_may_have_files_open(state: Path) -> None:
    script = f"""
import resource
from pathlib import Path
from wgreconcile.desired.landing import Landing, land
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
land(Path({str(state)!r}), [Landing(f"d/{{each}}.yaml", None, b"x") for each in range(200)]).settle()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert len([*state.rglob("*")]) == len(BEFORE) + 201


def test_whoever_loads_next_finishes(folder: Folder) -> None:
    """A process that is really killed, in the middle of a save of two documents."""
    folder.write("wg0.yaml", "address: 10.7.0.1/24\n")
    documents = {f"wg0/{name}.yaml": {"public_key": key(number)} for name, number in (("a", 1), ("b", 2))}
    script = f"""
import os, signal
from pathlib import Path
from wgreconcile import files
from wgreconcile.desired.store import Store
real = files.write_all
def write_all(descriptor, data):
    real(descriptor, data)
    if os.readlink(f"/proc/self/fd/{{descriptor}}").endswith(".yaml"):
        os.kill(os.getpid(), signal.SIGKILL)
files.write_all = write_all
Store(Path({str(folder.path)!r})).save({documents!r})
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (folder.path / JOURNAL).exists()
    assert {each.name for each in folder.load().interfaces[0].peers} == {"a", "b"}
    assert not (folder.path / JOURNAL).exists()
    assert not [*folder.path.rglob(".*")]
