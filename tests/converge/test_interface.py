"""Converging one interface: the order of its journal, verification, the way back, and the end at any point."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from wgreconcile.converge.interface import converge
from wgreconcile.converge.operations import Host
from wgreconcile.converge.records import Record, Records
from wgreconcile.converge.target import Whole
from wgreconcile.errors import CommandError
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ObservedInterface
from wgreconcile.planning.goal import goal_of_absence
from wgreconcile.planning.model import Baseline, Goal
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.render import render_conf

from ..planning.builders import applied, conf, goal, peer
from ..planning.model_host import ModelHost
from ..planning.test_goal import has_its_key, is_back
from ..planning.worlds import World, worlds
from .model_site import ModelSite

OLD, NEW = conf(post_up=("old",), post_down=("old",)), conf(peer("ann"), post_up=("new",), post_down=("new",))


NO_SPACE = "[Errno 28] No space left on device"


def full_disk() -> OSError:
    """A disk that fails; a new one every time, because an exception remembers what it came after."""
    return OSError(28, "No space left on device")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModelSite:
    """wg0 as ``OLD`` has it, applied by an earlier run."""
    made = ModelSite(monkeypatch, tmp_path, applied(OLD), OLD)
    made.remember(Baseline(OLD, applied=True))
    return made


def run(site: ModelSite, wanted: Goal) -> tuple[str, str]:
    outcome = site.run(wanted, Baseline())
    return outcome.error, outcome.return_error


def test_what_wg_quick_does_is_noted_before_and_after(site: ModelSite) -> None:
    assert run(site, goal(NEW)) == ("", "")
    assert site.events == [
        "WriteFile",
        "note that down is under way",
        "TakeDown",
        "note that nothing is under way",
        "note that up is under way",
        "BringUp",
        "note that nothing is under way",
        "look",
        "note that nothing is under way",
    ]
    assert site.records.load("wg0") == Record(render_conf(NEW), up=True)


def test_the_old_configuration_is_remembered_until_the_new_one_comes_up(site: ModelSite) -> None:
    texts = []
    save = site.records.save

    def saved(name: str, record: Record) -> None:
        texts.append((record.running[1:2], record.text))
        save(name, record)

    site.records.save = saved
    run(site, goal(NEW))
    old, new = render_conf(OLD), render_conf(NEW)
    assert texts == [(("down",), old), ((), old), (("up",), new), ((), new), ((), new)]


def test_in_place_only_the_end_is_noted(site: ModelSite) -> None:
    assert run(site, goal(replace(OLD, mtu=1300))) == ("", "")
    assert site.events == ["WriteFile", "Adjust", "look", "note that nothing is under way"]


def test_down_and_gone(site: ModelSite) -> None:
    assert run(site, goal(OLD, up=False)) == ("", "")
    assert site.records.load("wg0") == Record(render_conf(OLD), up=False)
    assert run(site, goal_of_absence("wg0")) == ("", "")
    assert site.records.load("wg0") is None
    assert site.model.observed == ObservedInterface("wg0")


def test_what_needs_a_second_look_gets_it(site: ModelSite) -> None:
    """The first batch of `ip` is lost, as when the kernel drops routes along with an address."""
    lossy = site.model.perform
    site.model.perform = lambda step: (
        None if type(step).__name__ == "Adjust" and site.performed < 3 else lossy(step)
    )
    assert run(site, goal(replace(OLD, mtu=1300))) == ("", "")
    assert site.events[:5] == ["WriteFile", "Adjust", "look", "Adjust", "look"]


def test_what_stays_different_is_named(site: ModelSite) -> None:
    real = site.model.perform
    site.model.perform = lambda step: None if type(step).__name__ in ("SetPeers", "SyncConf") else real(step)
    error, returned = run(site, goal(conf(peer("ann", "10.7.0.2/32"), post_up=("old",), post_down=("old",))))
    assert error == "applied, observed again, and still different: ann create"
    assert returned == ""
    assert site.model.observed == applied(OLD)


@pytest.mark.parametrize(("count", "more"), [(5, ""), (7, " and 2 more")])
def test_of_many_that_stay_different_a_few_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int, more: str
) -> None:
    wanted = conf(*(peer(f"peer {number}") for number in range(count)))
    host = ModelHost(applied(wanted))
    host.change(peers=())
    site = ModelSite(monkeypatch, tmp_path, host.observed, wanted)
    site.remember(Baseline(wanted, applied=True))
    site.model.perform = lambda step: None
    error, returned = run(site, goal(wanted))
    assert re.fullmatch(rf"applied, .* still different: (peer \d create, ){{4}}peer \d create{more}", error)
    assert returned == ""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CommandError(["wg-quick", "up"], 1, "boom"), "`wg-quick up` ended with status 1: boom"),
        (OSError(28, "No space left on device"), NO_SPACE),
        (OSError(28, "No space left on device", "/etc/wireguard/x"), "/etc/wireguard/x: No space left on device"),
        (ValueError("a configuration without a private key"), "a configuration without a private key"),
    ],
)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_whatever_fails_leads_back(site: ModelSite, number: int, error: Exception, words: str) -> None:
    site.before[number] = error
    assert run(site, goal(NEW)) == (words, "")
    assert is_back(site.model.observed, applied(OLD))
    assert site.records.load("wg0") == Record(render_conf(OLD))


def test_the_way_back_brings_up_the_old_hooks(site: ModelSite) -> None:
    site.after[2] = CommandError(["wg-quick", "up"], 1, "PostUp failed")
    assert run(site, goal(NEW)) == ("`wg-quick up` ended with status 1: PostUp failed", "")
    assert site.events[6:] == [
        "look",
        "WriteFile",
        "note that down is under way",
        "TakeDown",
        "note that nothing is under way",
        "note that up is under way",
        "BringUp",
        "note that nothing is under way",
        "look",
        "note that nothing is under way",
    ]
    assert site.in_force.post_up == ("old",)


@pytest.mark.parametrize("wanted", [{"fwmark": 0x1234}, {"post_up": ("new",)}, {"peers": ()}, {"table": "off"}])
def test_what_was_not_touched_is_not_disturbed_on_the_way_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: dict[str, object]
) -> None:
    tunnel = conf(peer("gate", "0.0.0.0/0"), listen_port=7)
    site = ModelSite(monkeypatch, tmp_path, applied(tunnel), tunnel)
    site.remember(Baseline(tunnel, applied=True))
    site.before[0] = full_disk()
    assert run(site, goal(replace(tunnel, **wanted))) == (NO_SPACE, "")
    assert site.events == ["look", "look", "note that nothing is under way"]


def test_what_was_never_there_goes_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = ModelSite(monkeypatch, tmp_path, ObservedInterface("wg0"), Conf())
    site.before[1] = CommandError(["wg-quick", "up"], 1, "boom")
    assert run(site, goal(NEW)) == ("`wg-quick up` ended with status 1: boom", "")
    assert site.model.observed == ObservedInterface("wg0")
    assert site.records.load("wg0") is None


def test_a_way_back_that_fails_says_so_and_the_next_run_mends_it(site: ModelSite) -> None:
    site.before |= {2: CommandError(["wg-quick", "up"], 1, "boom"), 4: full_disk()}
    assert run(site, goal(NEW)) == ("`wg-quick up` ended with status 1: boom", NO_SPACE)
    assert run(site, goal(NEW)) == ("", "")
    assert run(site, goal(OLD)) == ("", "")


RECORD_FULL = "/var/interfaces/wg0.json: No space left on device"


def no_room(site: ModelSite, monkeypatch: pytest.MonkeyPatch, *, until: int = 99, after: int = 0) -> None:
    """Let notes fail from the one of number ``after`` on, up to that of number ``until``."""
    save, count = Records.save, iter(range(100))

    def saved(records: Records, name: str, record: Record) -> None:
        if after <= next(count) < until:
            raise OSError(28, "No space left on device", "/var/interfaces/wg0.json")
        save(records, name, record)

    monkeypatch.setattr(Records, "save", saved)


def test_a_disk_that_takes_no_notes_stops_everything_before_it_happens(
    site: ModelSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_room(site, monkeypatch)
    outcome = site.run(goal(NEW), Baseline())
    problem = f"what was to be done could not be noted, so it was not begun: {RECORD_FULL}"
    assert outcome.error == f"{problem}; make room there and apply again"
    assert (outcome.return_error, outcome.record_error) == ("", RECORD_FULL)
    assert "TakeDown" not in site.events
    assert site.model.observed == applied(OLD)


def test_what_cannot_be_noted_afterwards_is_no_reason_to_go_back(
    site: ModelSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_room(site, monkeypatch)
    outcome = site.run(goal(replace(OLD, mtu=1300)), Baseline())
    assert (outcome.error, outcome.changed, outcome.record_error) == ("", 1, RECORD_FULL)
    assert site.model.live.mtu == 1300
    monkeypatch.undo()


@pytest.mark.parametrize("after", range(6))
def test_wherever_notes_begin_to_fail_the_interface_is_at_the_goal_or_back_and_the_next_run_converges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, after: int
) -> None:
    site = ModelSite(monkeypatch, tmp_path, applied(OLD), OLD)
    site.remember(Baseline(OLD, applied=True))
    with monkeypatch.context() as patch:
        no_room(site, patch, after=after)
        outcome = site.run(goal(NEW), Baseline())
    assert outcome.return_error == ""
    expected = applied(OLD) if outcome.failed else applied(NEW)
    assert is_back(site.model.observed, expected)
    assert site.run(goal(NEW), Baseline()).error == ""
    outcome = site.run(goal(NEW), Baseline())
    assert (outcome.plan.changes, outcome.record_error) == ((), "")


def test_a_note_that_is_taken_later_is_enough(site: ModelSite, monkeypatch: pytest.MonkeyPatch) -> None:
    no_room(site, monkeypatch, after=1, until=2)
    outcome = site.run(goal(NEW), Baseline())
    assert (outcome.error, outcome.record_error) == ("", "")


def test_progress_names_each_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = ModelSite(monkeypatch, tmp_path, applied(OLD), OLD)
    told: list[tuple[str, str]] = []
    plan = plan_interface(goal(NEW), applied(OLD), Baseline(OLD, applied=True))

    def progress(name: str, text: str) -> None:
        told.append((name, text))

    converge(plan, applied(OLD), Baseline(OLD, applied=True), Whole("wg0", Host(tmp_path), site.records), progress)
    steps = ["step 1 of 3: WriteFile", "step 2 of 3: TakeDown", "step 3 of 3: BringUp", "verifying"]
    assert told == [("wg0", text) for text in steps]


# At any point, whatever was found and wanted


class Killed(BaseException):
    """The end of the process."""


LIMITS = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def begin(world: World, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> ModelSite:
    site = ModelSite(patch, tmp_path_factory.mktemp("var"), world.observed, world.baseline.conf)
    if world.baseline.applied:
        site.remember(world.baseline)
    return site


@LIMITS
@given(world=worlds(), number=st.integers(0, 3), late=st.booleans())
def test_killed_at_any_step_the_next_run_converges(
    tmp_path_factory: pytest.TempPathFactory, world: World, number: int, late: bool
) -> None:
    """And nothing ever goes down with the hooks of another configuration than it came up with."""
    assume(world.baseline.applied)
    with pytest.MonkeyPatch.context() as patch:
        site = begin(world, tmp_path_factory, patch)
        (site.after if late else site.before)[number] = Killed()
        try:
            site.run(world.goal, world.baseline)
        except Killed:
            assert site.run(world.goal, world.baseline).error == ""
        assert site.run(world.goal, world.baseline).plan.changes == ()


@LIMITS
@given(world=worlds(), number=st.integers(0, 3), late=st.booleans())
def test_failing_at_any_step_the_interface_is_as_before(
    tmp_path_factory: pytest.TempPathFactory, world: World, number: int, late: bool
) -> None:
    assume(world.baseline.applied and has_its_key(world.observed))
    with pytest.MonkeyPatch.context() as patch:
        site = begin(world, tmp_path_factory, patch)
        record = site.records.load("wg0")
        (site.after if late else site.before)[number] = full_disk()
        outcome = site.run(world.goal, world.baseline)
        assert outcome.return_error == ""
        if outcome.failed:
            assert outcome.error == NO_SPACE
            assert is_back(site.model.observed, world.observed)
            assert site.records.load("wg0") == record
