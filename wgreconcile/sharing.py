"""Work that many threads ask for at once and that one of them does for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from wgreconcile.errors import BusyError

T = TypeVar("T")
R = TypeVar("R")


class Group(Generic[T, R]):
    """Collects what is asked for while a run is under way, and does all of it in the next run.

    ``work`` gets the requests of one run, in the order in which they came, and returns a result or an exception
    for each of them. Runs never overlap, and each begins after all of its requests came. The first who asks
    does the work in its own thread.

    Where many ask again and again, the answers of one run bring the requests of the next: a run waits for as many
    as the last one had, besides those who came meanwhile, because two runs cost more than one. It begins without
    them when nobody has come for ``patience`` seconds.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R | Exception]], *, patience: float = 0.0) -> None:
        self._work = work
        self._patience = patience
        self._mutex = threading.Lock()
        self._arrived = threading.Condition(self._mutex)
        self._running = threading.Lock()
        self._runner = 0
        self._open: _Batch[T, R] | None = None
        self._expected = 1
        self._is_closed = False

    def ask(self, request: T) -> R:
        """The result of the run that holds ``request``. Raises what the run has for it, BusyError when closed."""
        if self._runner == threading.get_ident():
            raise RuntimeError("asked for more from inside a run, which would wait for itself")
        with self._mutex:
            if self._is_closed:
                raise BusyError("wgreconcile is stopping; ask again when it is back")
            leads = self._open is None
            batch = self._open = self._open or _Batch()
            number = batch.add(request)
            if len(batch.requests) >= self._expected:
                self._arrived.notify_all()
        if leads:
            with self._running:
                self._run(batch)
        return batch.result(number)

    def close(self) -> None:
        """Wait for what has been asked for; who asks from here on gets a BusyError."""
        with self._mutex:
            self._is_closed = True
            batch = self._open
        if batch is not None:
            batch.wait()
        with self._running:
            pass

    def _run(self, batch: _Batch[T, R]) -> None:
        with self._mutex:
            self._wait_for_others(batch)
            self._open = None  # who comes from here on waits for the next run
        self._runner = threading.get_ident()
        batch.work(self._work)
        self._runner = 0
        with self._mutex:
            waiting = self._open.requests if self._open else ()
            self._expected = len(batch.requests) + len(waiting)
        batch.answer()

    def _wait_for_others(self, batch: _Batch[T, R]) -> None:
        arrived = 0
        while arrived < len(batch.requests) < self._expected:
            arrived = len(batch.requests)
            self._arrived.wait_for(lambda: len(batch.requests) >= self._expected, self._patience)


class _Batch(Generic[T, R]):
    """The requests of one run, and what came out."""

    def __init__(self) -> None:
        self.requests: list[T] = []
        self._results: Sequence[R | Exception] = ()
        self._error: BaseException | None = None
        self._done = threading.Event()

    def add(self, request: T) -> int:
        self.requests.append(request)
        return len(self.requests) - 1

    def work(self, work: Callable[[Sequence[T]], Sequence[R | Exception]]) -> None:
        try:
            self._results = work(self.requests)
        except BaseException as error:  # nobody may wait for ever, whatever happened to the leader
            self._error = error

    def answer(self) -> None:
        self._done.set()

    def wait(self) -> None:
        self._done.wait()

    def result(self, number: int) -> R:
        self._done.wait()
        if self._error is not None:
            raise self._error
        result = self._results[number]
        if isinstance(result, Exception):
            raise result
        return result
