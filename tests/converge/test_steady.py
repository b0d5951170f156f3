"""Reconciling again and again: a change of a few peers is applied alone, all else as a whole."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.converge import steady
from wgreconcile.converge.outcome import Outcome
from wgreconcile.converge.reconcile import reconcile, reconcile_in_turn, reconcile_rest
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.converge.steady import Steady
from wgreconcile.converge.survey import survey
from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import BusyError, CommandError, ConvergenceError, StateError, UnsafePlanError
from wgreconcile.files import exclusive_lock
from wgreconcile.observed.model import LivePeer, Route
from wgreconcile.planning.model import WriteFile
from wgreconcile.values import Endpoint, Network

from ..observed.strategies import public_key, secret_key
from ..planning.model_host import Refused
from .sites import NOW, Fleet, FleetLook, site_in

BOOM = CommandError(["wg", "addconf"], 1, "boom")


def peer(label: str, **fields: Any) -> dict[str, Any]:
    """A document of a peer; its network is its own."""
    number = int.from_bytes(public_key(label).encode()[:2], "big") % 60000
    network = f"10.{number // 250 + 8}.{number % 250}.1/32"
    return {"public_key": str(public_key(label)), "name": label, "allowed_ips": [network], **fields}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = site_in(tmp_path)
    return replace(found, store=WarmStore(found.store.state))


@pytest.fixture
def fleet(site: Site, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    fleet = Fleet(monkeypatch, site)

    monkeypatch.setattr(steady, "Look", lambda folder, names: FleetLook(fleet, names))
    real = fleet.perform

    def perform(step: Any, name: str) -> None:
        try:
            real(step, name)
        except Refused as error:
            raise CommandError(["ip"], 1, str(error)) from None

    fleet.perform = perform
    return fleet


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The names of each reconcile as a whole."""
    seen: list[tuple[str, ...]] = []

    for real in (reconcile_in_turn, reconcile_rest):

        def as_a_whole(
            site: Site, names: tuple[str, ...], *arguments: Any, real: Callable[..., Outcome] = real
        ) -> Outcome:
            seen.append(tuple(names))
            return real(site, names, *arguments)

        monkeypatch.setattr(steady, real.__name__, as_a_whole)
    return seen


class World:
    """A site with wg0 and four peers, reconciled by a Steady that has seen it."""

    def __init__(self, site: Site, fleet: Fleet, whole: list[tuple[str, ...]]) -> None:
        self.site, self.fleet, self.whole = site, fleet, whole
        self.steady = Steady(site)
        self.save(
            **{
                "wg0.yaml": interface(),
                **{f"wg0/{each}.yaml": peer(each) for each in ("ann", "bob", "cat", "dan")},
            }
        )
        self.run()
        self.run("wg0")
        self.forget_steps()

    def forget_steps(self) -> None:
        self.fleet.performed.clear()
        self.whole.clear()

    def save(self, **documents: Any) -> None:
        self.site.store.save(documents)

    def add(self, label: str, **fields: Any) -> None:
        self.save(**{f"wg0/{label}.yaml": peer(label, **fields)})

    def remove(self, *labels: str) -> None:
        self.save(**dict.fromkeys(f"wg0/{each}.yaml" for each in labels))

    def run(self, *names: str, now: datetime = NOW, **options: Any) -> Outcome:
        return self.steady.reconcile(names, now, **options)

    @property
    def steps(self) -> list[str]:
        return [step for _, step in self.fleet.performed]

    @property
    def live(self) -> dict[str, LivePeer]:
        found = self.fleet.host("wg0").live.peers
        return {str(each.public_key): each for each in found}

    def check_settled(self, now: datetime = NOW) -> None:
        """A survey by somebody who knows nothing finds nothing to do, and the record is what was applied."""
        found = survey(self.site, (), now)
        assert found.plan.is_empty, [*found.plan.changes]
        for each in found.plan.interfaces:
            assert self.site.records.load(each.name) == Record(each.goal.text or "", each.goal.live is not None)


