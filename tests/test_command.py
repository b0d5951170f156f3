"""Running programs: real ones, that fail, hang, leave daemons behind, or are not there."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from wgreconcile import command
from wgreconcile.command import lacked_by_wg_quick, lacking, run, start, wait_until_gone
from wgreconcile.errors import BusyError, CommandError, DependencyError

KEY = "c2VudGluZWxzZW50aW5lbHNlbnRpbmVsc2VudGluZWw="


def shell(script: str, *, stdin: str = "", ok: tuple[int, ...] = (0,), timeout: float = 30) -> str:
    return run(["sh", "-c", script], stdin=stdin, ok=ok, timeout=timeout)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_output_and_input() -> None:
    assert run(["cat"], stdin="text\n") == "text\n"
    assert run(["true"]) == ""


def test_much_output_and_input_is_no_problem() -> None:
    text = "x" * 3_000_000
    assert run(["cat"], stdin=text) == text


def test_input_keeps_bytes_that_are_no_text() -> None:
    assert run(["od", "-An", "-tx1"], stdin="\udcffé").split() == ["ff", "c3", "a9"]
    assert shell(r"printf '\377'") == "\ufffd"


def test_arguments_are_no_shell_code() -> None:
    assert run(["echo", "$(id)", "a b", "*"]) == "$(id) a b *\n"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo out; echo wrong >&2; exit 3", "wrong"),
        ("echo out; exit 3", "out"),
        ("exit 3", "no message"),
        ("seq 20 >&2; exit 3", "\n".join(map(str, range(13, 21)))),
        ("printf '┌──┐\\n│ no │\\n└──┘\\n\\nreal\\n' >&2; exit 3", "real"),
        (f"echo 'Key: `{KEY}`' >&2; exit 3", "Key: `(key)`"),
        (f"echo 'PrivateKey={KEY}x' >&2; exit 3", "PrivateKey=(key)x"),
    ],
)
def test_a_failure_is_told_in_the_programs_last_words(script: str, words: str) -> None:
    with pytest.raises(CommandError) as error:
        shell(script)
    assert error.value.status == 3
    assert str(error.value) == f"`sh -c {script}` ended with status 3: {words}"


def test_input_is_never_quoted() -> None:
    with pytest.raises(CommandError) as error:
        shell("exit 1", stdin=KEY)
    assert KEY not in f"{error.value}{error.value!r}{vars(error.value)}"


def test_other_statuses_may_be_as_good() -> None:
    assert shell("echo x; exit 1", ok=(0, 1)) == "x\n"
    with pytest.raises(CommandError):
        shell("exit 0", ok=(1,))


@pytest.mark.parametrize(
    ("program", "package"), [("wg-quick", "wireguard-tools"), ("ip", "iproute2"), ("git", "git")]
)
def test_a_missing_program_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, package: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match=f"^`{program}` is not installed; install the package {package}$"):
        run([program])


@pytest.mark.parametrize(("program", "package"), [("resolvconf", "openresolv"), ("iptables-restore", "nftables")])
def test_a_program_that_wg_quick_lacks_is_named_with_its_package(
    tmp_path: Path, program: str, package: str
) -> None:
    wg_quick = tmp_path / "wg-quick"
    wg_quick.write_text(f"#!/bin/bash\nPATH=/nowhere\necho '[#] {program} -a wg0' >&2\n{program} -a wg0\n")
    wg_quick.chmod(0o700)
    with pytest.raises(CommandError) as failed:
        run([str(wg_quick)])
    first, *rest = str(lacking(failed.value)).splitlines()
    assert first == f"`{program}` is not installed; install the package {package}, which wg-quick needs for this"
    assert rest == str(failed.value).splitlines()


def test_what_wg_quick_will_lack_is_told_before_it_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for folder in ("own", "path"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert lacked_by_wg_quick("resolvconf") is None, "there is no wg-quick at all: that is told when it is started"
    wg_quick = tmp_path / "own/wg-quick"
    wg_quick.write_text("#!/bin/bash\nresolvconf -a wg0\n")
    wg_quick.chmod(0o700)
    (tmp_path / "path/wg-quick").symlink_to(wg_quick)
    expected = "`resolvconf` is not installed; install the package openresolv, which wg-quick needs for this"
    assert str(lacked_by_wg_quick("resolvconf")) == expected
    assert lacked_by_wg_quick("resolvectl") is None, "it does not call that"
    assert str(lacked_by_wg_quick("resolvconf", "resolvectl")) == expected
    (tmp_path / "own/resolvectl").touch(0o700)
    assert str(lacked_by_wg_quick("resolvconf", "resolvectl")) == expected, "it does not call what is there"
    wg_quick.write_text("#!/bin/bash\nresolvconf -a wg0 || resolvectl dns wg0\n")
    assert lacked_by_wg_quick("resolvconf", "resolvectl") is None
    for folder in ("own", "path"):
        program = tmp_path / folder / "resolvconf"
        program.touch(0o700)
        assert lacked_by_wg_quick("resolvconf") is None
        program.unlink()


@pytest.mark.parametrize(
    "line", ["/usr/bin/wg-quick: line 32: deregister: command not found", "sh: 1: ip: not found"]
)
def test_what_else_fails_is_not_laid_to_a_missing_package(line: str) -> None:
    assert lacking(CommandError(["wg-quick"], 127, line)) is None


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    script = f"trap 'echo cleaned >{tmp_path}/trap; exit' TERM; sleep 60 & echo $! >{tmp_path}/child; wait"
    with pytest.raises(CommandError, match="no end after 1 s") as error:
        shell(script, timeout=1)
    assert error.value.argv[0] == "sh"
    assert (tmp_path / "trap").read_text() == "cleaned\n"
    wait_for(lambda: not is_running(int((tmp_path / "child").read_text())))


def test_what_wg_quick_was_at_is_told_however_much_a_hook_says() -> None:
    with pytest.raises(CommandError) as error:
        shell("echo '[#] first'; echo '[#] second'; seq 9; exit 3")
    assert error.value.stderr.splitlines() == ["[#] second", *"23456789"]


def test_how_wg_quick_cleans_up_is_not_told() -> None:
    done = "[#] ip -4 rule delete table 51820", "[#] nft -f /dev/fd/63", "[#] ip link delete dev wg0"
    for said, told in (
        (["[#] hook", "no luck", *done], ["[#] hook", "no luck"]),
        (["[#] nft -f /dev/fd/63", "no table", *done], ["[#] nft -f /dev/fd/63", "no table"]),
        ([*done, "busy"], [*done, "busy"]),
        ([*done[:1]], [*done[:1]]),
    ):
        with pytest.raises(CommandError) as error:
            run(["sh", "-c", 'printf "%s\\n" "$@"; exit 3', "sh", *said])
        assert error.value.stderr.splitlines() == told


def test_what_a_program_that_hangs_said_is_told() -> None:
    with pytest.raises(CommandError, match=r"no end after 0 s\n\[#\] hook") as error:
        shell("echo '[#] hook' >&2; sleep 60", timeout=0.2)
    assert error.value.stderr.splitlines() == ["no end after 0 s", "[#] hook"]


def test_a_program_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "GRACE", 0.2)
    with pytest.raises(CommandError, match="no end") as error:
        shell("trap '' TERM; while :; do sleep 0.05; done", timeout=0.2)
    assert error.value.status == -signal.SIGKILL


def test_nobody_looks_whether_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a program wakes who waits: with pauses, a short one would cost twice its time."""
    monkeypatch.setattr(subprocess.time, "sleep", pytest.fail)
    assert shell("sleep 0.1; echo done") == "done\n"
    with pytest.raises(CommandError, match="no end after 0 s"):
        shell("sleep 30", timeout=0.05)


