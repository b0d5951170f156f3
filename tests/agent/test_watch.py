"""When a pass is due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from wgreconcile.agent import watch
from wgreconcile.agent.watch import LOOK_SECONDS, Watch
from wgreconcile.api.reconciler import Converged, Outcome
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.errors import BusyError

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="


class Clock:
    """The clock on the wall and the one that is never set, turned by hand."""

    def __init__(self) -> None:
        self.wall = datetime(2030, 1, 1, tzinfo=timezone.utc)
        self.steady = 100.0

    def pass_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds

    def now(self, zone: timezone) -> datetime:
        return self.wall.astimezone(zone)

    def monotonic(self) -> float:
        return self.steady


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    class Datetime(datetime):
        now = staticmethod(clock.now)

    monkeypatch.setattr(watch, "datetime", Datetime)
    monkeypatch.setattr(watch.time, "monotonic", clock.monotonic)
    return clock


class Watched:
    """A state folder and the passes over it, each with the time of it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        (folder / "state").mkdir()
        self.path, self.clock = folder / "state/wg0.yaml", clock
        self.path.write_text("{}\n")
        self.passes: list[float] = []
        self.fails: list[Exception] = []
        site = Site(Store(folder / "state"), Secrets(folder / "secrets"), folder / "conf", folder / "var")
        self.watch = Watch(site, self.converge, 60)

    def converge(self) -> Outcome:
        self.passes.append(self.clock.steady - 100)
        if self.fails:
            raise self.fails.pop()
        return Outcome((Converged("wg0", "broken"), Converged("wg1", changed=True)))

    def expire(self, seconds: float) -> None:
        moment = (self.clock.wall + timedelta(seconds=seconds)).isoformat()
        self.path.write_text(f"peers: [{{public_key: {KEY}, expires: '{moment}'}}]\n")

    def run(self, seconds: float) -> None:
        """Look as a thread would do."""
        end = self.clock.steady + seconds
        while self.clock.steady < end:
            self.clock.pass_by(min(self.watch.look(), end - self.clock.steady))


@pytest.fixture
def watched(tmp_path: Path, clock: Clock) -> Watched:
    return Watched(tmp_path, clock)


def test_it_begins_at_once_and_goes_on(watched: Watched) -> None:
    watched.run(150)
    assert watched.passes == [0, 60, 120]


def test_who_expires_is_waited_for_to_the_second(watched: Watched) -> None:
    watched.expire(7)
    watched.run(30)
    assert watched.passes == [0, 7]


def test_one_that_is_written_meanwhile_is_seen_in_time(watched: Watched) -> None:
    watched.run(20)
    watched.expire(LOOK_SECONDS + 5)
    watched.run(LOOK_SECONDS + 10)
    assert watched.passes == [0, 20 + LOOK_SECONDS + 5]


def test_who_has_expired_long_ago_is_no_news(watched: Watched) -> None:
    watched.expire(-7)
    watched.run(50)
    assert watched.passes == [0]


def test_a_clock_that_is_set_back_stops_nothing(watched: Watched, clock: Clock) -> None:
    watched.run(30)
    clock.wall -= timedelta(days=365)
    watched.run(100)
    assert watched.passes == [0, 60, 120]


def test_a_pass_that_failed_is_tried_again(watched: Watched) -> None:
    watched.fails = [BusyError("busy"), BusyError("busy")]
    for _ in range(2):
        with pytest.raises(BusyError):
            watched.watch.look()
    watched.run(30)
    assert watched.passes == [0, 0, 0]


def test_what_came_of_it_is_told(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        watched.watch.look()
    assert [each.message for each in caplog.records] == ["wg0: broken", "wg1: converged"]