def interface(**fields: Any) -> dict[str, Any]:
    return {"address": "10.7.0.1/24", "listen_port": 51820, "private_key": secret_key("wg0").reveal(), **fields}


@pytest.fixture
def world(site: Site, fleet: Fleet, whole: list[tuple[str, ...]]) -> World:
    return World(site, fleet, whole)


class TestAFewPeers:
    def test_one_that_comes(self, world: World) -> None:
        world.add("eve")
        outcome = world.run("wg0")
        assert (world.steps, world.whole) == (["WriteFile", "SetPeers", "Adjust"], [])
        assert (outcome.interfaces[0].changed, outcome.failed) == (1, False)
        assert str(public_key("eve")) in world.live
        world.check_settled()

    def test_one_that_goes(self, world: World) -> None:
        world.remove("ann")
        world.run("wg0")
        assert (world.steps, world.whole) == (["WriteFile", "RemovePeers", "Adjust"], [])
        assert str(public_key("ann")) not in world.live
        world.check_settled()

    def test_one_that_changes(self, world: World) -> None:
        world.save(**{"wg0/ann.yaml": peer("ann", persistent_keepalive=25)})
        world.run("wg0")
        assert (world.steps, world.whole) == (["WriteFile", "SetPeers"], [])
        world.check_settled()

    def test_many_one_after_the_other(self, world: World) -> None:
        for number in range(20):
            world.add(f"p{number}")
            if number % 3 == 1:
                world.remove(f"p{number - 1}")
            assert not world.run("wg0").failed
        assert world.whole == []
        world.check_settled()

    def test_what_only_people_see_needs_no_step(self, world: World) -> None:
        world.save(**{"wg0/ann.yaml": peer("ann", description="her phone")})
        outcome = world.run("wg0")
        assert (world.steps, world.whole, outcome.interfaces[0].changed) == ([], [], 0)
        world.check_settled()

    def test_a_new_name_is_written_with_the_next_change(self, world: World) -> None:
        world.save(**{"wg0/ann.yaml": {**peer("ann"), "name": "Ann's phone"}})
        world.run("wg0")
        world.add("eve")
        world.run("wg0")
        assert world.whole == []
        assert "# Ann's phone\n" in (world.site.conf_dir / "wg0.conf").read_text()
        world.check_settled()

    def test_one_that_is_disabled_and_enabled(self, world: World) -> None:
        for enabled in (False, True):
            world.save(**{"wg0/ann.yaml": peer("ann", enabled=enabled)})
            world.run("wg0")
            assert (str(public_key("ann")) in world.live) == enabled
        assert world.whole == []
        world.check_settled()

    def test_a_network_that_moves_from_one_to_another(self, world: World) -> None:
        network = peer("ann")["allowed_ips"]
        world.save(
            **{"wg0/ann.yaml": peer("ann", allowed_ips=[]), "wg0/eve.yaml": peer("eve", allowed_ips=network)}
        )
        world.run("wg0")
        assert world.whole == []
        assert world.live[str(public_key("eve"))].allowed_ips == tuple(map(Network, network))
        world.check_settled()

    def test_a_preshared_key_that_is_to_be_made(self, world: World) -> None:
        world.add("eve", preshared_key={"file": "wg0/eve.psk", "generate": True})
        world.run("wg0")
        assert world.whole == []
        key = (world.site.secrets.folder / "wg0/eve.psk").read_text().strip()
        assert world.live[str(public_key("eve"))].preshared_key.reveal() == key
        world.check_settled()

    def test_two_interfaces_at_once(self, world: World) -> None:
        other = interface(address="10.6.0.1/24", listen_port=51821, private_key=secret_key("wg1").reveal())
        world.save(**{"wg1.yaml": other})
        world.run()
        world.forget_steps()
        world.save(**{"wg0/eve.yaml": peer("eve"), "wg1/fay.yaml": peer("fay")})
        outcome = world.run("wg0", "wg1")
        assert world.whole == []
        assert [each.name for each in outcome.interfaces] == ["wg0", "wg1"]
        world.check_settled()

    def test_sessions_of_others_go_on(self, world: World) -> None:
        """They have roamed and counted meanwhile; nothing of that is drift, and nothing is set back."""
        host = world.fleet.host("wg0")
        roamed = Endpoint("192.0.2.7:7")
        host._change(
            peers=tuple(replace(each, endpoint=roamed, rx_bytes=7, latest_handshake=1) for each in host.live.peers)
        )
        world.add("eve")
        world.run("wg0")
        assert world.whole == []
        assert {each.endpoint for key, each in world.live.items() if key != str(public_key("eve"))} == {roamed}
        world.check_settled()


