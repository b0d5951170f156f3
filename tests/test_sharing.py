"""Work shared by threads: every request done in a run that began after it came, and runs that never overlap."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from wgreconcile.errors import BusyError
from wgreconcile.sharing import Group

SOON = 10


class Runs:
    """Records runs; they wait at ``gate``."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self.runs: list[list[int]] = []
        self._busy = threading.Lock()

    def work(self, requests: Sequence[int]) -> list[int | Exception]:
        assert self._busy.acquire(blocking=False), "two runs at once"
        self.runs.append([*requests])
        self.begun.release()
        assert self.gate.wait(SOON)
        self._busy.release()
        return [ValueError(each) if each < 0 else each * 10 for each in requests]


class Asker(threading.Thread):
    """Asks in a thread and keeps what came."""

    def __init__(self, group: Group[int, int], request: int) -> None:
        super().__init__()
        self.group, self.request = group, request
        self.result: int | None = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.group.ask(self.request)
        except BaseException as error:
            self.error = error


@pytest.fixture
def runs() -> Runs:
    return Runs()


def wait_for(group: Group[int, int], count: int) -> None:
    """Wait until so many requests wait for the next run."""
    end = time.monotonic() + SOON
    while not group._open or len(group._open.requests) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_who_comes_alone_is_served_at_once(runs: Runs) -> None:
    runs.gate.set()
    group: Group[int, int] = Group(runs.work)
    assert [group.ask(1), group.ask(2)] == [10, 20]
    assert runs.runs == [[1], [2]]


def test_who_comes_during_a_run_is_served_by_the_next_one(runs: Runs) -> None:
    group: Group[int, int] = Group(runs.work)
    first = Asker(group, 1)
    assert runs.begun.acquire(timeout=SOON)
    others = []
    for number in (2, 3, -4):
        others.append(Asker(group, number))
        wait_for(group, len(others))
    runs.gate.set()
    for each in (first, *others):
        each.join(SOON)
    assert runs.runs == [[1], [2, 3, -4]]
    assert [each.result for each in (first, *others)] == [10, 20, 30, None]
    assert isinstance(others[2].error, ValueError)


def test_an_error_of_the_work_itself_reaches_everybody_and_ends_nothing() -> None:
    calls = []

    def work(requests: Sequence[int]) -> list[int | Exception]:
        calls.append(requests)
        if len(calls) == 1:
            raise MemoryError
        return [*requests]

    group: Group[int, int] = Group(work)
    with pytest.raises(MemoryError):
        group.ask(1)
    assert group.ask(2) == 2


def test_asking_from_inside_a_run_is_an_error_and_no_deadlock() -> None:
    group: Group[int, int] = Group(lambda requests: [group.ask(each) for each in requests])
    with pytest.raises(RuntimeError, match="inside a run"):
        group.ask(1)


def test_writers_who_answer_one_another_meet_again() -> None:
    sizes = []

    def work(requests: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(requests))
        time.sleep(0.01)
        return [*requests]

    group: Group[int, int] = Group(work, patience=0.5)
    start = threading.Barrier(6)

    def ask_again_and_again() -> None:
        start.wait()
        for number in range(10):
            group.ask(number)

    threads = [threading.Thread(target=ask_again_and_again) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SOON)
    assert sum(sizes) == 60
    assert sizes.count(6) >= 8, sizes


def test_who_came_meanwhile_goes_with_those_who_come_back(runs: Runs) -> None:
    group: Group[int, int] = Group(runs.work, patience=SOON)
    first = Asker(group, 1)
    assert runs.begun.acquire(timeout=SOON)
    others = [Asker(group, 2), Asker(group, 3)]
    wait_for(group, 2)
    runs.gate.set()
    first.join(SOON)
    again = Asker(group, 4)
    for each in (*others, again):
        each.join(SOON)
    assert [sorted(each) for each in runs.runs] == [[1], [2, 3, 4]]


def test_patience_ends_when_the_others_are_gone(runs: Runs) -> None:
    runs.gate.set()
    group: Group[int, int] = Group(runs.work, patience=0.05)
    group._expected = 8
    began = time.monotonic()
    group.ask(1)
    assert 0.04 < time.monotonic() - began < 5
    began = time.monotonic()
    group.ask(2)
    assert time.monotonic() - began < 0.04


def test_closing_waits_for_what_was_asked_and_takes_nothing_more(runs: Runs) -> None:
    group: Group[int, int] = Group(runs.work)
    first = Asker(group, 1)
    assert runs.begun.acquire(timeout=SOON)
    second = Asker(group, 2)
    wait_for(group, 1)
    closing = threading.Thread(target=group.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    runs.gate.set()
    for each in (closing, first, second):
        each.join(SOON)
        assert not each.is_alive()
    assert (first.result, second.result) == (10, 20)
    with pytest.raises(BusyError, match="stopping"):
        group.ask(3)
