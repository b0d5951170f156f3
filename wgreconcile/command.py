"""The one place that runs programs: argument vectors, never a shell; secrets by standard input, never in argv."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wgreconcile.errors import BusyError, CommandError, DependencyError, masked

_PACKAGES = {
    **{"wg": "wireguard-tools", "wg-quick": "wireguard-tools", "ip": "iproute2", "git": "git"},
    **{"resolvconf": "openresolv", "nft": "nftables", "iptables-restore": "nftables", "sysctl": "procps"},
}
_NOT_FOUND = re.compile(r"/wg-quick: line \d+: (?P<program>[^:\s]+): command not found")
TIMEOUT = 300.0
"""Seconds after which a program counts as hanging; hooks may wait for a network."""

GRACE = 10.0
"""Seconds that a program which hangs has to clean up."""
WORDS = 8
"""Lines of a failed program's output that an error quotes."""
_NOISE = re.compile(r"[┌│└]|Error: Unknown device type|\[!\] Missing WireGuard kernel module")
_BEGUN = "[#] "
"""What wg-quick puts before each command that it begins."""
_CLEANUP = re.compile(
    r"\[#\] (ip link delete dev|ip -[46] rule delete|resolvconf -d|nft -f|ip6?tables-restore -n)\b"
)
"""What wg-quick does after a command that failed (wg-quick: del_if); in a full tunnel it is a lot."""


@dataclass(frozen=True, slots=True)
class Running:
    """A program that was started and works while its caller does something else."""

    argv: tuple[str, ...]
    process: subprocess.Popen[bytes]
    output: BinaryIO
    errors: BinaryIO

    def finish(self, *, stdin: bytes | None = None, ok: Sequence[int] = (0,), timeout: float = TIMEOUT) -> str:
        """Wait for the end and return the standard output. Raise CommandError as :func:`run` does."""
        with self.output, self.errors:
            try:
                self.process.communicate(stdin, timeout)
            except subprocess.TimeoutExpired:
                _end(self.process)
                raise self._failed(f"no end after {timeout:.0f} s") from None
            if self.process.returncode not in ok:
                raise self._failed()
            return _read(self.output)

    def _failed(self, *problem: str) -> CommandError:
        words = _last_words(_read(self.errors) or _read(self.output))
        return CommandError(self.argv, self.process.returncode, "\n".join((*problem, words)))


class _Process(subprocess.Popen[bytes]):
    """A program whose end wakes who waits for it. With a limit, Popen looks now and then, up to 50 ms late."""

    def wait(self, timeout: float | None = None) -> int:
        if timeout is not None and self.poll() is None:
            with contextlib.suppress(OSError):  # a kernel before Linux 5.3
                timeout = self._sleep_until_end(os.pidfd_open(self.pid), timeout)
        return super().wait(timeout)

    def _sleep_until_end(self, descriptor: int, timeout: float) -> float:
        """Sleep until the program ends or the time is over; what is left of it."""
        deadline = time.monotonic() + timeout
        try:
            poller = select.poll()
            poller.register(descriptor, select.POLLIN)
            poller.poll(timeout * 1000)
        finally:
            os.close(descriptor)
        return max(0.0, deadline - time.monotonic())


def start(argv: Sequence[str], *, lines: Sequence[str] = ()) -> Running:
    """Start a program that reads ``lines`` from its standard input. Raise DependencyError without the program.

    Input comes from memory here. Not for ``/dev/stdin``: wg opens that by its name, and AppArmor judges the name.
    """
    with _memory("stdin") as memory:
        memory.write("".join(f"{line}\n" for line in lines).encode())
        memory.seek(0)
        return _start(argv, memory)


