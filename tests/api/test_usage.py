"""Usage: whole bytes that only grow, whatever restarts in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.api.reconciler import Snapshot
from wgreconcile.api.runtime.database import Database
from wgreconcile.api.runtime.usage import Sample, Usage, UsageCounters
from wgreconcile.api.sampling import Sampler
from wgreconcile.observed.model import LiveInterface, LivePeer

MANY = 2**62


def sample(rx: int, tx: int, run: str = "", **more: Any) -> Sample:
    return Sample("wg0", "peer", rx, tx, run=run, **more)


def total(usage: Usage) -> tuple[int, int]:
    return usage.earlier_rx + usage.current_rx, usage.earlier_tx + usage.current_tx


@pytest.fixture
def counters(tmp_path: Path) -> UsageCounters:
    return UsageCounters(Database(tmp_path / "runtime.db"))


def of_peer(counters: UsageCounters) -> Usage:
    return counters.of_interface("wg0")["peer"]


def test_never_seen(counters: UsageCounters) -> None:
    assert counters.of_interface("wg0") == {}


def test_live_counters_are_the_current_usage(counters: UsageCounters) -> None:
    counters.update([sample(100, 50)])
    counters.update([sample(300, MANY)])
    usage = of_peer(counters)
    assert (usage.current_rx, usage.current_tx, usage.earlier_rx, usage.earlier_tx) == (300, MANY, 0, 0)


@pytest.mark.parametrize("after", [(0, 0), (10, 60), (110, 5)])
def test_restart_shows_in_a_counter_that_went_down(counters: UsageCounters, after: tuple[int, int]) -> None:
    counters.update([sample(100, 50)])
    counters.update([sample(*after)])
    usage = of_peer(counters)
    assert (usage.current_rx, usage.current_tx, usage.earlier_rx, usage.earlier_tx) == (*after, 100, 50)


def test_restart_shows_in_the_run_even_when_counters_have_grown_beyond(counters: UsageCounters) -> None:
    counters.update([sample(100, 50, "boot-1 3")])
    counters.update([sample(200, 60, "boot-1 3")])
    counters.update([sample(300, 70, "boot-1 4")])
    assert total(of_peer(counters)) == (500, 130)


@pytest.mark.parametrize(("kind", "left"), [("total", (0, 0)), ("receive", (0, 170)), ("sent", (130, 0))])
def test_reset_stays_reset(
    counters: UsageCounters, kind: Literal["total", "receive", "sent"], left: tuple[int, int]
) -> None:
    counters.update([sample(100, 150)])
    counters.update([sample(30, 20)])
    counters.reset("wg0", "peer", kind)
    assert total(of_peer(counters)) == left
    counters.update([sample(30, 20)])
    assert total(of_peer(counters)) == left
    counters.update([sample(31, 22)])
    assert total(of_peer(counters)) == (left[0] + 1, left[1] + 2)
    counters.update([sample(5, 6)])
    assert total(of_peer(counters)) == (left[0] + 6, left[1] + 8)


def test_reset_of_a_peer_that_was_never_seen(counters: UsageCounters) -> None:
    counters.reset("wg0", "peer", "total")
    counters.update([sample(1, 2)])
    assert total(of_peer(counters)) == (1, 2)


def test_a_look_that_was_overtaken_is_no_restart(counters: UsageCounters) -> None:
    sampler = Sampler(counters, lambda name: "boot-1 3")
    for rx, taken_at, known in ((100, 1.0, 100), (200, 3.0, 200), (150, 2.0, 200), (250, 4.0, 250)):
        peer = LivePeer("peer", None, (), None, None, 0, rx)
        sampler(Snapshot((LiveInterface("wg0", None, None, 0, 0, (peer,)),), taken_at))
        assert total(of_peer(counters)) == (known, 0)
    counters.reset("wg0", "peer", "total")
    counters.update([sample(240, 0, taken_at=3.5)])
    assert total(of_peer(counters)) == (0, 0)


def test_fold_says_that_counters_begin_anew(counters: UsageCounters) -> None:
    counters.update([sample(100, 50)])
    counters.fold("wg0", ["peer"])
    assert total(of_peer(counters)) == (100, 50)
    counters.update([sample(200, 60)])
    assert total(of_peer(counters)) == (300, 110)


def test_handshake_and_endpoint_are_the_last_known(counters: UsageCounters) -> None:
    counters.update([sample(1, 1, latest_handshake=1000, endpoint="192.0.2.1:1")])
    counters.update([sample(0, 0)])
    assert (of_peer(counters).latest_handshake, of_peer(counters).endpoint) == (1000, "192.0.2.1:1")
    counters.update([sample(0, 0, latest_handshake=2000, endpoint="192.0.2.2:2")])
    assert (of_peer(counters).latest_handshake, of_peer(counters).endpoint) == (2000, "192.0.2.2:2")


def test_outlives_the_program(tmp_path: Path) -> None:
    first = UsageCounters(Database(tmp_path / "runtime.db"))
    first.update([sample(100, 50, "run"), Sample("wg1", "other", 1, 1)])
    first.reset("wg0", "peer", "sent")
    second = UsageCounters(Database(tmp_path / "runtime.db"))
    assert second.of_interface("wg0") == first.of_interface("wg0")
    second.update([sample(120, 60, "run")])
    assert total(of_peer(second)) == (120, 10)


def test_deleted_peer_is_forgotten(counters: UsageCounters, tmp_path: Path) -> None:
    counters.update([sample(100, 50)])
    before = counters.of_interface("wg0")
    counters.delete("wg0", ["peer", "unknown"])
    counters.delete("wg9", ["peer"])
    assert counters.of_interface("wg0") == {}
    assert len(before) == 1, "what was handed out before does not change"
    assert UsageCounters(Database(tmp_path / "runtime.db")).of_interface("wg0") == {}


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), st.sampled_from("ab"), st.booleans())))
def test_only_grows(steps: list[tuple[int, int, str, bool]]) -> None:
    usage, before = Usage("wg0", "peer"), (0, 0)
    for rx, tx, run, folds in steps:
        usage = usage.folded() if folds else usage.after(sample(rx, tx, run))
        assert total(usage) >= before and usage.current_rx >= 0 and usage.current_tx >= 0
        before = total(usage)
