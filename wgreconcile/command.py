"""The one place that runs programs: argument vectors, never a shell; secrets by standard input, never in argv."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from wgreconcile.errors import BusyError, CommandError, DependencyError

_PACKAGES = {"wg": "wireguard-tools", "wg-quick": "wireguard-tools", "ip": "iproute2", "git": "git"}
TIMEOUT = 300.0
"""Seconds after which a program counts as hanging; hooks may wait for a network."""

WORDS = 8
"""Lines of a failed program's output that an error quotes."""


def run(argv: Sequence[str], *, stdin: str = "", ok: Sequence[int] = (0,), timeout: float = TIMEOUT) -> str:
    """Run a program and return its standard output.

    Raise DependencyError when it is not installed and CommandError when its status is not in ``ok`` or
    it does not end within ``timeout`` seconds.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
        )
    except FileNotFoundError:
        package = _PACKAGES.get(argv[0], argv[0])
        raise DependencyError(f"`{argv[0]}` is not installed; install the package {package}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(argv, -1, f"no end after {timeout:.0f} s") from None
    if done.returncode not in ok:
        raise CommandError(argv, done.returncode, _last_words(done.stderr or done.stdout))
    return done.stdout


def _last_words(text: str) -> str:
    """The end of what a program said, without the banner that wireguard-go draws in a box."""
    lines = [line for line in text.splitlines() if line.strip() and line[0] not in "┌│└"]
    return "\n".join(lines[-WORDS:])


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


def is_installed(program: str) -> bool:
    """Whether a program is on the path."""
    return shutil.which(program) is not None
