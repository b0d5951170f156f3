"""A thousand peers with routes: up in a few commands, changed without touching the rest, emptied to go down."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator

import pytest

from .scenario import Document, Run, Scenario, interface
from .testhost import Host

COUNT = 1000


def numbered(number: int, **fields: object) -> Document:
    """A peer with two networks, every tenth with an endpoint."""
    key = base64.b64encode(hashlib.sha256(str(number).encode()).digest()).decode()
    networks = [f"10.{100 + number // 250}.{number % 250}.0/24", f"fd10:{number:x}::/48"]
    endpoint = {"endpoint": f"192.0.2.{number % 250}:{1000 + number}"} if number % 10 == 0 else {}
    return {"name": f"p{number}", "public_key": key, "allowed_ips": networks, **endpoint, **fields}


PEERS = [numbered(number) for number in range(COUNT)]


@pytest.fixture(scope="module")
def first_apply() -> Iterator[tuple[Scenario, Run]]:
    with Host("host") as host:
        scenario = Scenario(host)
        yield scenario, scenario.apply(wg0=interface(*PEERS, post_up=["ip -6 route show dev %i >/run/seen"]))


@pytest.fixture
def scenario(first_apply: tuple[Scenario, Run]) -> Scenario:
    """A thousand peers are up; tests change some and bring them back."""
    return first_apply[0]


def apply(scenario: Scenario, *arguments: str, peers: list[Document] = PEERS, **fields: object) -> Run:
    return scenario.apply(
        *arguments, wg0=interface(*peers, post_up=["ip -6 route show dev %i >/run/seen"], **fields)
    )


def test_they_come_up_without_a_process_for_each_of_them(first_apply: tuple[Scenario, Run]) -> None:
    scenario, run = first_apply
    assert run.changed == {"wg0": COUNT + 1}
    assert len(scenario.routes()) == 2 * COUNT
    assert scenario.allowed_ips()[PEERS[7]["public_key"]] == {*PEERS[7]["allowed_ips"]}
    assert scenario.peers("endpoints")[PEERS[990]["public_key"]] == "192.0.2.240:1990"
    assert len(run.calls) < 150
    assert scenario.conf().count("[Peer]") == COUNT
    assert scenario.host.read("/run/seen").count("/48") == COUNT, "the user's hook found the interface incomplete"


def test_one_changed_peer_is_all_that_is_sent(scenario: Scenario) -> None:
    changed = [*PEERS[:-1], numbered(COUNT - 1, persistent_keepalive=20)]
    changed[-1]["allowed_ips"] = [*changed[-1]["allowed_ips"], "10.99.0.0/24"]
    run = apply(scenario, peers=changed)
    assert run.changed == {"wg0": 1}
    assert run.writes == ["wg addconf wg0 /dev/stdin", "ip -batch -; route add 10.99.0.0/24 dev wg0"]
    run = apply(scenario, peers=PEERS[1:])
    assert run.changed == {"wg0": 2}
    assert [each.split(" ")[:2] for each in run.writes] == [["wg", "set"], ["wg", "addconf"], ["ip", "-batch"]]
    apply(scenario)
    assert len(scenario.routes()) == 2 * COUNT


def test_most_of_them_change_in_a_handful_of_commands(scenario: Scenario) -> None:
    moved = [each | {"allowed_ips": each["allowed_ips"][:1], "persistent_keepalive": 9} for each in PEERS]
    run = apply(scenario, peers=moved)
    assert len(run.writes) <= 3
    assert "and 960 more peers; -o json names them all" in run.stdout
    assert len(scenario.routes()) == COUNT
    apply(scenario)
    assert {*scenario.peers("persistent-keepalive").values()} == {"off"}


def test_the_json_plan_names_them_all(scenario: Scenario) -> None:
    scenario.desire(wg0=interface(*PEERS[:500], post_up=["ip -6 route show dev %i >/run/seen"]))
    (plan,) = json.loads(scenario.plan("-o", "json").stdout)["interfaces"]
    gone = {each["peer"] for each in plan["changes"] if each["action"] == "delete"}
    assert gone == {each["public_key"] for each in PEERS[500:]}
    assert "500 of 1000 peers would be removed" in scenario.run("apply", expect=1).stderr


def test_they_are_emptied_before_they_are_deleted_and_come_back(scenario: Scenario) -> None:
    run = apply(scenario, enabled=False)
    started = [str(each) for each in run.calls]
    emptied = started.index("wg syncconf wg0 /etc/wireguard/.wgreconcile/wg0.emptied")
    assert emptied < started.index("ip link delete dev wg0")
    assert not scenario.is_live()
    apply(scenario)
    assert len(scenario.routes()) == 2 * COUNT


def test_restarts_bring_them_all_back_also_beside_a_full_tunnel(scenario: Scenario) -> None:
    run = apply(scenario, table=1234)
    assert run.wg_quick == ["down", "up"]
    assert (len(scenario.routes()), len(scenario.routes(table="1234"))) == (0, 2 * COUNT)
    leader = numbered(COUNT)
    leader["allowed_ips"] = ["0.0.0.0/0", "::/0"]
    apply(scenario, peers=[*PEERS, leader])
    assert scenario.rules(4) == scenario.rules(6) != []
    assert scenario.routes(table="51820") == {"default"}
    assert len(scenario.routes()) == 2 * COUNT
    apply(scenario)
    assert scenario.rules(4) == scenario.rules(6) == []
    assert scenario.host.run(["nft", "list", "ruleset"]).stdout == ""
    assert len(scenario.routes()) == 2 * COUNT


def test_a_failing_hook_leads_them_all_back(scenario: Scenario) -> None:
    before = scenario.snapshot()
    scenario.desire(wg0=interface(*PEERS[:900], post_up=["false"]))
    run = scenario.run("apply", expect=1)
    assert "it is back as it was before, which was verified" in run.stderr
    assert scenario.snapshot() == before
