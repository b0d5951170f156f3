"""Passes that are shared. What a pass does is made up here: these tests are about who waits for which one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.agent import passes
from wgreconcile.agent.passes import NOT_BEGUN, Passes, Wish
from wgreconcile.api.reconciler import Converged, Outcome
from wgreconcile.converge.outcome import InterfaceOutcome
from wgreconcile.converge.outcome import Outcome as PassOutcome
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.errors import BusyError, StateError, UnsafePlanError, UsageError
from wgreconcile.planning.model import Goal, InterfacePlan, Plan

SOON = 10
ALL = ("wg0", "wg1", "wg2")


class Host:
    """Stands in for ``Steady``: notes what it was asked for, and does as ``answer`` says."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], bool, bool]] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.answer: Callable[[Sequence[str]], Exception | dict[str, tuple[str, str]]] = lambda names: {}

    def reconcile(
        self, names: Sequence[str], now: object, *, prune: bool, force: bool, stop: Any, patience: float
    ) -> Any:
        self.patience = patience
        self.asked.append((tuple(names), force, prune))
        self.entered.release()
        assert self.gate.wait(SOON)
        answer = self.answer(names)
        if isinstance(answer, Exception):
            raise answer
        done = [] if stop() else names or ALL
        plans = (InterfaceOutcome(InterfacePlan(each, Goal(each)), *answer.get(each, ())) for each in done)
        return PassOutcome(Plan(), tuple(plans))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(passes, "Steady", lambda site: host)
    return host


@pytest.fixture
def site(tmp_path: Path) -> Site:
    for name in ALL:
        (tmp_path / f"state/{name}.yaml").parent.mkdir(exist_ok=True)
        (tmp_path / f"state/{name}.yaml").write_text("{}\n")
    return Site(Store(tmp_path / "state"), Secrets(tmp_path / "secrets"), tmp_path / "conf", tmp_path / "var")


def names(outcome: Outcome) -> list[str]:
    return [each.name for each in outcome.interfaces]


def during_a_pass(host: Host, passes: Passes, *wishes: Wish) -> list[Outcome | Exception]:
    """Ask for all of these while a pass for wg0 is under way; what each one got."""
    results: dict[int, Outcome | Exception] = {}

    def ask(number: int, wish: Wish) -> None:
        try:
            results[number] = passes.ask(wish)
        except Exception as error:
            results[number] = error

    host.gate.clear()
    threads = [threading.Thread(target=ask, args=(-1, Wish(frozenset(["wg0"]))))]
    threads[0].start()
    assert host.entered.acquire(timeout=SOON)
    for number, wish in enumerate(wishes):
        threads.append(threading.Thread(target=ask, args=(number, wish)))
        threads[-1].start()
        end = time.monotonic() + SOON
        while len(getattr(passes._group._open, "requests", ())) <= number:
            assert time.monotonic() < end
            time.sleep(0.001)
    host.asked.clear()
    host.gate.set()
    for each in threads:
        each.join(SOON)
    return [results[number] for number in range(len(wishes))]


def wish(*names: str, force: bool = False) -> Wish:
    return Wish(frozenset(names), force)


def test_those_that_come_together_share_one_pass(site: Site, host: Host) -> None:
    results = during_a_pass(host, Passes(site), wish("wg0"), wish("wg1"), wish("wg0"))
    assert host.asked == [(("wg0", "wg1"), False, False)]
    assert [names(each) for each in results if isinstance(each, Outcome)] == [["wg0"], ["wg1"], ["wg0"]]


def test_a_wish_for_all_takes_the_others_along(site: Site, host: Host) -> None:
    results = during_a_pass(host, Passes(site), wish("wg1"), wish())
    assert host.asked == [((), False, False)]
    assert [names(each) for each in results if isinstance(each, Outcome)] == [["wg1"], [*ALL]]


def test_force_is_for_those_who_asked_for_it(site: Site, host: Host) -> None:
    during_a_pass(host, Passes(site), wish("wg0"), wish("wg1", force=True), wish("wg2", force=True))
    assert host.asked == [(("wg0",), False, False), (("wg1", "wg2"), True, True)]


def test_what_one_is_refused_does_not_keep_the_other_waiting(site: Site, host: Host) -> None:
    host.answer = lambda names: UnsafePlanError("wg1: too much") if "wg1" in names else {}
    results = during_a_pass(host, Passes(site), wish("wg0"), wish("wg1"))
    assert host.asked[0] == (("wg0", "wg1"), False, False)
    assert sorted(each for each, *_ in host.asked[1:]) == [("wg0",), ("wg1",)]
    assert results[0] == Outcome((Converged("wg0"),))
    assert isinstance(results[1], UnsafePlanError)


def test_failures_are_told_with_the_way_back(site: Site, host: Host) -> None:
    host.answer = lambda names: {"wg0": ("broken", ""), "wg1": ("broken", "and stuck")}
    assert Passes(site).ask(wish()).interfaces == (
        Converged("wg0", "broken"),
        Converged("wg1", "broken; the way back failed, too: and stuck", returned=False),
        Converged("wg2"),
    )


def test_what_nobody_knows_needs_no_pass(site: Site, host: Host) -> None:
    assert Passes(site).ask(wish("wg7")) == Outcome((Converged("wg7"),))
    assert host.asked == []
    assert names(Passes(site).ask(wish("wg0", "wg7"))) == ["wg0", "wg7"]
    assert host.asked == [(("wg0",), False, False)]


def test_a_managed_interface_that_left_the_state_is_known(site: Site, host: Host) -> None:
    (site.var / "interfaces").mkdir(parents=True)
    (site.var / "interfaces/old.json").write_text("{}")
    Passes(site).ask(wish("old", force=True))
    assert host.asked == [(("old",), True, True)]


def test_it_has_patience_with_another_run(site: Site, host: Host) -> None:
    Passes(site, busy_seconds=0.2).ask(wish("wg0"))
    assert host.patience == 0.2


@pytest.mark.parametrize("error", [StateError([]), BusyError("busy"), UsageError("no"), OSError("disk")])
def test_other_errors_reach_who_asked(site: Site, host: Host, error: Exception) -> None:
    host.answer = lambda names: error
    with pytest.raises(type(error)):
        Passes(site).ask(wish("wg0"))


def test_what_was_not_begun_because_of_a_stop_is_no_success(site: Site, host: Host) -> None:
    stopped = threading.Event()
    shared = Passes(site, stop=stopped.is_set)
    assert not shared.ask(wish("wg0")).failed
    stopped.set()
    assert shared.ask(wish("wg0")) == Outcome((Converged("wg0", NOT_BEGUN),))


def test_once_closed_there_are_no_more(site: Site, host: Host) -> None:
    shared = Passes(site)
    shared.close()
    with pytest.raises(BusyError, match="stopping"):
        shared.ask(wish("wg0"))
