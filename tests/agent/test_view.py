"""One look at the host however many ask, and never an old one after a change."""

from __future__ import annotations

import threading
import time

import pytest

from wgreconcile.agent.view import LiveView
from wgreconcile.errors import BusyError, CommandError
from wgreconcile.observed.model import LiveInterface

SOON = 10


class Eye:
    """Looks, slowly if asked to; each look finds one interface more."""

    def __init__(self) -> None:
        self.looks = 0
        self.gate = threading.Event()
        self.gate.set()
        self.looking = threading.Semaphore(0)

    def __call__(self) -> tuple[LiveInterface, ...]:
        self.looks += 1
        self.looking.release()
        number = self.looks
        assert self.gate.wait(SOON)
        return tuple(LiveInterface(f"wg{each}", None, None, 0, 0, ()) for each in range(number))


@pytest.fixture
def eye() -> Eye:
    return Eye()


def test_a_look_is_good_for_a_moment(eye: Eye) -> None:
    view = LiveView(eye)
    before = time.monotonic()
    first = view.get()
    assert view.get() is first
    assert before <= first.taken_at <= time.monotonic()
    assert eye.looks == 1


def test_and_no_longer(eye: Eye) -> None:
    view = LiveView(eye, fresh=0.05)
    view.get()
    time.sleep(0.06)
    assert len(view.get().interfaces) == 2


def test_who_wants_it_anew_gets_a_look_that_began_after_the_call(eye: Eye) -> None:
    view, seen = LiveView(eye), []
    view.get()
    eye.gate.clear()
    looking = threading.Thread(target=lambda: view.get(anew=True))
    looking.start()
    eye.looking.acquire()
    assert eye.looking.acquire(timeout=SOON)
    others = [threading.Thread(target=lambda: seen.append(view.get(anew=True))) for _ in range(5)]
    for each in others:
        each.start()
    time.sleep(0.05)
    eye.gate.set()
    for each in (looking, *others):
        each.join(SOON)
    assert [len(each.interfaces) for each in seen] == [3] * 5, "one look for all who came during the second"
    assert view.get() is seen[0]


def test_many_who_ask_at_once_share_a_look(eye: Eye) -> None:
    view, seen = LiveView(eye), []
    eye.gate.clear()
    threads = [threading.Thread(target=lambda: seen.append(view.get())) for _ in range(20)]
    for each in threads:
        each.start()
    time.sleep(0.05)
    eye.gate.set()
    for each in threads:
        each.join(SOON)
    assert (eye.looks, len(seen), len({id(each) for each in seen})) == (1, 20, 1)


def test_a_look_that_hangs_holds_up_nobody_else(eye: Eye) -> None:
    view = LiveView(eye, fresh=0.0, patience=0.2)
    eye.gate.clear()
    first = threading.Thread(target=view.get)
    first.start()
    assert eye.looking.acquire(timeout=SOON)
    with pytest.raises(BusyError, match="`wg show` does not answer"):
        view.get()
    eye.gate.set()
    first.join()
    eye.gate.clear()
    second = threading.Thread(target=view.get)
    second.start()
    assert eye.looking.acquire(timeout=SOON)
    assert len(view.get().interfaces) == 1, "what was seen last"
    assert second.is_alive() and eye.looks == 2
    eye.gate.set()
    second.join()
    assert len(view.get().interfaces) == 3


def test_a_look_that_began_before_a_change_is_no_good_after_it(eye: Eye) -> None:
    view = LiveView(eye)
    eye.gate.clear()
    thread = threading.Thread(target=view.get)
    thread.start()
    assert eye.looking.acquire(timeout=SOON)
    view.outdate()
    eye.gate.set()
    thread.join(SOON)
    assert len(view.get().interfaces) == 2


def test_what_looking_raises_reaches_who_asks_and_is_tried_again(eye: Eye) -> None:
    failures = [CommandError(["wg"], 1, "no")]

    def look() -> tuple[LiveInterface, ...]:
        if failures:
            raise failures.pop()
        return eye()

    view = LiveView(look)
    with pytest.raises(CommandError):
        view.get()
    assert len(view.get().interfaces) == 1
