"""Work that is killed at its nth step: every step is reached in turn, whatever the work is."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "os.chown", "os.truncate")


def is_killed_at(step: int, work: Callable[..., object], *arguments: object) -> bool:
    """Do ``work`` in a process of its own that is killed (SIGKILL) right before its ``step``-th change of a file.

    False when there are fewer steps, and all is done.
    """
    process = os.fork()
    if process == 0:
        try:
            _kill_at(step)
            work(*arguments)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    assert status in (0, signal.SIGKILL), "the work failed in its process, see what it has printed"
    return status != 0


def _kill_at(step: int) -> None:
    """Kill this process at a step. Python tells of calls and of what is written, just before it happens."""
    left = step

    def begin() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audited(event: str, arguments: tuple[Any, ...]) -> None:
        is_written = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if is_written or event in _CHANGES:
            begin()

    def profiled(_: object, event: str, function: Any) -> None:
        if event == "c_call" and function.__name__ in ("write", "pwrite"):
            begin()

    sys.addaudithook(audited)
    sys.setprofile(profiled)
