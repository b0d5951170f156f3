"""Documents of peers that come, change and go where nothing else has: only these peers are touched."""

from __future__ import annotations

from itertools import count

import pytest
import yaml

from .pinger import Pinger
from .scenario import VAR, Run, Scenario, eventually, interface, peer, public_key
from .scenario_killing import WGRECONCILE, apply_until, points, prepare
from .test_sessions import CLIENT, configure_client, handshake
from .testhost import STATE_FOLDER, Host

QUIET = f"{VAR}/cache/quiet.json"


def put(scenario: Scenario, label: str, *networks: str, **fields: object) -> None:
    """A document of a peer of its own."""
    text = yaml.safe_dump(peer(label, *networks, **fields))
    scenario.host.path(f"{STATE_FOLDER}/wg0").mkdir(exist_ok=True)
    scenario.host.write(f"{STATE_FOLDER}/wg0/{label}.yaml", text)


def remove(scenario: Scenario, label: str) -> None:
    scenario.host.path(f"{STATE_FOLDER}/wg0/{label}.yaml").unlink()


def rest(scenario: Scenario) -> None:
    """Let a run find that there is nothing to do, which is what the next one builds on."""
    assert not any(scenario.run("apply").changed.values())


def apply_few(scenario: Scenario, changed: int = 1) -> Run:
    """Apply; it must have looked at few peers alone, which shows in what it remembers afterwards."""
    before = scenario.host.path(QUIET).stat().st_ino
    run = scenario.run("apply", "--diff")
    assert (run.changed, any(run.failed.values())) == ({"wg0": changed}, False), run
    assert scenario.host.path(QUIET).stat().st_ino != before, "it looked at all peers"
    scenario.check_settled()
    return run


def settings(scenario: Scenario) -> list[object]:
    """All that is desired of the interface, which leaves out where the client is."""
    found = scenario.snapshot()
    return [scenario.allowed_ips(), *(found[each] for each in ("file", "mode", "addresses", "link", "routes"))]


@pytest.fixture
def server(pair: tuple[Host, Host]) -> Scenario:
    """A managed host with a session to a client, and with other peers in documents of their own."""
    scenario = Scenario(pair[0])
    scenario.trust_young_files()
    for number in range(3, 8):
        put(scenario, f"p{number}", f"10.9.0.{number}/32")
    scenario.apply(wg0=interface(CLIENT))
    configure_client(pair[1])
    assert eventually(lambda: handshake(scenario) > 0)
    rest(scenario)
    return scenario


def test_no_ping_is_lost_while_peers_come_change_and_go(server: Scenario, pair: tuple[Host, Host]) -> None:
    began = handshake(server)
    with Pinger(server.host, "10.9.0.2") as pings:
        put(server, "new", "10.9.0.20/32", "10.40.0.0/24", preshared_key={"file": "new.psk", "generate": True})
        assert apply_few(server).disruption == "none"
        assert "10.40.0.0/24" in server.routes()
        rest(server)  # a key was made
        put(server, "new", "10.9.0.20/32", "10.41.0.0/24", persistent_keepalive=25)
        assert apply_few(server).disruption == "peer"
        assert server.routes() & {"10.40.0.0/24", "10.41.0.0/24"} == {"10.41.0.0/24"}
        assert server.peers("persistent-keepalive")[public_key("new")] == "25"
        put(server, "new", "10.9.0.20/32", enabled=False)
        put(server, "p3", "10.9.0.3/32", endpoint="192.0.2.77:7")
        apply_few(server, changed=2)
        assert public_key("new") not in server.peers("endpoints")
        assert server.peers("endpoints")[public_key("p3")] == "192.0.2.77:7"
        remove(server, "new")
        remove(server, "p4")
        apply_few(server)
        assert public_key("p4") not in server.peers("endpoints")
    assert pings.lost == ()
    assert handshake(server) == began, "a session was made anew"


def test_it_runs_no_more_than_it_takes(server: Scenario) -> None:
    put(server, "new", "10.9.0.20/32", "10.40.0.0/24")
    assert len(apply_few(server).writes) == 2, "one for the peer, one for its route"


@pytest.mark.parametrize(
    "by_hand",
    [
        f"wg set wg0 peer {public_key('p5')} allowed-ips 10.9.0.99/32",
        f"wg set wg0 peer {public_key('p5')} remove",
        "ip address del 10.9.0.1/24 dev wg0",
        "ip route del 10.20.0.0/24",
        "ip link set wg0 down",
        "wg-quick down wg0",
        "sed -i s/51820/51821/ /etc/wireguard/wg0.conf",
    ],
    ids=["allowed-ips", "peer", "address", "route", "link", "down", "file"],
)
def test_drift_elsewhere_is_healed_by_the_same_run(server: Scenario, by_hand: str) -> None:
    before = settings(server)
    server.by_hand(by_hand)
    put(server, "p3", "10.9.0.3/32", persistent_keepalive=25)
    server.apply()
    put(server, "p3", "10.9.0.3/32")
    server.apply()
    assert settings(server) == before


def test_a_route_that_is_taken_leads_back(server: Scenario) -> None:
    before = server.snapshot()
    server.by_hand("ip route add 10.40.0.0/24 dev lo")
    put(server, "p3", "10.9.0.3/32", "10.40.0.0/24", persistent_keepalive=25)
    run = server.run("apply", expect=1)
    assert "File exists" in run.stderr
    assert "it is back as it was before, which was verified" in run.stderr
    assert server.snapshot() == before
    server.by_hand("ip route del 10.40.0.0/24 dev lo")
    server.apply()
    assert "10.40.0.0/24" in server.routes()


def test_killed_at_every_step(host: Host) -> None:
    scenario = Scenario(host)
    scenario.trust_young_files()
    for label in ("ann", "bob", "cat"):
        put(scenario, label, f"10.9.0.{ord(label[0]) - 90}/32", persistent_keepalive=25)
    scenario.apply(wg0=interface())
    rest(scenario)
    prepare(scenario, trust_young_files=True)
    expected = []
    for networks in (("10.9.0.7/32",), ("10.9.0.7/32", "10.40.0.0/24")):
        put(scenario, "ann", *networks)
        apply_few(scenario)
        expected.append(scenario.snapshot())
    for step, point in zip(count(), points(WGRECONCILE), strict=False):
        put(scenario, "ann", *(("10.9.0.7/32",) if step % 2 == 0 else ("10.9.0.7/32", "10.40.0.0/24")))
        killed = apply_until(scenario, point)
        scenario.run("apply")
        assert scenario.snapshot() == expected[step % 2], killed
        scenario.check_settled(plan=False)
        if killed.status != -9:
            break
    assert step >= 4
