"""A reconcile of few peers: it does what a whole one does, and leaves to that whatever is not so simple."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.converge import reconcile as reconciling
from wgreconcile.converge.outcome import Outcome
from wgreconcile.converge.reconcile import reconcile
from wgreconcile.converge.records import Record
from wgreconcile.converge.survey import survey
from wgreconcile.desired import saving
from wgreconcile.desired.store import Store
from wgreconcile.errors import CommandError, ConvergenceError, StateError, UnsafePlanError
from wgreconcile.files import keep, kept
from wgreconcile.observed.model import LivePeer
from wgreconcile.planning.model import Adjust, Disruption, Step
from wgreconcile.values import Endpoint

from ..observed.strategies import public_key, secret_key
from ..planning.model_host import Refused
from .sites import NOW, Fleet, site_in

BOOM = CommandError(["wg", "addconf"], 1, "boom")
HEAD = "address: [10.7.0.1/24, 'fd07::1/64']\nlisten_port: 51820\n"


class World:
    """wg0 with four peers, each with a document of its own, applied and found to be at its goal."""

    def __init__(self, folder: Path, fleet: Fleet, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.fleet = folder, fleet
        self.site = replace(fleet.site, store=Store(folder / "state", cache=folder / "var" / "cache"))
        self.whole = 0
        self._hour = 0
        looked = reconciling.Quiet.recall

        def recall(quiet: reconciling.Quiet) -> Outcome | None:
            self.recalled = looked(quiet)
            return self.recalled

        def survey_as_a_whole(*arguments: object, **more: object) -> object:
            self.whole += 1
            return survey(*arguments, **more)

        patch.setattr(reconciling.Quiet, "recall", recall)
        patch.setattr("wgreconcile.converge.everything.survey", survey_as_a_whole)
        real = time.time_ns
        # What was written a moment ago is not trusted: every look happens an hour after the one before.
        patch.setattr(time, "time_ns", lambda: real() + self._hour * 3600 * 10**9)
        self.write("wg0.yaml", HEAD)
        for label in ("ann", "bob", "cat", "dan"):
            self.put(label)
        self.run()
        self.run()
        self.forget()

    def forget(self) -> None:
        self.whole = 0
        self.fleet.performed.clear()

    def write(self, path: str, text: str) -> None:
        target = self.folder / "state" / path
        target.parent.mkdir(exist_ok=True)
        fresh = target.with_name(".fresh")
        fresh.write_text(text)
        fresh.replace(target)

    def put(self, label: str, extra: str = "", *, name: str = "wg0", networks: str = "") -> None:
        number = int.from_bytes(public_key(label).encode()[:2], "big") % 60000
        networks = networks or f"10.{number // 250 + 8}.{number % 250}.0/28"
        self.write(f"{name}/{label}.yaml", f"public_key: {public_key(label)}\nallowed_ips: [{networks}]\n{extra}")

    def remove(self, *labels: str) -> None:
        for each in labels:
            (self.folder / "state" / "wg0" / f"{each}.yaml").unlink()

    def run(self, *names: str, now: datetime = NOW, **options: object) -> Outcome:
        self._hour += 1
        return reconcile(self.site, names, now, **options)

    @property
    def steps(self) -> list[str]:
        return [step for _, step in self.fleet.performed]

    @property
    def live(self) -> dict[str, LivePeer]:
        return {str(each.public_key): each for each in self.fleet.host("wg0").live.peers}

    def check_settled(self, now: datetime = NOW) -> None:
        """Somebody who knows nothing finds nothing to do, and the record is what was applied."""
        fresh = replace(self.site, store=Store(self.site.store.state))
        found = survey(fresh, (), now)
        assert found.plan.is_empty, [*found.plan.changes]
        for each in found.plan.interfaces:
            assert self.site.records.load(each.name) == Record(each.goal.text or "", each.goal.live is not None)

    def check_quiet(self) -> None:
        """The next run knows at once that there is nothing to do."""
        self.forget()
        outcome = self.run()
        assert (self.recalled, self.steps, self.whole) == (outcome, [], 0)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    fleet = Fleet(monkeypatch, site_in(tmp_path))
    real = fleet.perform

    def perform(step: Step, name: str) -> None:
        try:
            real(step, name)
        except Refused as error:
            raise CommandError(["ip"], 1, str(error)) from None

    fleet.perform = perform
    return World(tmp_path, fleet, monkeypatch)


def changed(outcome: Outcome) -> list[tuple[str, int, int]]:
    """Of each interface its name, how many subjects it has, and how many have changed."""
    return [(each.name, each.plan.subjects, each.changed) for each in outcome.interfaces]


class TestFew:
    def test_one_that_comes(self, world: World) -> None:
        world.put("eve")
        outcome = world.run()
        assert (world.steps, world.whole) == (["WriteFile", "SetPeers", "Adjust"], 0)
        assert (changed(outcome), outcome.failed) == ([("wg0", 6, 1)], False)
        world.check_settled()
        world.check_quiet()

    def test_one_that_goes(self, world: World) -> None:
        world.remove("ann")
        outcome = world.run()
        assert (world.steps, world.whole) == (["WriteFile", "RemovePeers", "Adjust"], 0)
        assert changed(outcome) == [("wg0", 5, 1)]
        assert str(public_key("ann")) not in world.live
        world.check_settled()
        world.check_quiet()
        assert changed(world.run()) == [("wg0", 4, 0)], "who went counts no more"

    def test_one_that_changes(self, world: World) -> None:
        world.put("ann", "persistent_keepalive: 25\n")
        world.run()
        assert (world.steps, world.whole) == (["WriteFile", "SetPeers"], 0)
        world.check_settled()
        world.check_quiet()

    def test_one_after_the_other(self, world: World) -> None:
        for number in range(8):
            world.put(f"p{number}")
            if number % 3 == 1:
                world.remove(f"p{number - 1}")
            assert not world.run().failed
        assert world.whole == 0
        world.check_settled()

    def test_right_after_the_document_was_written(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Too young to be trusted by its stamp, it is read again by the next run, too."""
        for _ in range(2):
            world._hour -= 1
            world.put("eve")
            world.run()
        assert world.whole == 0
        world.check_settled()
        world.run()
        world.check_quiet()

    def test_what_only_people_see_needs_no_step(self, world: World) -> None:
        world.put("ann", "description: her phone\n")
        assert changed(world.run()) == [("wg0", 5, 0)]
        assert (world.steps, world.whole) == ([], 0)
        world.check_settled()
        world.check_quiet()

    def test_a_new_name_is_remembered(self, world: World) -> None:
        world.put("ann", "name: Ann's phone\n")
        assert changed(world.run()) == [("wg0", 5, 0)]
        world.check_settled()
        world.put("eve")
        world.run()
        assert "# Ann's phone\n" in (world.site.conf_dir / "wg0.conf").read_text()
        world.check_settled()

    def test_one_that_is_disabled_and_enabled(self, world: World) -> None:
        for enabled in ("false", "true"):
            world.put("ann", f"enabled: {enabled}\n")
            world.run()
            assert (str(public_key("ann")) in world.live) == (enabled == "true")
        assert world.whole == 0
        world.check_settled()

    def test_another_key_in_the_same_document(self, world: World) -> None:
        world.write("wg0/ann.yaml", f"public_key: {public_key('new')}\nallowed_ips: [10.7.0.9/32]\n")
        world.run()
        assert world.whole == 0
        assert str(public_key("ann")) not in world.live
        world.check_settled()

    def test_a_network_that_moves_from_one_to_another(self, world: World) -> None:
        world.put("ann", networks="10.7.0.2/32")
        world.put("bob", networks="10.7.0.3/32, 10.40.0.0/24")
        world.run()
        world.put("ann", networks="10.7.0.2/32, 10.40.0.0/24")
        world.put("bob", networks="10.7.0.3/32")
        world.run()
        assert world.whole == 0
        world.check_settled()

    def test_a_preshared_key_that_is_to_be_made(self, world: World) -> None:
        world.put("eve", "preshared_key: {file: wg0/eve.psk, generate: true}\n")
        world.run()
        assert world.whole == 0
        key = (world.site.secrets.folder / "wg0/eve.psk").read_text().strip()
        made = world.live[str(public_key("eve"))].preshared_key
        assert made is not None
        assert made.reveal() == key
        world.check_settled()

    def test_two_interfaces_at_once_beside_a_third(self, world: World) -> None:
        world.write("wg1.yaml", "address: 10.6.0.1/24\n")
        world.write("wg2.yaml", "address: 10.5.0.1/24\n")
        world.run()
        world.run()
        world.forget()
        world.put("eve")
        world.put("fay", name="wg1")
        outcome = world.run()
        assert changed(outcome) == [("wg0", 6, 1), ("wg1", 2, 1), ("wg2", 1, 0)]
        assert world.whole == 0
        world.check_settled()
        world.check_quiet()

    def test_sessions_of_others_go_on(self, world: World) -> None:
        """They have roamed and counted meanwhile; nothing of that is drift, and nothing is set back."""
        host = world.fleet.host("wg0")
        world.put("ann", "endpoint: 192.0.2.9:9\n")
        world.run()
        world.forget()
        roamed = Endpoint("192.0.2.7:7")
        peers = [each if each.endpoint is None else replace(each, endpoint=roamed) for each in host.live.peers]
        host._change(peers=tuple(replace(each, rx_bytes=7, latest_handshake=1) for each in peers))
        world.put("eve")
        world.run()
        assert world.whole == 0
        assert world.live[str(public_key("ann"))].endpoint == roamed
        world.check_settled()


