"""Something done again and again, until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from itertools import pairwise

import pytest

from wgreconcile.agent.periodic import Periodic
from wgreconcile.errors import BusyError

SOON = 10


def test_it_begins_at_once_and_goes_on_as_asked() -> None:
    moments, enough = [], threading.Event()

    def do() -> float:
        moments.append(time.monotonic())
        if len(moments) == 3:
            enough.set()
        return 0.05

    periodic = Periodic("test", do, retry=SOON)
    began = time.monotonic()
    periodic.start()
    assert enough.wait(SOON)
    periodic.stop()
    assert not periodic._thread.is_alive()
    assert moments[0] - began < 1
    assert all(0.045 < later - earlier < 2 for earlier, later in pairwise(moments))


def test_stopping_waits_for_what_is_being_done_and_for_no_more() -> None:
    entered, gate, done = threading.Event(), threading.Event(), []

    def do() -> float:
        entered.set()
        assert gate.wait(SOON)
        done.append(True)
        return 0

    periodic = Periodic("test", do, retry=0)
    periodic.start()
    assert entered.wait(SOON)
    threading.Timer(0.05, gate.set).start()
    periodic.stop()
    assert len(done) == 1


def test_stopping_what_never_began_is_harmless() -> None:
    Periodic("test", pytest.fail, retry=0).stop()


def test_errors_are_told_and_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    errors = [BusyError("another run"), ZeroDivisionError()]
    came_back = threading.Event()

    def do() -> float:
        if errors:
            raise errors.pop(0)
        came_back.set()
        return SOON

    periodic = Periodic("passes", do, retry=0.01)
    with caplog.at_level(logging.ERROR):
        periodic.start()
        assert came_back.wait(SOON)
        periodic.stop()
    assert [each.message for each in caplog.records] == ["passes: another run", "passes: "]
    assert [bool(each.exc_info) for each in caplog.records] == [False, True]