class TestAtRest:
    """What a run before has verified is known from the first pass on that finds nothing moved."""

    @pytest.fixture(autouse=True)
    def an_hour_later(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        later = time.time_ns() + 3600 * 10**9  # what was written a moment ago is not trusted
        monkeypatch.setattr(time, "time_ns", lambda: later)

    @staticmethod
    def start_anew(world: World) -> None:
        """Another process begins with a pass, after one of the process before that left nothing to do."""
        world.run()
        world.run()
        world.site = replace(world.site, store=WarmStore(world.site.store.state))
        world.steady = Steady(world.site)
        assert world.run().rest is not None
        world.forget_steps()

    def test_a_peer_that_comes_is_looked_at_alone(self, world: World) -> None:
        self.start_anew(world)
        for label in ("eve", "fay"):
            world.add(label)
            assert not world.run("wg0").failed
        assert world.whole == []
        assert world.steps == ["WriteFile", "SetPeers", "Adjust"] * 2
        world.check_settled()

    def test_on_one_of_several_interfaces(self, world: World) -> None:
        world.save(**{"wg1.yaml": interface(listen_port=51821, address="10.6.0.1/24")})
        self.start_anew(world)
        world.save(**{"wg1/eve.yaml": peer("eve")})
        world.run("wg1")
        world.add("fay")
        world.run("wg0")
        assert world.whole == []
        world.check_settled()

    def test_what_a_hand_has_done_since_is_healed(self, world: World) -> None:
        self.start_anew(world)
        world.fleet.host("wg0").change_peer(public_key("ann"), allowed_ips=())
        world.add("eve")
        world.run("wg0")
        assert world.whole == [("wg0",)]
        world.check_settled()

    @pytest.mark.parametrize(
        "document",
        [{"wg0.yaml": interface(enabled=False)}, {"wg0/exit.yaml": peer("exit", allowed_ips=["0.0.0.0/0"])}],
        ids=["down", "default-route"],
    )
    def test_what_takes_a_whole_reconcile_gets_it(self, world: World, document: dict[str, Any]) -> None:
        world.save(**document)
        self.start_anew(world)
        world.add("eve")
        world.run("wg0")
        assert world.whole == [("wg0",)]
        world.check_settled()

    @pytest.mark.parametrize("becomes", ["name: kit", "nonsense"])
    def test_documents_that_change_meanwhile_are_not_taken_for_those_that_were_verified(
        self, world: World, monkeypatch: pytest.MonkeyPatch, becomes: str
    ) -> None:
        load = WarmStore.load

        def change_and_load(store: WarmStore) -> DesiredState:
            if store is not before:
                document.write_text(document.read_text().replace("name: cat", becomes))
            return load(store)

        document, before = world.site.store.state / "wg0" / "cat.yaml", world.site.store
        with monkeypatch.context() as patch:
            patch.setattr(WarmStore, "load", change_and_load)
            self.start_anew(world)
        document.write_text(document.read_text().replace("nonsense", "name: cat"))
        world.add("eve")
        world.run("wg0")
        assert world.whole == [("wg0",)]
        world.check_settled()


class TestAfterAWholePass:
    """What a whole reconcile has found as it should be is known by its look, and the next write needs no other."""

    @pytest.fixture
    def looks(self, world: World, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Each look but those of a whole reconcile."""
        seen: list[Any] = []
        real = steady.Look
        monkeypatch.setattr(steady, "Look", lambda folder, names: seen.append(names) or real(folder, names))
        return seen

    def test_which_found_nothing_to_do(self, world: World, looks: list[Any]) -> None:
        world.steady = Steady(world.site)
        assert world.run().rest is None
        assert looks == []
        for label in ("eve", "fay"):
            world.add(label)
            assert not world.run("wg0").failed
        assert world.whole == [()]
        assert len(looks) == 2, "one to verify each"
        world.check_settled()

    def test_which_found_nothing_to_do_after_one_that_did_something(self, world: World, looks: list[Any]) -> None:
        world.save(**{"wg1.yaml": interface(listen_port=51821, address="10.6.0.1/24")})
        world.steady = Steady(world.site)
        for _ in range(2):
            assert world.run().rest is None
        world.add("eve")
        world.run("wg0")
        assert len(looks) == 1, "to verify"
        assert world.whole == [(), ()]

    def test_which_brought_up_another_interface(self, world: World, looks: list[Any]) -> None:
        """The host has become another one since its look."""
        world.add("eve")
        world.run("wg0")
        world.save(**{"wg1.yaml": interface(listen_port=51821, address="10.6.0.1/24")})
        world.run()
        looks.clear()
        world.add("fay")
        world.run("wg0")
        assert len(looks) == 2, "one to see it at its goal, one to verify"
        assert world.whole == [()]
        world.check_settled()

    def test_which_saw_an_interface_come_into_the_state(
        self, world: World, looks: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its first look knew nothing of that one."""
        names = Site.names
        monkeypatch.setattr(Site, "names", lambda site: names(site) - {"wg0"})
        world.steady = Steady(world.site)
        assert not world.run().failed
        world.add("eve")
        assert not world.run("wg0").failed
        assert world.whole == [()]
        world.check_settled()

    def test_since_which_a_hand_has_been_at_work(self, world: World) -> None:
        world.steady = Steady(world.site)
        world.run()
        world.fleet.host("wg0").change_peer(public_key("ann"), allowed_ips=())
        world.add("eve")
        world.run("wg0")
        assert world.whole == [(), ("wg0",)]
        world.check_settled()


class TestAsAWhole:
    """What is not simple is left to a whole reconcile, and it is right all the same."""

    def test_what_nobody_has_seen_yet(self, site: Site, fleet: Fleet, whole: list[tuple[str, ...]]) -> None:
        world = World(site, fleet, whole)
        world.steady = Steady(site)
        world.add("eve")
        world.run("wg0")
        assert whole == [("wg0",)]

    @pytest.mark.parametrize(
        "documents",
        [
            {"wg0.yaml": interface(mtu=1400)},
            {"wg0.yaml": interface(post_up=["true"])},
            {"wg0.yaml": interface(enabled=False)},
            {"wg0/eve.yaml": peer("eve", allowed_ips=["0.0.0.0/0"])},
            {},
        ],
        ids=["settings", "hooks", "down", "default-route", "nothing"],
    )
    def test_more_than_peers(self, world: World, documents: dict[str, Any]) -> None:
        world.save(**documents)
        assert not world.run("wg0").failed
        assert world.whole == [("wg0",)]
        world.check_settled()

    def test_an_interface_with_a_default_route(self, world: World) -> None:
        world.add("exit", allowed_ips=["0.0.0.0/0"])
        world.run("wg0")
        world.whole.clear()
        world.add("eve")
        world.run("wg0")
        assert world.whole == [("wg0",)]
        world.check_settled()

    def test_a_key_in_the_secret_folder_that_was_changed(self, world: World) -> None:
        folder = world.site.secrets.folder
        world.site.secrets.write("wg0.key", secret_key("wg0"))
        world.save(**{"wg0.yaml": interface(private_key={"file": "wg0.key"})})
        world.run("wg0")
        (folder / "wg0.key").write_text(secret_key("other").reveal())
        world.whole.clear()
        world.add("eve")
        world.run("wg0")
        assert world.whole == [("wg0",)]
        world.check_settled()

    def test_somebody_else_has_converged_meanwhile(self, world: World) -> None:
        world.add("eve")
        reconcile(world.site, ("wg0",), NOW)
        world.add("fay")
        world.run("wg0")
        assert world.whole == [("wg0",)]
        world.check_settled()

    def test_time_has_changed_what_is_desired(self, world: World) -> None:
        later = NOW + timedelta(hours=1)
        world.add("eve", expires=later.isoformat())
        world.run("wg0")
        assert world.whole == []
        world.add("fay")
        world.run("wg0", now=later)
        assert world.whole == [("wg0",)]
        assert str(public_key("eve")) not in world.live
        world.check_settled(later)

    def test_a_clock_that_was_set_back(self, world: World) -> None:
        world.add("eve", expires=NOW.isoformat())
        world.run("wg0")
        assert str(public_key("eve")) not in world.live
        earlier = NOW - timedelta(hours=1)
        world.add("fay")
        world.run("wg0", now=earlier)
        assert world.whole == [("wg0",)]
        assert str(public_key("eve")) in world.live
        world.check_settled(earlier)

    def test_an_interface_that_left_the_state(self, world: World) -> None:
        world.save(**dict.fromkeys(["wg0.yaml", *(f"wg0/{each}.yaml" for each in ("ann", "bob", "cat", "dan"))]))
        world.run("wg0", prune=True, force=True)
        assert world.whole == [("wg0",)]
        assert world.site.records.names() == set()


class TestDrift:
    """What was changed by hand shows when all is verified, and a whole reconcile heals it."""

    @pytest.mark.parametrize("field", ["allowed_ips", "persistent_keepalive", "preshared_key"])
    def test_a_live_peer(self, world: World, field: str) -> None:
        host = world.fleet.host("wg0")
        value = {"allowed_ips": (), "persistent_keepalive": 7, "preshared_key": secret_key("x")}[field]
        first, *others = host.live.peers
        host._change(peers=(replace(first, **{field: value}), *others))
        self.check_healed(world)

    def test_a_live_peer_that_was_removed_or_added(self, world: World) -> None:
        host = world.fleet.host("wg0")
        host._change(peers=host.live.peers[1:])
        self.check_healed(world)
        host._change(peers=(*host.live.peers, replace(host.live.peers[0], public_key=public_key("stranger"))))
        self.check_healed(world, "fay")

    @pytest.mark.parametrize(
        ("field", "value"),
        [("listen_port", 7), ("mtu", 1280), ("address", ()), ("is_up", False), ("routes", frozenset())],
    )
    def test_the_interface(self, world: World, field: str, value: object) -> None:
        world.save(**{"wg0.yaml": interface(mtu=1400)})
        world.run("wg0")
        world.add("gus")
        world.run("wg0")
        world.whole.clear()
        world.fleet.host("wg0")._change(**{field: value})
        self.check_healed(world)

    def test_the_file(self, world: World) -> None:
        """It is written anyway."""
        world.add("fay")
        world.run("wg0")
        (world.site.conf_dir / "wg0.conf").write_text("by hand")
        world.add("eve")
        world.run("wg0")
        assert world.whole == []
        world.check_settled()

    def test_the_file_when_there_is_nothing_to_write(self, world: World) -> None:
        world.add("fay")
        world.run("wg0")
        world.forget_steps()
        (world.site.conf_dir / "wg0.conf").chmod(0o644)
        world.save(**{"wg0/ann.yaml": peer("ann", description="her phone")})
        world.run("wg0")
        assert (world.steps, world.whole) == (["WriteFile"], [])
        world.check_settled()

    def check_healed(self, world: World, label: str = "eve") -> None:
        world.add(label)
        assert not world.run("wg0").failed
        assert world.whole == [("wg0",)]
        world.check_settled()
        world.whole.clear()


class TestTrouble:
    @pytest.mark.parametrize("step", ["WriteFile", "SetPeers", "Adjust"])
    def test_a_step_that_fails_leads_back(self, world: World, step: str) -> None:
        before = (world.site.conf_dir / "wg0.conf").read_text(), world.fleet.host("wg0").observed.live
        real = world.fleet.perform

        def fail(each: Any, name: str) -> None:
            real(each, name)
            if type(each).__name__ == step and (public_key("eve") in repr(each) or "add_routes=(R" in repr(each)):
                raise BOOM
            if isinstance(each, WriteFile) and step == "WriteFile" and public_key("eve") in each.text:
                raise BOOM

        world.fleet.perform = fail
        world.add("eve")
        (failed,) = world.run("wg0").interfaces
        assert ("boom" in failed.error, failed.return_error, world.whole) == (True, "", [("wg0",)])
        assert ((world.site.conf_dir / "wg0.conf").read_text(), world.fleet.host("wg0").observed.live) == before
        world.fleet.perform = real
        assert not world.run("wg0").failed
        world.check_settled()

    def test_what_a_hand_has_done_already(self, world: World) -> None:
        """The last look is from before that, so that a step may fail where a whole reconcile has nothing to do."""
        world.add("fay")
        world.run("wg0")
        host = world.fleet.host("wg0")
        (network,) = map(Network, peer("eve")["allowed_ips"])
        host._change(routes=host.live.routes | {Route(network)})
        world.add("eve")
        assert not world.run("wg0").failed
        assert world.whole == [("wg0",)]
        world.check_settled()
        world.add("gus")
        world.run("wg0")
        host._change(routes=host.live.routes - {Route(network)})
        world.remove("eve")
        assert not world.run("wg0").failed
        world.check_settled()

    def test_what_was_done_already_counts(self, world: World) -> None:
        """Somebody else is at work between two steps: all of it is told, and healed."""
        self.meanwhile(world, lambda host: host.change_peer(public_key("bob"), persistent_keepalive=7))
        world.add("eve")
        (outcome,) = world.run("wg0").interfaces
        assert (outcome.failed, world.whole) == (False, [("wg0",)])
        assert {each.peer for each in outcome.plan.changes} == {public_key("eve"), public_key("bob")}
        assert (outcome.plan.subjects, outcome.changed) == (6, 2)
        world.check_settled()
        world.whole.clear()
        world.add("fay")
        world.run("wg0")
        assert world.whole == [], "what was seen as a whole is known"

    def test_a_refusal_after_a_part_says_what_was_changed(self, world: World) -> None:
        for number in range(10):
            world.add(f"p{number}")
        world.run("wg0")

        def meanwhile(host: Any) -> None:
            host.change_peer(public_key("bob"), persistent_keepalive=7)
            world.remove(*(f"p{number}" for number in range(5)))

        self.meanwhile(world, meanwhile)
        world.add("eve")
        words = (
            r"^somebody else .* peers of wg0 were being changed, .* not begun: refused\nwg0: 5 of 15 peers would"
        )
        with pytest.raises(ConvergenceError, match=words):
            world.run("wg0")
        assert str(public_key("eve")) in world.live
        world.run("wg0", force=True)
        world.check_settled()

    def meanwhile(self, world: World, do: Callable[[Any], None]) -> None:
        """Let somebody else do something, once, right after the next step that changes peers."""
        real, pending = world.fleet.perform, [do]

        def perform(step: Any, name: str) -> None:
            real(step, name)
            if type(step).__name__ == "SetPeers" and pending:
                pending.pop()(world.fleet.host(name))

        world.fleet.perform = perform

    def test_a_step_that_always_fails_is_told(self, world: World) -> None:
        world.fleet.fails["wg0", "SetPeers"] = BOOM
        world.add("eve")
        (failed,) = world.run("wg0").interfaces
        assert "boom" in failed.error
        world.fleet.fails.clear()
        world.remove("eve")
        world.run("wg0", force=True)
        world.check_settled()

    def test_too_much_at_once_is_refused(self, world: World) -> None:
        for number in range(10):
            world.add(f"p{number}")
        world.run("wg0")
        world.forget_steps()
        world.remove(*(f"p{number}" for number in range(5)))
        with pytest.raises(UnsafePlanError, match="5 of 14 peers would be removed"):
            world.run("wg0")
        assert (world.steps, world.whole) == ([], [])
        world.run("wg0", force=True)
        assert world.whole == []
        world.check_settled()

    def test_a_key_that_is_missing_is_told(self, world: World) -> None:
        world.add("eve", preshared_key={"file": "nowhere.psk"})
        with pytest.raises(StateError, match=r"nowhere\.psk does not exist"):
            world.run("wg0")
        assert world.steps == []

    def test_another_run_is_waited_for_by_others(self, world: World) -> None:
        world.add("eve")
        with exclusive_lock(world.site.var / "lock", "test"), pytest.raises(BusyError):
            world.run("wg0")
        world.run("wg0")
        world.check_settled()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_it_is_as_a_whole_reconcile_leaves_it(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    labels = [f"p{number}" for number in range(8)]
    for _ in range(30):
        random_.choice(EVENTS)(world, random_, random_.choice(labels))
        assert not world.run("wg0", force=True).failed
        world.check_settled()
    assert len(world.whole) < 30


def _put(world: World, random_: random.Random, label: str) -> None:
    fields = {"persistent_keepalive": random_.choice([15, 25]), "enabled": random_.random() < 0.8}
    endpoint = {"endpoint": f"192.0.2.{random_.randrange(1, 9)}:51820"} if random_.random() < 0.3 else {}
    world.add(label, **fields, **endpoint)


def _drop(world: World, random_: random.Random, label: str) -> None:
    if (world.site.store.state / f"wg0/{label}.yaml").exists():
        world.remove(label)


def _drift(world: World, random_: random.Random, label: str) -> None:
    host = world.fleet.host("wg0")
    kept = tuple(each for each in host.live.peers if random_.random() < 0.9)
    host._change(peers=tuple(replace(each, rx_bytes=each.rx_bytes + 1) for each in kept))
    _put(world, random_, label)


def _by_hand(world: World, random_: random.Random, label: str) -> None:
    """Somebody does or undoes what the next change is about."""
    host = world.fleet.host("wg0")
    routes = {Route(Network(each)) for each in peer(label)["allowed_ips"]}
    host._change(routes=host.live.routes | routes if random_.random() < 0.5 else host.live.routes - routes)
    if random_.random() < 0.5:
        host.change_peer(public_key(label), persistent_keepalive=7, allowed_ips=())
    elif random_.random() < 0.5:
        host._change(peers=tuple(each for each in host.live.peers if each.public_key != public_key(label)))
    random_.choice([_put, _drop])(world, random_, label)


def _elsewhere(world: World, random_: random.Random, label: str) -> None:
    _put(world, random_, label)
    reconcile(world.site, ("wg0",), NOW)
    _put(world, random_, label)


def _resettle(world: World, random_: random.Random, label: str) -> None:
    world.save(**{"wg0.yaml": interface(mtu=random_.choice([1280, 1400]))})


EVENTS: tuple[Callable[[World, random.Random, str], None], ...] = (
    _put,
    _put,
    _put,
    _drop,
    _drift,
    _by_hand,
    _elsewhere,
    _resettle,
)