def run(argv: Sequence[str], *, stdin: str = "", ok: Sequence[int] = (0,), timeout: float = TIMEOUT) -> str:
    """Run a program and return its standard output.

    It runs in a session of its own, so that a key pressed or a terminal closed in the middle does not end it half
    way. Its output goes to memory, not through a pipe, which a daemon started by a hook would keep open for good.
    Raise DependencyError when it is not installed and CommandError when its status is not in ``ok`` or
    it does not end within ``timeout`` seconds.
    """
    running = _start(argv, subprocess.PIPE)
    return running.finish(stdin=stdin.encode(errors="surrogateescape"), ok=ok, timeout=timeout)


def _start(argv: Sequence[str], stdin: BinaryIO | int) -> Running:
    output, errors = _memory("stdout"), _memory("stderr")
    try:
        process = _Process(argv, stdin=stdin, stdout=output, stderr=errors, start_new_session=True)
    except FileNotFoundError:
        raise DependencyError(_missing(argv[0])) from None
    return Running(tuple(argv), process, output, errors)


def _memory(name: str) -> BinaryIO:
    return os.fdopen(os.memfd_create(name), "w+b", buffering=0)


def _read(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it started; wg-quick, when asked first, takes down what it half brought up."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE)
            return


def _last_words(text: str) -> str:
    """The end of what a program said, without keys, and without what a kernel that has no WireGuard evokes.

    Of wg-quick, however much a hook says, the command that it was at, without those that clean up after it.
    """
    lines = [line for line in text.splitlines() if line.strip() and not _NOISE.match(line)]
    while len(lines) > 1 and _CLEANUP.match(lines[-1]):
        lines.pop()
    last = lines[-WORDS:]
    if not any(each.startswith(_BEGUN) for each in last):
        last = [each for each in lines if each.startswith(_BEGUN)][-1:] + last
    return masked("\n".join(last))


def wait_until_gone(argv: Sequence[str], timeout: float = TIMEOUT) -> None:
    """Wait for a program that an earlier, killed run may have left behind.

    A script shows up in /proc with its interpreter in front, so the end of the vector is what is compared.
    Raise BusyError when it still runs after ``timeout`` seconds.
    """
    tail = tuple(argv[1:])
    deadline = time.monotonic() + timeout
    while any(line[-len(tail) :] == tail and argv[0] in " ".join(line[: -len(tail)]) for line in _command_lines()):
        if time.monotonic() > deadline:
            raise BusyError(f"`{' '.join(argv)}` of an earlier run is still under way; wait for it or end it")
        time.sleep(0.05)


def _command_lines() -> Iterator[tuple[str, ...]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            yield tuple(path.read_text(errors="replace").split("\0")[:-1])


def lacking(error: CommandError) -> DependencyError | None:
    """The same error by its cause: a program that wg-quick itself calls and that is not installed."""
    found = _NOT_FOUND.search(error.stderr)
    program = found["program"] if found else ""
    if program not in _PACKAGES:
        return None
    return DependencyError(f"{_wanted_by_wg_quick(program)}\n{error}")


def lacked_by_wg_quick(*programs: str) -> DependencyError | None:
    """What keeps wg-quick from the one of some programs that it calls: any that is there will do.

    It looks beside itself, then on the path. What its text does not name it may have been made to do without by
    who distributes it.
    """
    import shutil  # hardly any run asks

    wg_quick = shutil.which("wg-quick")
    text = Path(wg_quick).read_text(errors="replace") if wg_quick else ""
    called = [each for each in programs if each in text]
    if wg_quick is None or not called:
        return None
    folders = f"{Path(wg_quick).resolve().parent}:{os.environ.get('PATH', os.defpath)}"
    is_there = any(shutil.which(each, path=folders) for each in called)
    return None if is_there else DependencyError(_wanted_by_wg_quick(called[0]))


def _wanted_by_wg_quick(program: str) -> str:
    return f"{_missing(program)}, which wg-quick needs for this"


def _missing(program: str) -> str:
    return f"`{program}` is not installed; install the package {_PACKAGES.get(program, program)}"