def test_a_daemon_of_a_hook_holds_nobody_up() -> None:
    began = time.monotonic()
    pid = int(shell("sleep 60 & echo $!"))
    assert time.monotonic() - began < 10
    assert is_running(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_key_pressed_in_the_terminal_does_not_reach_the_program() -> None:
    assert int(run(["ps", "-o", "sid=", "-p", str(os.getpid())])) != int(shell("ps -o sid= -p $$"))


def test_a_program_works_while_its_caller_does_something_else() -> None:
    running = start(["sh", "-c", "read go; echo $go; sleep 0.2"], lines=["one", "two"])
    assert running.process.poll() is None
    assert running.finish() == "one\n"
    with pytest.raises(CommandError, match="status 3: x"):
        start(["sh", "-c", "echo x; exit 3"]).finish()
    with pytest.raises(DependencyError):
        start(["no-such-program"])


def test_nothing_stays_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        run(["true"])
        start(["true"]).finish()
        with pytest.raises(CommandError):
            run(["false"])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# What an earlier, killed run has left behind


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Starts a script whose parent is gone at once, as wg-quick goes on when wgreconcile is killed."""
    pids = []

    def begin(name: str) -> int:
        script = tmp_path / name
        script.write_text("#!/bin/bash\nsleep 60 & echo $! >$0.child; wait\n")
        script.chmod(0o755)
        start_it = f"{script} up /etc/wireguard/.x/wg0.conf >/dev/null 2>&1 & echo $!"
        done = subprocess.run(["sh", "-c", start_it], capture_output=True, text=True, check=True)
        wait_for(lambda: Path(f"{script}.child").exists() and Path(f"{script}.child").read_text() != "")
        pids.append((int(done.stdout), int(Path(f"{script}.child").read_text())))
        return pids[-1][0]

    yield begin
    for both in pids:
        for pid in both:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid: not is_running(pid))


VECTOR = ("wg-quick", "up", "/etc/wireguard/.x/wg0.conf")


def test_an_orphan_is_waited_for(orphan: Callable[[str], int]) -> None:
    pid = orphan("wg-quick")
    with pytest.raises(
        BusyError, match=r"`wg-quick up /etc/wireguard/.x/wg0.conf` of an earlier run is still under way"
    ):
        wait_until_gone(VECTOR, timeout=0.2)
    killer = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -9 {pid}"])
    wait_until_gone(VECTOR, timeout=30)
    assert not is_running(pid)
    killer.wait()


@pytest.mark.parametrize(
    "vector", [("wg-quick", "down", VECTOR[2]), ("wg-quick", "up", "/etc/x.conf"), ("ip", *VECTOR[1:])]
)
def test_other_programs_are_not_waited_for(orphan: Callable[[str], int], vector: tuple[str, ...]) -> None:
    orphan("wg-quick")
    wait_until_gone(vector, timeout=0)


def test_nobody_is_waited_for() -> None:
    wait_until_gone(VECTOR, timeout=0)