class TestAsAWhole:
    """What is not simple is left to a whole reconcile."""

    @pytest.mark.parametrize(
        "event",
        [
            lambda world: world.write("wg0.yaml", f"{HEAD}mtu: 1400\n"),
            lambda world: world.write("wg0.yaml", f"{HEAD}enabled: false\n"),
            lambda world: world.put("eve", networks="0.0.0.0/0"),
            lambda world: (world.site.secrets.folder / "wg0.key").write_text(secret_key("other").reveal()),
            lambda world: (world.site.conf_dir / "wg0.conf").write_text("# by hand\n[Interface]\n"),
            lambda world: (world.site.conf_dir / "wg0.conf").chmod(0o644),
            lambda world: world.fleet.host("wg0")._change(mtu=1280),
            lambda world: world.fleet.host("wg0")._change(routes=frozenset()),
            lambda world: world.fleet.host("wg0")._change(peers=world.fleet.host("wg0").live.peers[1:]),
            lambda world: world.site.records.save("wg0", Record("[Interface]\n")),
            lambda world: world.site.records.forget("wg0"),
        ],
        ids=[
            "mtu",
            "down",
            "default",
            "key",
            "file",
            "mode",
            "live-mtu",
            "live-routes",
            "live-peers",
            "record",
            "no-record",
        ],
    )
    def test_more_has_changed_than_few_documents(self, world: World, event: Callable[[World], None]) -> None:
        world.put("fay")
        event(world)
        assert not world.run(force=True).failed
        assert world.whole == 1
        world.check_settled()

    def test_time_has_changed_what_is_desired(self, world: World) -> None:
        later = NOW + timedelta(hours=1)
        world.put("eve", f"expires: '{later.isoformat()}'\n")
        world.run()
        assert world.whole == 0
        world.put("fay")
        world.run(now=later)
        assert world.whole == 1
        assert str(public_key("eve")) not in world.live
        world.check_settled(later)

    def test_an_interface_with_a_default_route(self, world: World) -> None:
        world.put("exit", networks="0.0.0.0/0")
        for _ in range(3):
            world.run()
        world.forget()
        world.put("eve")
        world.run()
        assert world.whole == 1
        world.check_settled()

    def test_half_of_all_peers(self, world: World) -> None:
        """One syncconf costs less then, and it takes the whole configuration."""
        for label in ("ann", "bob", "cat"):
            world.put(label, "persistent_keepalive: 25\n")
        world.run()
        assert (world.steps, world.whole) == (["WriteFile", "SyncConf"], 1)
        world.check_settled()

    def test_only_other_interfaces_were_asked_for(self, world: World) -> None:
        world.write("wg1.yaml", "address: 10.6.0.1/24\n")
        for _ in range(2):
            world.run()
        world.run("wg1")
        world.forget()
        world.put("eve")
        assert changed(world.run("wg1")) == [("wg1", 1, 0)]
        assert world.steps == []

    def test_without_a_folder_to_remember_in(self, world: World) -> None:
        world.site = replace(world.site, store=Store(world.site.store.state))
        world.put("eve")
        world.run()
        assert world.whole == 1
        world.check_settled()

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 7}'])
    def test_a_memory_that_is_spoilt(self, world: World, text: str) -> None:
        keep(world.site.var / "cache" / "quiet.json", text)
        world.put("eve")
        assert not world.run().failed
        assert world.whole == 1
        world.check_settled()

    @pytest.mark.parametrize("key", ["documents", "rest", "seen", "period", "version", "subjects", "orphaned"])
    def test_a_memory_with_a_hole(self, world: World, key: str) -> None:
        path = world.site.var / "cache" / "quiet.json"
        data = json.loads(kept(path))
        del data[key]
        keep(path, json.dumps(data))
        world.put("eve")
        assert not world.run().failed
        world.check_settled()


