"""The reconciler of a long-lived process and the write path on top of it, on a test host with real interfaces."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

from ..hosts.scenario import Scenario, eventually, interface, peer, public_key
from .driven import STATE, Driven, key

SECRETS = STATE.parent / "secrets"

Start = Callable[..., Driven]


@pytest.fixture
def wg0(scenario: Scenario) -> Scenario:
    """The host with wg0, one peer and nothing applied yet."""
    scenario.desire(wg0=interface(peer("alice", "10.9.0.2/32"), address=["10.9.0.1/16"]))
    return scenario


def names_in_yaml(scenario: Scenario) -> dict[str, str]:
    """Public keys with their preshared keys, as the state has them."""
    found = {
        each["public_key"]: "(none)" for each in yaml.safe_load(scenario.host.read(f"{STATE}/wg0.yaml"))["peers"]
    }
    for path in scenario.host.path(f"{STATE}/wg0").glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        found[document["public_key"]] = scenario.host.read(
            f"{SECRETS}/{document['preshared_key']['file']}"
        ).strip()
    return found


def check_all_agree(scenario: Scenario) -> None:
    """YAML, configuration file and live interface have the same peers with the same keys."""
    desired = names_in_yaml(scenario)
    assert scenario.peers("preshared-keys") == desired
    stripped = scenario.host.run(["wg-quick", "strip", "wg0"]).stdout
    in_file: dict[str, str] = {}
    for section in stripped.split("[Peer]")[1:]:
        fields = dict(line.split(" = ", 1) for line in section.strip().splitlines() if " = " in line)
        psk = fields.get("PresharedKey", "(none)")
        in_file[fields["PublicKey"]] = "(none)" if psk.startswith("AAAAAAAAAA") else psk
    assert in_file == desired
    scenario.check_settled()


class TestConverge:
    def test_the_first_pass_applies_and_the_next_finds_nothing(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        assert driven.converge() == [{"name": "wg0", "error": "", "returned": True, "changed": True}]
        assert driven.converge("wg0") == [{"name": "wg0", "error": "", "returned": True, "changed": False}]
        assert [*wg0.peers("endpoints")] == [public_key("alice")]

    def test_a_failure_is_told_and_led_back(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        before = wg0.snapshot()
        wg0.desire(wg0=interface(address=["10.9.0.1/16"], post_up=["false"]))
        (failed,) = driven.converge()
        assert "wg-quick up" in failed["error"]
        assert (failed["returned"], failed["changed"]) == (True, False)
        assert wg0.snapshot() == before

    def test_an_invalid_state_is_told(self, wg0: Scenario, start: Start) -> None:
        wg0.host.write(f"{STATE}/wg0.yaml", "address: nonsense\n")
        assert start().converge().startswith(f"StateError: {STATE}/wg0.yaml:1: address[0]: 'nonsense'")

    def test_what_is_neither_desired_nor_managed_is_fine(self, wg0: Scenario, start: Start) -> None:
        assert start().converge("wg7") == [{"name": "wg7", "error": "", "returned": True, "changed": False}]

    def test_what_left_the_state_goes_with_force_only(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        wg0.desire()
        driven.converge("wg0")
        assert wg0.is_live()
        assert driven.converge("wg0", force=True)[0]["changed"]
        assert not wg0.is_live()

    def test_too_much_at_once_goes_with_force_only(self, wg0: Scenario, start: Start) -> None:
        wg0.desire(wg0=interface(*(peer(f"p{n}", f"10.9.0.{n + 2}/32") for n in range(12))))
        driven = start()
        driven.converge()
        wg0.desire(wg0=interface())
        assert driven.converge("wg0").startswith("UnsafePlanError: refused, nothing was changed")
        assert driven.converge("wg0", force=True)[0]["changed"]
        assert wg0.peers("endpoints") == {}

    def test_it_waits_for_the_command_line(self, wg0: Scenario, start: Start) -> None:
        driven = start(busy_seconds=1)
        driven.converge()
        lock = ["flock", "/var/lib/wgreconcile/lock", "sleep"]
        with wg0.host.popen([*lock, "0.5"]):
            time.sleep(0.1)
            assert driven.converge("wg0")[0]["error"] == ""
        with wg0.host.popen([*lock, "3"]):
            time.sleep(0.1)
            assert driven.converge("wg0").startswith("BusyError: another run of wgreconcile holds")


class TestWatch:
    def test_drift_is_healed_at_the_next_pass(self, wg0: Scenario, start: Start) -> None:
        start(is_started=True, pass_seconds=0.3)
        assert eventually(wg0.is_live)
        assert eventually(lambda: public_key("alice") in wg0.peers("endpoints"))
        wg0.by_hand(f"wg set wg0 peer {public_key('alice')} remove")
        assert eventually(lambda: public_key("alice") in wg0.peers("endpoints"))

    def test_faults_of_the_state_end_nothing(self, wg0: Scenario, start: Start) -> None:
        good = wg0.host.read(f"{STATE}/wg0.yaml")
        wg0.host.write(f"{STATE}/wg0.yaml", "address: nonsense\n")
        driven = start(is_started=True, pass_seconds=0.2)
        time.sleep(0.5)
        wg0.host.write(f"{STATE}/wg0.yaml", good)
        assert eventually(wg0.is_live)
        status, said = driven.stopped()
        assert status == 0
        assert "'nonsense' is not an IPv4 or IPv6 address" in said

    def test_a_peer_that_expires_goes_in_that_second(self, wg0: Scenario, start: Start) -> None:
        soon = datetime.now(timezone.utc) + timedelta(seconds=3)
        wg0.desire(
            wg0=interface(peer("alice", "10.9.0.2/32"), peer("bob", "10.9.0.3/32", expires=soon.isoformat()))
        )
        start(is_started=True, pass_seconds=600)
        assert eventually(wg0.is_live)
        assert public_key("bob") in wg0.peers("endpoints")
        time.sleep(max(0.0, (soon - datetime.now(timezone.utc)).total_seconds()))
        assert eventually(lambda: public_key("bob") not in wg0.peers("endpoints"), 2)

    def test_live_counters_are_sampled(self, wg0: Scenario, start: Start) -> None:
        driven = start(is_started=True, pass_seconds=60, sample_seconds=0.2)
        assert eventually(lambda: driven.counted()[-1:] == [[1]])
        assert eventually(lambda: len(driven.counted()) > 4)

    def test_each_sample_is_of_a_look_of_its_own(self, wg0: Scenario, start: Start) -> None:
        """After a restart by somebody else, an earlier one would be taken for what the new life has counted."""
        driven = start(is_started=True, pass_seconds=60, sample_seconds=0.1)
        assert eventually(lambda: len(driven.counted()) > 4)
        looks = driven.counted_at()
        assert len(set(looks)) == len(looks)

    def test_it_costs_next_to_nothing(self, wg0: Scenario, start: Start) -> None:
        driven = start(is_started=True, pass_seconds=60, sample_seconds=10)
        assert eventually(wg0.is_live)
        time.sleep(0.5)
        before = cpu_seconds(driven)
        time.sleep(3)
        assert cpu_seconds(driven) - before < 0.03

    def test_stopping_waits_for_the_interface_at_hand(self, wg0: Scenario, start: Start) -> None:
        wg0.desire(
            wg0=interface(post_up=["sleep 1"]),
            wg1=interface(label="wg1", address=["10.8.0.1/24"], listen_port=51821),
        )
        driven = start(is_started=True)
        assert eventually(wg0.is_live)
        assert driven.stopped()[0] == 0
        assert not wg0.is_live("wg1")
        wg0.run("apply")
        wg0.check_settled()


class TestObserved:
    def test_it_shows_what_is_live_with_addresses(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        assert driven.observed() == {}
        driven.converge()
        assert driven.observed() == {"wg0": {"peers": 1, "address": ["10.9.0.1/16"], "up": True}}

    def test_it_is_never_older_than_a_moment(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        driven.observed()
        wg0.by_hand(f"wg set wg0 peer {public_key('alice')} remove")
        assert eventually(lambda: driven.observed()["wg0"]["peers"] == 0, 2)

    def test_a_long_pass_does_not_hold_it_up(self, wg0: Scenario, start: Start) -> None:
        wg0.desire(wg0=interface(post_up=["sleep 3"]))
        passing, looking = start(), start()
        passing.begin("converge")
        assert eventually(wg0.is_live)
        began = time.monotonic()
        assert "wg0" in looking.observed()
        assert time.monotonic() - began < 1
        assert passing.end()[0]["changed"]


class TestWrites:
    def test_a_peer_is_everywhere_when_it_is_acknowledged(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        assert driven.add(1, 2) == ["p1", "p2"]
        assert {*wg0.peers("endpoints")} == {public_key("alice"), key(1), key(2)}
        check_all_agree(wg0)
        driven.remove(1)
        assert {*wg0.peers("endpoints")} == {public_key("alice"), key(2)}
        check_all_agree(wg0)
        assert [each.name for each in wg0.host.path(f"{SECRETS}/wg0").iterdir()] == ["p2.psk"]

    def test_no_session_is_dropped(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        mark = wg0.link()["ifindex"]
        driven.add(*range(1, 30))
        driven.remove(*range(1, 30))
        assert wg0.link()["ifindex"] == mark

    def test_what_cannot_be_applied_leaves_no_trace(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        driven.add(1)
        before = everything(wg0)
        assert "wg-quick up" in driven.set(post_up=["false"])
        assert everything(wg0) == before
        assert driven.set(listen_port=51900) is None
        assert wg0.wg("listen-port") == "51900"

    def test_eight_writers_lose_nothing(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        assert driven.many(8, 8) == []
        assert {*driven.acknowledged} == {*range(1, 65)}
        assert {*wg0.peers("endpoints")} == {public_key("alice"), *map(key, range(1, 65))}
        check_all_agree(wg0)

    @pytest.mark.parametrize("seed", range(3))
    def test_killed_in_the_middle_of_writes(self, wg0: Scenario, start: Start, seed: int) -> None:
        driven = start()
        driven.converge()
        driven.begin("many", 8, 50)
        driven.first_acknowledged()
        time.sleep(random.Random(seed).random() / 2)
        driven.killed()
        again = start()
        assert not any(each["error"] for each in again.converge())
        assert {*map(key, driven.acknowledged)} <= {*wg0.peers("endpoints")}
        check_all_agree(wg0)
        assert again.add(1000) == ["p1000"]

    def test_the_command_line_may_run_at_any_time(self, wg0: Scenario, start: Start) -> None:
        driven = start()
        driven.converge()
        driven.begin("many", 4, 6)
        for _ in range(4):
            wg0.run("apply", expect=None)
        assert driven.end() == []
        check_all_agree(wg0)


def everything(scenario: Scenario) -> object:
    """All that a write may touch: state, keys, the interface."""
    folder = scenario.host.path("/etc/wgreconcile")
    files = {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    return files, scenario.snapshot()


def cpu_seconds(driven: Driven) -> float:
    """The processor time that the process and its children took so far."""
    pid = driven.process.pid
    program = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
    fields = Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / 100
