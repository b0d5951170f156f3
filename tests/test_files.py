"""Files that are written whole or not at all, and locks: with real crashes and real processes."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from wgreconcile import files
from wgreconcile.errors import BusyError
from wgreconcile.files import (
    exclusive_lock,
    make_private_folder,
    naming,
    read,
    remove,
    sync,
    sync_file_system,
    sync_folder,
    write_atomic,
)

REPOSITORY = Path(__file__).parents[1]


@contextmanager
def python(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs a program with this package at hand."""
    argv = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            yield process
        finally:
            process.kill()


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert [read(tmp_path / name) for name in ("file", "link")] == [b"text", b"text"]
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "to fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "socket"))
    for path in (*(tmp_path / name for name in ("fifo", "to fifo", "socket")), Path("/dev/zero")):
        with pytest.raises(OSError, match="is not a regular file") as error:
            read(path)
        assert error.value.filename == str(path)
    with pytest.raises(IsADirectoryError, match="Is a directory"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")


def test_reading_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path, Path("/dev/zero"), Path(__file__)):
        with suppress(OSError):
            read(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_written_with_exactly_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "wg0.conf"
    path.write_text("old")
    path.chmod(0o666)
    before = os.umask(0o077)
    try:
        write_atomic(path, "new", mode)
    finally:
        os.umask(before)
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("new", mode)
    assert names(tmp_path) == ["wg0.conf"]


def test_bytes_come_out_as_they_were_read(tmp_path: Path) -> None:
    raw = b"caf\xe9\r\n\xff\n"
    write_atomic(tmp_path / "x", raw.decode(errors="surrogateescape"))
    assert (tmp_path / "x").read_bytes() == raw


def test_nobody_else_may_read_it_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    real = os.fchmod

    def fchmod(descriptor: int, mode: int) -> None:
        modes.append(os.fstat(descriptor).st_mode & 0o077)
        assert os.fstat(descriptor).st_size == 0
        real(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", fchmod)
    write_atomic(tmp_path / "x", "secret", 0o644)
    assert modes == [0]


@pytest.mark.parametrize("durable", [True, False])
def test_the_text_is_on_the_disk_before_the_name_and_the_name_before_we_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    events = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        events.append("sync folder" if path == tmp_path else f"sync {path.read_text()}")
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        events.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", renamed)
    write_atomic(tmp_path / "x", "new", durable=durable)
    assert events == (["sync new", "rename", "sync folder"] if durable else ["rename"])


def test_a_full_disk_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """The limit on the size of files stands in for the end of a disk: the write really fails."""
    path = tmp_path / "wg0.conf"
    path.write_text("old")
    program = """if True:
        import resource, signal, sys
        from pathlib import Path
        from wgreconcile.files import write_atomic
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            write_atomic(Path(sys.argv[1]), "x" * 100_000)
        except OSError as error:
            print(error.errno)
    """
    with python(program, path) as process:
        assert process.communicate()[0] == f"{errno.EFBIG}\n"
    assert path.read_text() == "old"
    assert names(tmp_path) == ["wg0.conf"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "absent" / "x", "text")


def test_killed_at_any_moment_the_file_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "wg0.conf"
    texts = ["a" * 1_000_000, "b" * 1_000_000]
    program = """if True:
        import itertools, sys
        from pathlib import Path
        from wgreconcile.files import write_atomic
        for letter in itertools.cycle("ab"):
            write_atomic(Path(sys.argv[1]), letter * 1_000_000)
            print(flush=True)
    """
    for attempt in range(8):
        with python(program, path) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(attempt / 500)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert path.read_text() in texts


def test_what_cannot_reach_the_disk_is_an_error(tmp_path: Path) -> None:
    for each in (sync, sync_folder, sync_file_system):
        with pytest.raises(FileNotFoundError, match="/none"):
            each(tmp_path / "none")


def test_a_file_system_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync_file_system(tmp_path)

    class Failing:
        def syncfs(self, _: int) -> int:
            ctypes.set_errno(errno.EIO)
            return -1

    monkeypatch.setattr(files, "_libc", Failing)
    with pytest.raises(OSError, match=f"Input/output error: '{tmp_path}'"):
        sync_file_system(tmp_path)


def test_removing_is_durable_and_may_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append((tmp_path / "x").exists()))
    (tmp_path / "x").write_text("")
    remove(tmp_path / "x")
    remove(tmp_path / "x")
    assert synced == [False, False]


def test_a_private_folder(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


# Locks


def test_a_full_disk_is_named() -> None:
    with pytest.raises(OSError, match=r"No space left on device: '/var/x'") as error, naming(Path("/var/x")):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert error.value.filename == "/var/x"
    with pytest.raises(FileNotFoundError, match="'/absent'"), naming(Path("/var/x")):
        Path("/absent").read_text()
    with pytest.raises(OSError, match=r"^odd$"), naming(Path("/var/x")):
        raise OSError("odd")


HOLD = """if True:
    import sys, time
    from pathlib import Path
    from wgreconcile.files import exclusive_lock
    with exclusive_lock(Path(sys.argv[1]), "run"):
        print("held", flush=True)
        time.sleep(60)
"""


def test_one_process_at_a_time_holds_a_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with python(HOLD, lock) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        words = f"another run of it holds {lock}; wait for it to end and repeat"
        with pytest.raises(BusyError, match=words), exclusive_lock(lock, "run of it"):
            pytest.fail("two hold the lock")
        process.send_signal(signal.SIGKILL)
        process.wait()
        with exclusive_lock(lock, "run"):
            assert lock.stat().st_mode & 0o777 == 0o600


def test_a_lock_is_let_go_whatever_happens(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    for _ in range(2):
        with pytest.raises(RuntimeError), exclusive_lock(lock, "run"):
            raise RuntimeError


def test_a_lock_is_not_inherited_by_programs(tmp_path: Path) -> None:
    """A hook that goes on in the background must not keep later runs out."""
    lock = tmp_path / "lock"
    with exclusive_lock(lock, "run"):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with exclusive_lock(lock, "run"):
            pass
    finally:
        child.kill()
        child.wait()