class TestTrouble:
    @pytest.mark.parametrize("step", ["WriteFile", "SetPeers", "Adjust"])
    def test_a_step_that_fails_leads_back(self, world: World, step: str) -> None:
        before = (world.site.conf_dir / "wg0.conf").read_text(), world.fleet.host("wg0").observed.live
        failures = {step}
        real = world.fleet.perform

        def fail_once(each: Step, name: str) -> None:
            if type(each).__name__ in failures:
                failures.clear()
                raise BOOM
            real(each, name)

        world.fleet.perform = fail_once
        world.put("eve")
        (outcome,) = world.run().interfaces
        assert ("boom" in outcome.error, outcome.return_error) == (True, "")
        assert ((world.site.conf_dir / "wg0.conf").read_text(), world.fleet.host("wg0").observed.live) == before
        assert world.whole == 0
        assert changed(world.run()) == [("wg0", 6, 1)]
        world.check_settled()

    def test_a_way_back_restores_the_file_to_the_byte(self, world: World) -> None:
        """A comment that a hand has changed is no drift, so it may stand there for long."""
        path = world.site.conf_dir / "wg0.conf"
        path.write_text(path.read_text().replace("# bob", "# Robert"))
        world.run()
        world.run()
        before = path.read_text()
        assert "# Robert" in before
        world.fleet.fails["wg0", "SetPeers"] = BOOM
        world.put("eve")
        (outcome,) = world.run().interfaces
        assert ("boom" in outcome.error, outcome.return_error) == (True, "")
        assert path.read_text() == before

    def test_a_way_back_that_fails_is_told(self, world: World) -> None:
        world.fleet.fails["wg0", "SetPeers"] = BOOM
        world.put("ann", "persistent_keepalive: 25\n")
        real = world.fleet.perform

        def lose_it(each: Step, name: str) -> None:
            try:
                real(each, name)
            except CommandError:
                world.fleet.host("wg0").change_peer(public_key("ann"), persistent_keepalive=7)
                raise

        world.fleet.perform = lose_it
        (outcome,) = world.run().interfaces
        assert "boom" in outcome.error
        assert "boom" in outcome.return_error
        world.fleet.fails.clear()
        assert not world.run().failed
        world.check_settled()

    @pytest.mark.parametrize(
        ("meanwhile", "subjects"),
        [
            (lambda host: host.change_peer(public_key("bob"), persistent_keepalive=7), 2),
            (lambda host: host._change(mtu=1280, is_up=False), 2),
            (lambda host: host._change(routes=frozenset()), 4),
            (lambda host: host.perform(Adjust(remove_address=host.live.address[:1])), 5),
        ],
        ids=["peers", "link", "routes", "address"],
    )
    def test_somebody_else_is_at_work_meanwhile(
        self, world: World, meanwhile: Callable[[object], None], subjects: int
    ) -> None:
        """Then it is looked at as a whole, and nothing is led back to what was there before."""
        real = world.fleet.perform

        def perform(each: Step, name: str) -> None:
            real(each, name)
            if type(each).__name__ == "SetPeers" and not world.whole:
                meanwhile(world.fleet.host("wg0"))

        world.fleet.perform = perform
        world.put("ann", "persistent_keepalive: 25\n")
        outcome = world.run()
        assert world.whole == 1
        assert changed(outcome) == [("wg0", 5, subjects)], "what was done already counts, too"
        assert [each.field for each in outcome.plan.changes][:2] == ["persistent_keepalive"] * 2
        world.check_settled()

    def test_one_that_connects_meanwhile(self, world: World) -> None:
        real = world.fleet.perform

        def perform(each: Step, name: str) -> None:
            real(each, name)
            world.fleet.host("wg0").change_peer(public_key("bob"), endpoint=Endpoint("192.0.2.7:7"))

        world.fleet.perform = perform
        world.put("eve")
        assert not world.run().failed
        assert world.whole == 0
        world.check_settled()

    def test_the_way_back_when_somebody_else_is_at_work(self, world: World) -> None:
        """It leads to what was there before anything was done about the few peers."""
        before = world.live
        real = world.fleet.perform

        def perform(each: Step, name: str) -> None:
            if type(each).__name__ == "Adjust":
                world.fleet.host("wg0").change_peer(public_key("bob"), persistent_keepalive=7)
                raise BOOM
            real(each, name)

        world.fleet.perform = perform
        world.put("eve")
        (outcome,) = world.run().interfaces
        assert ("boom" in outcome.error, world.whole) == (True, 1)
        assert world.live == before

    def test_a_refusal_after_a_part_says_what_was_changed(self, world: World) -> None:
        """Here the document of the interface is spoilt between two steps."""
        real = world.fleet.perform

        def perform(each: Step, name: str) -> None:
            real(each, name)
            if type(each).__name__ == "SetPeers":
                world.fleet.host("wg0").change_peer(public_key("bob"), persistent_keepalive=7)
                world.write("wg0.yaml", "address: nonsense\n")

        world.fleet.perform = perform
        world.put("eve")
        words = (
            r"^somebody else .* peers of wg0 were being changed, .* not begun: .*wg0\.yaml:1: address.*nonsense"
        )
        with pytest.raises(ConvergenceError, match=words):
            world.run()
        assert str(public_key("eve")) in world.live
        world.write("wg0.yaml", HEAD)
        world.fleet.perform = real
        assert not world.run().failed
        world.check_settled()

    def test_others_are_not_done_again(self, world: World) -> None:
        world.write("wg1.yaml", "address: 10.6.0.1/24\n")
        world.run()
        world.run()
        world.forget()
        real = world.fleet.perform

        def perform(each: Step, name: str) -> None:
            real(each, name)
            if (name, type(each).__name__, world.whole) == ("wg1", "SetPeers", 0):
                world.fleet.host("wg1")._change(mtu=1280, is_up=False)

        world.fleet.perform = perform
        world.put("eve")
        world.put("fay", name="wg1")
        assert changed(world.run()) == [("wg0", 6, 1), ("wg1", 2, 2)]
        assert world.whole == 1
        assert [name for name, _ in world.fleet.performed].count("wg0") == 3
        world.check_settled()

    def test_somebody_says_stop(self, world: World) -> None:
        world.write("wg1.yaml", "address: 10.6.0.1/24\n")
        world.write("wg2.yaml", "address: 10.5.0.1/24\n")
        world.run()
        world.run()
        world.put("eve")
        world.put("fay", name="wg2")
        asked = iter([False, True, True])
        assert changed(world.run(stop=lambda: next(asked))) == [("wg0", 6, 1), ("wg1", 1, 0)]
        assert changed(world.run()) == [("wg0", 6, 0), ("wg1", 1, 0), ("wg2", 2, 1)]
        world.check_settled()

    def test_what_is_being_saved_is_seen_as_a_whole(self, world: World) -> None:
        """A run that begins in the middle of a save waits for its end, as loading does."""
        began = threading.Event()

        def save() -> None:
            with saving.locked(world.site.store.state, exclusive=True):
                world.put("eve")
                began.set()
                time.sleep(0.2)
                world.put("fay")

        saver = threading.Thread(target=save)
        saver.start()
        assert began.wait(10)
        outcome = world.run()
        saver.join()
        assert changed(outcome) == [("wg0", 7, 2)]

    def test_what_is_saved_after_the_look_is_left_to_loading(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Store.news

        def news(store: Store, *arguments: Any) -> object:
            world.put("ann", "persistent_keepalive: 25\n")
            world.put("eve")
            return real(store, *arguments)

        monkeypatch.setattr(Store, "news", news)
        world.put("ann", "persistent_keepalive: 15\n")
        assert changed(world.run()) == [("wg0", 6, 2)]
        assert world.whole == 1

    def test_too_much_at_once_is_refused(self, world: World) -> None:
        for number in range(10):
            world.put(f"p{number}")
        for _ in range(2):
            world.run()
        world.forget()
        world.remove(*(f"p{number}" for number in range(5)))
        with pytest.raises(UnsafePlanError, match="5 of 14 peers would be removed"):
            world.run()
        with pytest.raises(UnsafePlanError, match="--max-disruption none"):
            world.run(force=True, max_disruption=Disruption.NONE)
        assert (world.steps, world.whole) == ([], 0)
        world.run(force=True)
        assert world.whole == 0
        world.check_settled()

    def test_a_key_that_is_missing_is_told(self, world: World) -> None:
        world.put("eve", "preshared_key: {file: nowhere.psk}\n")
        with pytest.raises(StateError, match=r"eve\.yaml.*nowhere\.psk does not exist"):
            world.run()
        assert world.steps == []

    def test_all_keys_that_are_missing_are_told_at_once(self, world: World) -> None:
        world.write("wg1.yaml", "address: 10.6.0.1/24\n")
        world.run()
        world.run()
        for name in ("wg0", "wg1"):
            world.put("eve", f"preshared_key: {{file: {name}.psk}}\n", name=name)
        with pytest.raises(StateError, match=r"(?s)wg0\.psk does not exist.*wg1\.psk does not exist"):
            world.run()

    def test_a_fault_is_told_with_its_place(self, world: World) -> None:
        world.put("eve", "mtu: 1400\n")
        with pytest.raises(StateError, match=r"wg0/eve\.yaml:3: "):
            world.run()
        assert world.steps == []


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_it_is_as_a_whole_reconcile_leaves_it(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    labels = [f"p{number}" for number in range(8)]
    for _ in range(25):
        for _ in range(random_.randrange(1, 3)):
            random_.choice(EVENTS)(world, random_, random_.choice(labels))
        assert not world.run(force=True).failed
        world.check_settled()
    assert world.whole < 25


def _put(world: World, random_: random.Random, label: str) -> None:
    endpoint = f"endpoint: 192.0.2.{random_.randrange(1, 9)}:51820\n" if random_.random() < 0.3 else ""
    enabled = str(random_.random() < 0.8).lower()
    world.put(label, f"persistent_keepalive: {random_.choice([15, 25])}\nenabled: {enabled}\n{endpoint}")


def _drop(world: World, random_: random.Random, label: str) -> None:
    (world.folder / "state" / "wg0" / f"{label}.yaml").unlink(missing_ok=True)


def _touch(world: World, random_: random.Random, label: str) -> None:
    os.utime(world.folder / "state" / "wg0" / "ann.yaml")


def _drift(world: World, random_: random.Random, label: str) -> None:
    host = world.fleet.host("wg0")
    host._change(peers=tuple(each for each in host.live.peers if random_.random() < 0.9))


def _load(world: World, random_: random.Random, label: str) -> None:
    """As `wgreconcile plan` does: what is remembered of the documents is newer than what was applied."""
    _put(world, random_, label)
    world.site.store.load()


def _resettle(world: World, random_: random.Random, label: str) -> None:
    world.write("wg0.yaml", f"{HEAD}mtu: {random_.choice([1300, 1400])}\n")


EVENTS: tuple[Callable[[World, random.Random, str], None], ...] = (
    _put,
    _put,
    _put,
    _drop,
    _touch,
    _drift,
    _load,
    _resettle,
)
