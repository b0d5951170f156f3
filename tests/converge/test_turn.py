"""Real processes that want to run at the same time: everybody gets a turn, and only one runs."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from wgreconcile.converge.turn import turn
from wgreconcile.errors import BusyError

from ..test_files import python

AGAIN_AND_AGAIN = """if True:
    import sys, time
    from pathlib import Path
    from wgreconcile.converge.turn import turn
    while True:
        with turn(Path(sys.argv[1]), 10, lambda: False):
            print("running", flush=True)
            time.sleep(0.1)
"""


def test_who_comes_runs_soon_beside_one_that_runs_again_and_again(tmp_path: Path) -> None:
    with python(AGAIN_AND_AGAIN, tmp_path) as process:
        assert process.stdout and process.stdout.readline() == "running\n"
        for _ in range(10):
            with turn(tmp_path, 1, lambda: False) as waited:
                assert waited < timedelta(seconds=0.5)
        assert process.stdout.readline() == "running\n"
        process.kill()


def test_two_who_run_again_and_again_share(tmp_path: Path) -> None:
    with python(AGAIN_AND_AGAIN, tmp_path) as one, python(AGAIN_AND_AGAIN, tmp_path) as other:
        time.sleep(3)
        said = []
        for each in (one, other):
            each.kill()
            said.append(len(each.communicate()[0].splitlines()))
    assert min(said) > 5, said
    assert sum(said) < 31, "two ran at the same time"


def test_the_wait_has_an_end(tmp_path: Path) -> None:
    with turn(tmp_path, 0, lambda: False) as waited:
        assert waited == timedelta()
        began = time.monotonic()
        with (
            pytest.raises(BusyError, match=r"another run of wgreconcile holds .*/lock; wait"),
            turn(tmp_path, 0.2, lambda: False),
        ):
            pytest.fail("two run")
        assert 0.2 <= time.monotonic() - began < 1
        with pytest.raises(BusyError), turn(tmp_path, 60, lambda: True):
            pytest.fail("two run")
        assert time.monotonic() - began < 2


def test_what_is_busy_within_a_run_is_not_begun_again(tmp_path: Path) -> None:
    with pytest.raises(BusyError, match="another"), turn(tmp_path, 10, lambda: False):
        raise BusyError("another")
    with turn(tmp_path, 0, lambda: False):
        pass
