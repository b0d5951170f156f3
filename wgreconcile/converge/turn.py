"""One run at a time on a host, and a turn for everybody, also beside a process that runs again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from wgreconcile.errors import BusyError
from wgreconcile.files import exclusive_lock, make_private_folder

_PAUSE = 0.02


@contextmanager
def turn(var: Path, patience: float, stop: Callable[[], bool]) -> Iterator[timedelta]:
    """Hold the lock for runs, and tell how long that was waited for: a run goes by the time when it begins.

    A lock goes to whoever asks first once it is free, and that is who has just let go of it and wants it again.
    So only one at a time asks for it, the one in the turnstile; who wants it again comes behind. Raise BusyError
    after ``patience`` seconds or when ``stop`` says so, OSError.
    """
    make_private_folder(var)
    with ExitStack() as run:
        with ExitStack() as turnstile:
            waited = _take(turnstile, var / "turnstile", patience, stop)
            waited += _take(run, var / "lock", patience - waited, stop)
        yield timedelta(seconds=waited)


def _take(held: ExitStack, path: Path, patience: float, stop: Callable[[], bool]) -> float:
    """Take a lock; the seconds that it was waited for, 0 when it was free."""
    began, waited = time.monotonic(), 0.0
    while True:
        try:
            held.enter_context(exclusive_lock(path, "run of wgreconcile"))
            return waited
        except BusyError:
            if waited >= patience or stop():
                raise
        time.sleep(_PAUSE)
        waited = time.monotonic() - began
