"""Peers come, change and go, alone, without a restart and without touching their neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from .scenario import Document, Run, Scenario, Shared, interface, peer, private_key, public_key
from .testhost import STATE_FOLDER

ALICE = peer("alice", "10.9.0.2/32", "10.20.0.0/24")
BOB = peer("bob", "10.9.0.3/32", "fd09::3/128")
CAROL = peer("carol", "10.9.0.4/32", "10.30.0.0/24", "fd30::/48")
KEYS = {each: public_key(each) for each in ("alice", "bob", "carol")}


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with Shared(wg0=interface(ALICE, BOB, CAROL)) as shared:
        yield shared


@pytest.fixture
def base(shared: Shared) -> Scenario:
    """wg0 is live with alice, bob and carol on it."""
    return shared.scenario()


def apply_peers(base: Scenario, *peers: Document) -> Run:
    """Apply wg0 with these peers; nothing but wg and ip may write, and no peer but those may be named."""
    run = base.apply(wg0=interface(*peers))
    assert {each.split()[0] for each in run.writes} <= {"wg", "ip"}, run
    assert run.disruption in ("", "none", "peer"), run
    return run


def restore(base: Scenario) -> None:
    apply_peers(base, ALICE, BOB, CAROL)
    assert base.routes() == {"10.20.0.0/24", "10.30.0.0/24", "fd30::/48"}


def test_a_peer_is_removed_and_added(base: Scenario) -> None:
    run = apply_peers(base, ALICE, BOB)
    assert (run.changed, run.disruption) == ({"wg0": 1}, "peer")
    assert run.writes[0] == f"wg set wg0 peer {KEYS['carol']} remove"
    assert base.allowed_ips().keys() == {KEYS["alice"], KEYS["bob"]}
    assert base.routes() == {"10.20.0.0/24"}
    run = apply_peers(base, ALICE, BOB, CAROL)
    assert (run.changed, run.disruption) == ({"wg0": 1}, "none")
    assert run.writes[0] == "wg addconf wg0 /dev/stdin"
    assert base.allowed_ips()[KEYS["carol"]] == {*CAROL["allowed_ips"]}
    assert base.routes() == {"10.20.0.0/24", "10.30.0.0/24", "fd30::/48"}


def test_all_peers_go_and_come(base: Scenario) -> None:
    apply_peers(base)
    assert base.wg("peers") == ""
    assert base.routes() == set()
    restore(base)


@pytest.mark.parametrize(
    "off", [{"enabled": False}, {"expires": "2020-01-01"}, {"expires": "2020-01-01T00:00:00+01:00"}], ids=str
)
def test_a_peer_that_is_off_is_kept_in_the_state_only(base: Scenario, off: Document) -> None:
    run = apply_peers(base, ALICE, BOB, CAROL | off)
    assert run.changed == {"wg0": 1}
    assert base.allowed_ips().keys() == {KEYS["alice"], KEYS["bob"]}
    assert base.routes() == {"10.20.0.0/24"}
    assert KEYS["carol"] not in base.conf()
    restore(base)


def test_a_peer_that_expires_later_is_still_on(base: Scenario) -> None:
    run = apply_peers(base, ALICE, BOB, CAROL | {"expires": "2999-01-01"})
    assert run.changed == {"wg0": 0}
    later = base.plan("--at", "2999-01-01T00:00:01Z")
    assert f"@@ - peer carol {KEYS['carol']} @@ changed in state; disruption: peer" in later.stdout
    base.plan("--at", "2998-12-31T23:59:59Z", expect=0)


def test_allowed_ips_change_and_their_routes_follow(base: Scenario) -> None:
    run = apply_peers(base, ALICE, BOB, peer("carol", "10.9.0.4/32", "10.31.0.0/24", "fd30::/48"))
    assert (run.changed, run.disruption) == ({"wg0": 1}, "peer")
    assert base.allowed_ips()[KEYS["carol"]] == {"10.9.0.4/32", "10.31.0.0/24", "fd30::/48"}
    assert base.routes() == {"10.20.0.0/24", "10.31.0.0/24", "fd30::/48"}
    restore(base)


def test_an_added_allowed_ip_disturbs_nobody(base: Scenario) -> None:
    run = apply_peers(base, ALICE, BOB, peer("carol", *CAROL["allowed_ips"], "10.32.0.0/24"))
    assert run.disruption == "none"
    assert "10.32.0.0/24" in base.routes()
    restore(base)


def test_a_peer_without_allowed_ips_stays_a_peer(base: Scenario) -> None:
    apply_peers(base, ALICE, BOB, peer("carol"))
    assert base.allowed_ips()[KEYS["carol"]] == set()
    assert base.routes() == {"10.20.0.0/24"}
    restore(base)


def test_allowed_ips_move_from_one_peer_to_another(base: Scenario) -> None:
    apply_peers(
        base, peer("alice", "10.9.0.2/32", "10.30.0.0/24"), BOB, peer("carol", "10.9.0.4/32", "10.20.0.0/24")
    )
    assert base.allowed_ips()[KEYS["alice"]] == {"10.9.0.2/32", "10.30.0.0/24"}
    assert base.allowed_ips()[KEYS["carol"]] == {"10.9.0.4/32", "10.20.0.0/24"}
    assert base.routes() == {"10.20.0.0/24", "10.30.0.0/24"}
    restore(base)


def test_a_network_is_split_and_joined(base: Scenario) -> None:
    apply_peers(base, ALICE, BOB, peer("carol", "10.30.0.0/25", "10.30.0.128/25"))
    assert base.routes() == {"10.20.0.0/24", "10.30.0.0/25", "10.30.0.128/25"}
    restore(base)


def test_host_bits_and_order_of_allowed_ips_mean_nothing(base: Scenario) -> None:
    run = apply_peers(base, ALICE, BOB, peer("carol", "fd30::7/48", "10.30.0.9/24", "10.9.0.4"))
    assert run.changed == {"wg0": 0}


def test_preshared_key_is_set_changed_and_removed(base: Scenario) -> None:
    for label in ("one", "two", None):
        key = {"preshared_key": private_key(label)} if label else {}
        run = apply_peers(base, ALICE, BOB, CAROL | key)
        assert run.changed == {"wg0": 1}
        shown = private_key(label) if label else "(none)"
        assert base.peers("preshared-keys") == {
            KEYS["alice"]: "(none)",
            KEYS["bob"]: "(none)",
            KEYS["carol"]: shown,
        }


def test_keepalive_is_set_changed_and_removed(base: Scenario) -> None:
    for seconds, shown in ((25, "25"), (60, "60"), ("off", "off"), (25, "25"), (None, "off")):
        keepalive = {"persistent_keepalive": seconds} if seconds else {}
        run = apply_peers(base, ALICE, BOB, CAROL | keepalive)
        assert (run.changed, run.disruption) == ({"wg0": 1}, "none")
        assert base.peers("persistent-keepalive")[KEYS["carol"]] == shown


def test_endpoint_is_set_changed_and_forgotten(base: Scenario) -> None:
    for endpoint in ("192.0.2.7:1000", "192.0.2.7:2000", "[2001:db8::7]:2000"):
        run = apply_peers(base, ALICE, BOB, CAROL | {"endpoint": endpoint})
        assert (run.changed, run.disruption) == ({"wg0": 1}, "peer")
        assert base.peers("endpoints")[KEYS["carol"]] == endpoint
    apply_peers(base, ALICE, BOB, CAROL)
    assert "Endpoint" not in base.conf()
    apply_peers(base, ALICE, BOB)
    restore(base)


def test_every_field_of_a_peer_changes_at_once_and_back(base: Scenario) -> None:
    other = peer("carol", "10.33.0.0/24", preshared_key=private_key("psk"), persistent_keepalive=9)
    run = apply_peers(base, ALICE, BOB, other)
    assert run.changed == {"wg0": 1}
    assert base.peers("preshared-keys")[KEYS["carol"]] == private_key("psk")
    restore(base)
    assert base.peers("preshared-keys")[KEYS["carol"]] == "(none)"
    assert base.peers("persistent-keepalive")[KEYS["carol"]] == "off"


def test_a_changed_name_is_a_comment_that_the_next_change_brings_along(base: Scenario) -> None:
    run = base.apply(wg0=interface(ALICE, BOB, CAROL | {"name": "caroline"}))
    assert (run.changed, run.writes) == ({"wg0": 0}, [])
    base.apply(wg0=interface(ALICE, CAROL | {"name": "caroline"}))
    assert "# caroline\n" in base.conf()
    restore(base)


def test_a_peer_in_a_file_of_its_own_joins_those_of_the_interface(base: Scenario) -> None:
    dave = base.host.path(f"{STATE_FOLDER}/wg0/dave.yaml")
    dave.parent.mkdir()
    dave.write_text(yaml.safe_dump({"public_key": public_key("dave"), "allowed_ips": ["10.9.0.5/32"]}))
    run = base.apply()
    assert run.changed == {"wg0": 1}
    assert f"@@ + peer dave {public_key('dave')} @@" in run.stdout
    assert len(base.allowed_ips()) == 4
    dave.unlink()
    dave.parent.rmdir()
    base.apply()
    assert base.allowed_ips().keys() == {*KEYS.values()}


def test_a_state_with_a_fault_changes_nothing(base: Scenario) -> None:
    before = base.snapshot()
    base.desire(wg0=interface(ALICE, BOB, CAROL | {"allowed_ips": ["10.9.0.300/32"]}))
    run = base.run("apply", expect=78)
    assert f"{STATE_FOLDER}/wg0.yaml:" in run.stderr
    assert run.writes == []
    assert base.snapshot() == before
