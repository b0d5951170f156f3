"""Surveys: which interfaces a plan is about, against what they are held, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from wgreconcile.converge.reconcile import reconcile
from wgreconcile.converge.records import Record
from wgreconcile.converge.survey import survey
from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.store import Store
from wgreconcile.errors import StateError, UsageError
from wgreconcile.observed.conf import Conf
from wgreconcile.planning.model import Cause, Place
from wgreconcile.planning.render import render_conf

from ..planning.builders import conf
from .sites import NOW, Fleet, document, site_in


def names(plans: object) -> list[str]:
    return [each.name for each in plans.interfaces]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site_in(tmp_path)
    return tmp_path


def offline(folder: Path, *chosen: str, **options: object) -> object:
    return survey(site_in(folder), chosen, NOW, offline=True, **options)


def test_all_interfaces_or_the_named_ones(folder: Path) -> None:
    document(folder, "wg0")
    document(folder, "wg1")
    assert names(offline(folder).plan) == ["wg0", "wg1"]
    assert names(offline(folder, "wg1").plan) == ["wg1"]
    with pytest.raises(UsageError, match=r"^no interface wg7, wg9 in the state; it has wg0, wg1$"):
        offline(folder, "wg9", "wg0", "wg7")


def test_files_of_others_are_unmanaged_and_not_even_read(folder: Path) -> None:
    document(folder, "wg0")
    (folder / "conf" / "wg7.conf").write_text("<html>")
    found = offline(folder)
    assert found.plan.unmanaged == ("wg7",)
    assert names(found.plan) == ["wg0"]


def test_what_left_the_state_is_orphaned_until_it_is_pruned(folder: Path) -> None:
    site_in(folder).records.save("wg9", Record(render_conf(conf())))
    (folder / "conf" / "wg9.conf").write_text(render_conf(conf()))
    document(folder, "wg0")
    found = offline(folder)
    assert (names(found.plan), found.plan.orphaned, found.plan.unmanaged) == (["wg0"], ("wg9",), ())
    pruned = offline(folder, prune=True)
    assert (names(pruned.plan), pruned.plan.orphaned) == (["wg0", "wg9"], ())
    assert pruned.plan.interfaces[1].removes_interface
    assert names(offline(folder, "wg9", prune=True).plan) == ["wg9"]
    assert offline(folder, "wg0").plan.orphaned == ()


@pytest.mark.parametrize(
    ("record", "file", "cause"),
    [
        (None, None, Cause.NEW),
        (None, conf(mtu=1300), Cause.NEW),
        (Record(render_conf(conf(mtu=1300))), conf(mtu=1300), Cause.STATE),
        (Record(render_conf(conf(mtu=1400))), conf(mtu=1300), Cause.DISK),
        (Record(""), conf(mtu=1300), Cause.STATE),
    ],
)
def test_the_baseline_is_what_was_applied_or_else_what_is_found(
    folder: Path, record: Record | None, file: Conf | None, cause: Cause
) -> None:
    document(folder, "wg0", mtu=1400)
    if record:
        site_in(folder).records.save("wg0", record)
    if file:
        (folder / "conf" / "wg0.conf").write_text(render_conf(file))
        (folder / "conf" / "wg0.conf").chmod(0o600)
    found = offline(folder)
    (change,) = [each for each in found.plan.changes if each.field == "mtu"]
    assert change.cause is cause
    assert found.baselines["wg0"].applied is (record is not None)
    assert found.baselines["wg0"].conf.mtu == (1400 if cause is Cause.DISK else file and 1300)


def test_offline_nothing_live_is_an_issue(folder: Path) -> None:
    document(folder, "wg0", "ann")
    (plan,) = offline(folder).plan.interfaces
    assert {each.place for each in plan.changes} == {Place.FILE}


def test_a_peer_expires_by_the_time_of_the_survey(folder: Path) -> None:
    document(folder, "wg0")
    with (folder / "state" / "wg0.yaml").open("a") as file:
        file.write(f"# {NOW}\n")
    text = (
        (folder / "state" / "wg0.yaml")
        .read_text()
        .replace(
            "peers: []",
            "peers: [{public_key: wM3ZgHgPQYT0jMGZ6Pbl0IkVpaSPFM1ohGoCBEk9UQ8=, expires: '2030-01-01T12:00Z'}]",
        )
    )
    (folder / "state" / "wg0.yaml").write_text(text)
    before = survey(site_in(folder), (), NOW, offline=True).plan.interfaces[0].goal.conf
    after = survey(site_in(folder), (), NOW + timedelta(days=1), offline=True).plan.interfaces[0].goal.conf
    assert before is not None and after is not None
    assert (len(before.peers), len(after.peers)) == (1, 0)


def test_an_interrupted_run_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document(folder, "wg0")
    site = site_in(folder)
    fleet = Fleet(monkeypatch, site)
    first = survey(site, (), NOW).plan.interfaces[0]
    for step in first.steps:
        fleet.perform(step, "wg0")
    text = first.goal.text or ""
    site.records.save("wg0", Record(text, running=("wg-quick", "down", "x")))
    assert survey(site, (), NOW).plan.is_empty
    site.records.save("wg0", Record(text, running=("wg-quick", "up", "x")))
    assert [each.field for each in survey(site, (), NOW).plan.changes] == ["link"]


def test_a_plan_makes_no_secret_and_an_apply_does(folder: Path) -> None:
    document(folder, "wg0", private_key="{file: wg0.key, generate: true}")
    first = offline(folder)
    assert not (folder / "secrets").exists()
    kept = survey(site_in(folder), (), NOW, offline=True, generate=True)
    assert (folder / "secrets" / "wg0.key").stat().st_mode & 0o777 == 0o600
    assert first.plan.interfaces[0].goal.text != kept.plan.interfaces[0].goal.text
    assert offline(folder).plan.interfaces[0].goal == kept.plan.interfaces[0].goal


@pytest.mark.parametrize("trace", ["record", "file"])
def test_the_key_of_an_interface_that_is_not_new_is_never_made_anew(folder: Path, trace: str) -> None:
    """A new one would lock every peer out."""
    document(folder, "wg0", private_key="{file: wg0.key, generate: true}")
    if trace == "record":
        site_in(folder).records.save("wg0", Record(render_conf(conf())))
    else:
        (folder / "conf" / "wg0.conf").write_text(render_conf(conf()))
    with pytest.raises(StateError):
        offline(folder, generate=True)


def test_a_key_that_goes_meanwhile_with_what_refers_to_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document(folder, "wg0", private_key="{file: gone.key}")
    real = Store.load

    def load(store: Store) -> DesiredState:
        found = real(store)
        document(folder, "wg0")
        return found

    monkeypatch.setattr(Store, "load", load)
    assert names(offline(folder).plan) == ["wg0"]


def test_all_secrets_that_are_missing_are_told_at_once(folder: Path) -> None:
    for name in ("wg0", "wg1"):
        document(folder, name, private_key=f"{{file: {name}.key}}")
    with pytest.raises(StateError) as error:
        offline(folder)
    assert len(error.value.faults) == 2


class Late(Store):
    """A store in which somebody writes a document just when it is loaded."""

    def load(self) -> DesiredState:
        document(self.state.parent, "wg1", "ann")
        return super().load()


@pytest.mark.parametrize("offline", [True, False])
def test_an_interface_that_comes_into_the_state_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    """It is looked at before anything is planned for it."""
    site = site_in(folder)
    fleet = Fleet(monkeypatch, site)
    document(folder, "wg1", "ann")
    reconcile(site, (), NOW)
    (folder / "state" / "wg1.yaml").unlink()
    site.records.forget("wg1")
    found = survey(replace(site, store=Late(site.store.state)), (), NOW, offline=offline)
    assert found.plan.is_empty
    assert fleet.host("wg1").lives == 1
