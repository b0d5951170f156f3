"""Signals that would end a run in the middle: asked to stop, it finishes the interface at hand first."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""SIGHUP too: a session through the very tunnel that restarts may end before the tunnel is back."""


@contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Hold signals back; the function given tells whether one came. At the end leave with its status if so."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if not came:
            print("wgreconcile: stopping after the interface at hand", file=sys.stderr)
        came.append(number)

    before = {each: signal.signal(each, note) for each in DEFERRED}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise SystemExit(128 + came[0])  # as a shell has it
