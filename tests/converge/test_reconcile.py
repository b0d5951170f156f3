"""A whole reconcile: what stops it before it begins, what it does in which order, and what it says afterwards."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from wgreconcile.converge.outcome import Outcome
from wgreconcile.converge.reconcile import reconcile
from wgreconcile.converge.site import Site
from wgreconcile.desired.store import Store
from wgreconcile.errors import BusyError, CommandError, StateError, UnsafePlanError
from wgreconcile.planning.model import Disruption

from ..test_files import HOLD, python
from .sites import NOW, Fleet, document, site_in

BOOM = CommandError(["wg-quick", "up"], 1, "boom")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path)


@pytest.fixture
def fleet(site: Site, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(monkeypatch, site)


def run(site: Site, *names: str, **options: object) -> Outcome:
    return reconcile(site, names, NOW, **options)


def changed(outcome: Outcome) -> dict[str, int]:
    return {each.name: each.changed for each in outcome.interfaces}


def test_the_first_run_brings_everything_up_and_the_second_changes_nothing(
    site: Site, fleet: Fleet, tmp_path: Path
) -> None:
    document(tmp_path, "wg0", "ann", "bob")
    document(tmp_path, "wg1")
    first = run(site)
    assert (changed(first), first.failed) == ({"wg0": 3, "wg1": 1}, False)
    assert fleet.performed == [(name, step) for name in ("wg0", "wg1") for step in ("WriteFile", "BringUp")]
    fleet.performed.clear()
    second = run(site)
    assert (changed(second), second.plan.is_empty) == ({"wg0": 0, "wg1": 0}, True)
    assert fleet.performed == []
    assert site.records.names() == {"wg0", "wg1"}


def test_one_line_changes_one_thing(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0", "ann", "bob", "cat")
    run(site)
    fleet.performed.clear()
    document(tmp_path, "wg0", "ann", "bob", "cat", "dan")
    assert changed(run(site)) == {"wg0": 1}
    assert fleet.performed == [("wg0", "WriteFile"), ("wg0", "SetPeers"), ("wg0", "Adjust")]


def test_names_narrow_it(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0")
    document(tmp_path, "wg1")
    assert changed(run(site, "wg1")) == {"wg1": 1}
    assert fleet.host("wg0").observed.live is None


def test_what_goes_down_makes_room_first(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0", enabled="false", listen_port=7)
    document(tmp_path, "wg1", listen_port=7)
    run(site)
    document(tmp_path, "wg0", listen_port=7)
    document(tmp_path, "wg1", enabled="false", listen_port=7)
    fleet.performed.clear()
    outcome = run(site)
    assert fleet.performed == [("wg1", "TakeDown"), ("wg0", "BringUp")]
    assert [each.name for each in outcome.interfaces] == ["wg0", "wg1"]


def test_one_that_fails_is_led_back_and_the_others_are_converged(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    for name in ("wg0", "wg1", "wg2"):
        document(tmp_path, name)
    fleet.fails["wg1", "BringUp"] = BOOM
    outcome = run(site)
    assert outcome.failed
    assert {each.name: (each.failed, each.changed, each.return_error) for each in outcome.interfaces} == {
        "wg0": (False, 1, ""),
        "wg1": (True, 0, ""),
        "wg2": (False, 1, ""),
    }
    assert outcome.interfaces[1].error == str(BOOM)
    assert fleet.host("wg1").observed.file is None
    assert site.records.names() == {"wg0", "wg2"}
    fleet.fails.clear()
    assert changed(run(site)) == {"wg0": 0, "wg1": 1, "wg2": 0}


def test_a_state_with_a_fault_changes_nothing(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0")
    document(tmp_path, "wg1", mtu="huge")
    with pytest.raises(StateError):
        run(site)
    assert (fleet.performed, site.records.names()) == ([], set())


def test_an_unsafe_plan_changes_nothing(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0", *(f"peer{number}" for number in range(12)))
    document(tmp_path, "wg1")
    run(site)
    fleet.performed.clear()
    document(tmp_path, "wg0", "peer0")
    document(tmp_path, "wg1", mtu=1400)
    with pytest.raises(UnsafePlanError, match="wg0: 11 of 12 peers would be removed"):
        run(site)
    with pytest.raises(UnsafePlanError, match="--max-disruption none"):
        run(site, force=True, max_disruption=Disruption.NONE)
    assert fleet.performed == []
    assert changed(run(site, force=True)) == {"wg0": 11, "wg1": 1}


def test_what_left_the_state_stays_until_it_is_pruned(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0")
    run(site)
    (tmp_path / "state" / "wg0.yaml").unlink()
    assert run(site).plan.orphaned == ("wg0",)
    assert fleet.host("wg0").observed.live is not None
    with pytest.raises(UnsafePlanError, match="the interface with its 0 peers would be removed"):
        run(site, prune=True)
    assert not run(site, prune=True, force=True).failed
    assert (fleet.host("wg0").observed.live, site.records.names()) == (None, set())
    assert not (site.conf_dir / "wg0.conf").exists()


def test_what_is_as_it_shall_be_is_taken_into_care(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    """An interface that was imported is managed from its first run on, without a change."""
    document(tmp_path, "wg0", "ann")
    run(site)
    site.records.forget("wg0")
    fleet.performed.clear()
    assert changed(run(site)) == {"wg0": 0}
    assert (fleet.performed, site.records.names()) == ([], {"wg0"})


def test_what_a_hand_has_removed_already_is_forgotten_when_it_is_pruned(
    site: Site, fleet: Fleet, tmp_path: Path
) -> None:
    document(tmp_path, "wg0")
    run(site)
    (tmp_path / "state" / "wg0.yaml").unlink()
    (site.conf_dir / "wg0.conf").unlink()
    fleet.hosts.clear()
    assert changed(run(site, prune=True)) == {"wg0": 0}
    assert site.records.names() == set()


def test_the_first_run_makes_its_folder_and_clears_away_what_others_left(
    site: Site, fleet: Fleet, tmp_path: Path
) -> None:
    document(tmp_path, "wg0")
    site.var.rmdir()
    (site.conf_dir / ".wgreconcile").mkdir()
    (site.conf_dir / ".wgreconcile" / "wg0.conf").write_text("key")
    assert changed(run(site)) == {"wg0": 1}
    assert site.var.stat().st_mode & 0o777 == 0o700
    assert list((site.conf_dir / ".wgreconcile").iterdir()) == []


def test_when_nothing_moved_nothing_is_read(
    site: Site, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document(tmp_path, "wg0", "ann")
    later = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr("wgreconcile.converge.quiet.time.time_ns", lambda: later)
    run(site)
    run(site)
    monkeypatch.setattr(Store, "load", lambda store: pytest.fail("it loaded"))
    outcome = run(site)
    assert [(each.name, each.plan.subjects, each.changed) for each in outcome.interfaces] == [("wg0", 2, 0)]


def test_no_further_interface_is_begun_when_asked_to_stop(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0")
    document(tmp_path, "wg1")
    answers = iter([False, True])
    outcome = run(site, stop=lambda: next(answers))
    assert [each.name for each in outcome.interfaces] == ["wg0"]
    assert [each.name for each in outcome.plan.interfaces] == ["wg0", "wg1"]
    assert fleet.host("wg1").observed.live is None


def test_another_run_at_the_same_time_is_told_to_wait(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0")
    with python(HOLD, site.var / "lock") as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match="another run of wgreconcile holds"):
            run(site)
        assert fleet.performed == []
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert changed(run(site)) == {"wg0": 1}


def test_progress_is_told(site: Site, fleet: Fleet, tmp_path: Path) -> None:
    document(tmp_path, "wg0")
    told: list[tuple[str, str]] = []
    run(site, progress=lambda name, text: told.append((name, text)))
    assert told == [("wg0", "step 1 of 2: WriteFile"), ("wg0", "step 2 of 2: BringUp"), ("wg0", "verifying")]
