"""Drift made by hand, on disk and live: it is seen, its cause is told, and apply heals exactly that."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from wgreconcile.files import keep, kept

from .scenario import CONF, VAR, Scenario, Shared, hooks, interface, peer, private_key, public_key
from .testhost import STATE_FOLDER, Host

ALICE = peer(
    "alice",
    "10.9.0.2/32",
    "10.20.0.0/24",
    "fd20::/48",
    endpoint="192.0.2.7:51820",
    persistent_keepalive=25,
    preshared_key=private_key("psk"),
)
BOB = peer("bob", "10.9.0.3/32")
BASE = interface(ALICE, BOB, mtu=1400, fwmark=0x77, **hooks("our"))
FILE = f"{CONF}/wg0.conf"
A, B, MALLORY = (public_key(each) for each in ("alice", "bob", "mallory"))


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with Shared("ip link add other type veth peer name far; ip link set other up", wg0=BASE) as shared:
        yield shared


@pytest.fixture
def base(shared: Shared) -> Scenario:
    """wg0 is live with alice and bob on it, and a run has found nothing to do; there is a link `other` besides."""
    scenario = shared.scenario()
    scenario.trust_young_files()
    if not scenario.host.path(f"{VAR}/cache/quiet.json").exists():
        scenario.check_settled()
    return scenario


def test_what_a_run_remembers_is_in_use_in_these_tests(base: Scenario) -> None:
    path = base.host.path(f"{VAR}/cache/quiet.json")
    remembered = json.loads(kept(path))
    keep(path, json.dumps(remembered | {"subjects": [["wg0", 99]]}))
    assert "ok=99 changed=0" in base.run("apply").stdout
    keep(path, json.dumps(remembered))


def heal(base: Scenario, damage: str, cause: str) -> tuple[str, list[str]]:
    """Do damage by hand and have it healed; return the diff and what was started to heal it."""
    before = base.snapshot()
    base.by_hand(damage)
    assert base.snapshot() != before, "there is no damage"
    run = base.apply()
    assert run.causes == {cause}
    assert base.snapshot() == before
    return run.stdout, run.writes


ON_DISK = {
    "settings": (
        f"sed -i 's/51820$/51821/; s,^MTU.*,Address = 10.8.0.1/24,; s/^FwMark/SaveConfig = true\\n&/' {FILE}",
        [
            "-listen_port = 51821   (file)",
            "+mtu = 1400   (file)",
            "-address = 10.9.0.1/24, fd09::1/64, 10.8.0.1/24   (file)",
            "-save_config = true   (file)",
        ],
    ),
    "settings of peers": (
        f"sed -i 's/10.9.0.3/10.9.0.4/; /^PresharedKey/d; s/^Persistent.*/Endpoint = 192.0.2.8:1/' {FILE}",
        [
            "-allowed_ips = 10.9.0.4/32   (file)",
            "+preshared_key = (secret)   (file)",
            "-endpoint = 192.0.2.8:1   (file)",
            "+persistent_keepalive = 25   (file)",
        ],
    ),
    "a peer gone": (f"sed -i '/^# bob/,$d' {FILE}; sed -i '$d' {FILE}", [f"@@ + peer bob {B} @@ edited on disk"]),
    "a peer added": (
        f"printf '\\n[Peer]\\nPublicKey = {MALLORY}\\n' >>{FILE}",
        [f"@@ - peer {MALLORY} @@ edited on disk"],
    ),
    "a hook smuggled in": (
        f"sed -i 's,^PostUp.*,PostUp = touch /run/evil,' {FILE}",
        ["-post_up = touch /run/evil   (file)"],
    ),
    "deleted": (f"rm {FILE}", ["+wg0.conf   (file)"]),
    "emptied": (f": >{FILE}", ["-text = unreadable: "]),
    "spoilt": (f"echo garbage >>{FILE}", [f"-text = unreadable: {FILE}:"]),
    "open to all": (f"chmod 644 {FILE}", ["-mode = 0644   (file)", "+mode = 0600   (file)"]),
}


@pytest.mark.parametrize("case", ON_DISK)
def test_what_is_edited_on_disk_is_written_again(base: Scenario, case: str) -> None:
    damage, expected = ON_DISK[case]
    diff, writes = heal(base, damage, "edited on disk")
    assert [line for line in expected if line not in diff] == []
    assert "(live)" not in diff
    assert writes == []
    assert base.hook_log() == []


LIVE = {
    "peer removed": (f"wg set wg0 peer {B} remove", [f"@@ + peer bob {B} @@ changed live; disruption: none"]),
    "peer added": (
        f"wg set wg0 peer {MALLORY} allowed-ips 10.66.0.0/16",
        [f"@@ - peer {MALLORY} @@ changed live; disruption: peer"],
    ),
    "preshared key changed": (
        f"wg genpsk | wg set wg0 peer {A} preshared-key /dev/stdin",
        [f"@@ ~ peer alice {A} @@", "-preshared_key = (secret)   (live)", "+preshared_key = (secret)   (live)"],
    ),
    "preshared key removed from one and set for the other": (
        f"wg set wg0 peer {A} preshared-key /dev/null; wg genpsk | wg set wg0 peer {B} preshared-key /dev/stdin",
        [f"@@ ~ peer alice {A} @@", f"@@ ~ peer bob {B} @@", "+preshared_key = (secret)   (live)"],
    ),
    "keepalive off for one and on for the other": (
        f"wg set wg0 peer {A} persistent-keepalive off peer {B} persistent-keepalive 5",
        ["+persistent_keepalive = 25   (live)", "-persistent_keepalive = 5   (live)"],
    ),
    "allowed IPs stolen": (
        f"wg set wg0 peer {B} allowed-ips 10.9.0.3/32,10.20.0.0/24",
        [f"@@ ~ peer alice {A}", f"@@ ~ peer bob {B}", "-allowed_ips = 10.20.0.0/24, 10.9.0.3/32   (live)"],
    ),
    "private key": ("wg genkey | wg set wg0 private-key /dev/stdin", ["-private_key = (secret)   (live)"]),
    "listen port": ("wg set wg0 listen-port 51999", ["-listen_port = 51999   (live)"]),
    "mark": ("wg set wg0 fwmark 0", ["+fwmark = 119   (live)"]),
    "address deleted": (
        "ip address del 10.9.0.1/24 dev wg0",
        ["-address = fd09::1/64   (live)", "+address = 10.9.0.1/24, fd09::1/64   (live)"],
    ),
    "IPv6 address deleted": ("ip address del fd09::1/64 dev wg0", ["-address = 10.9.0.1/24   (live)"]),
    "address added": (
        "ip address add 10.8.0.1/24 dev wg0",
        ["-address = 10.9.0.1/24, 10.8.0.1/24, fd09::1/64   (live)"],
    ),
    "address of another length": (
        "ip address add 10.9.0.1/16 dev wg0; ip address del 10.9.0.1/24 dev wg0",
        ["-address = 10.9.0.1/16, fd09::1/64   (live)"],
    ),
    "route deleted": ("ip route del 10.20.0.0/24", [f"@@ ~ peer alice {A} @@", "+routes = 10.20.0.0/24   (live)"]),
    "IPv6 route deleted": ("ip -6 route del fd20::/48", ["+routes = fd20::/48   (live)"]),
    "MTU": ("ip link set wg0 mtu 1300", ["-mtu = 1300   (live)", "disruption: none"]),
    "link down": ("ip link set wg0 down", ["-link = down   (live)"]),
}


@pytest.mark.parametrize("case", LIVE)
def test_what_is_changed_live_is_healed_in_place(base: Scenario, case: str) -> None:
    damage, expected = LIVE[case]
    diff, writes = heal(base, damage, "changed live")
    assert [line for line in expected if line not in diff] == []
    assert "(file)" not in diff
    assert {each.split()[0] for each in writes} <= {"wg", "ip"}
    assert base.hook_log() == []


def test_a_deleted_interface_comes_up_again(base: Scenario) -> None:
    diff, _ = heal(base, "ip link del wg0", "changed live")
    assert "+up   (live)" in diff
    assert base.hook_log() == ["our pre_up wg0", "our post_up wg0"]


def test_an_interface_taken_down_by_hand_comes_up_again(base: Scenario) -> None:
    heal(base, "wg-quick down wg0", "changed live")
    assert base.hook_log() == ["our pre_down wg0", "our post_down wg0", "our pre_up wg0", "our post_up wg0"]


def test_an_interface_brought_up_by_hand_goes_down_again(base: Scenario) -> None:
    base.apply(wg0=BASE | {"enabled": False})
    heal(base, "wg-quick up wg0", "changed live")
    base.apply(wg0=BASE)


def test_damage_everywhere_is_healed_at_once(base: Scenario) -> None:
    before = base.snapshot()
    base.by_hand(
        f"rm {FILE}; wg set wg0 peer {A} remove; ip address del 10.9.0.1/24 dev wg0; ip link set wg0 mtu 1300"
    )
    run = base.apply()
    assert run.causes == {"edited on disk", "changed live"}
    assert base.snapshot() == before


def test_drift_and_a_new_state_are_told_apart(base: Scenario) -> None:
    base.by_hand(f"wg set wg0 peer {B} persistent-keepalive 5; sed -i /^MTU/d {FILE}")
    base.desire(wg0=BASE | {"listen_port": 51900})
    plan = json.loads(base.plan("-o", "json").stdout)
    causes = {(each["place"], each["field"]): each["cause"] for each in plan["interfaces"][0]["changes"]}
    assert causes == {
        ("file", "listen_port"): "changed in state",
        ("live", "listen_port"): "changed in state",
        ("file", "mtu"): "edited on disk",
        ("live", "persistent_keepalive"): "changed live",
    }
    base.apply()
    base.apply(wg0=BASE)


REFORMATTED = {
    "comments and blank lines": "s/^/  /; s/$/  # a comment/; s/=/  =  /; a\\\\",
    "keys in other cases": "s/^ListenPort/LISTENPORT/; s/^.Peer.$/[pEER]/",
    "addresses in another spelling": "s|^Address = 10.*|ADDRESS=10.9.0.1/24,|; s|fd09::1|FD09:0::1|",
    "allowed IPs in another order": "s|^.*fd20.*|AllowedIPs=fd20:0::/48\\nAllowedIPs = 10.20.0.9/24 , 10.9.0.2|",
}


@pytest.mark.parametrize("case", REFORMATTED)
def test_a_reformatted_file_is_no_drift_and_stays_as_it_is(base: Scenario, case: str) -> None:
    before = base.conf()
    base.by_hand(f"sed -i '{REFORMATTED[case]}' {FILE}")
    edited = base.conf()
    assert edited != before
    base.check_settled()
    assert base.conf() == edited
    base.host.write(FILE, before)


def test_a_file_saved_by_wg_quick_is_no_drift(base: Scenario) -> None:
    before = base.conf()
    base.by_hand("wg-quick save wg0")
    assert base.conf() != before
    base.check_settled()
    base.host.write(FILE, before)


FOREIGN = {
    "ip route add 10.77.0.0/24 dev wg0": "ip route del 10.77.0.0/24",
    "ip route add 10.20.0.0/24 dev wg0 table 99": "ip route del 10.20.0.0/24 table 99",
    "ip route add 10.20.0.0/24 dev wg0 metric 5": "ip route del 10.20.0.0/24 metric 5",
    "ip route add 10.78.0.0/24 dev other": "ip route del 10.78.0.0/24",
    "ip address add 10.8.0.1/24 dev other": "ip address del 10.8.0.1/24 dev other",
    "ip rule add fwmark 9 table 99": "ip rule del fwmark 9 table 99",
    f"wg set wg0 peer {A} endpoint 192.0.2.99:9": f"wg set wg0 peer {A} endpoint 192.0.2.7:51820",
}


def test_what_is_not_ours_is_no_drift_and_stays(base: Scenario) -> None:
    base.by_hand("; ".join(FOREIGN))
    before = base.snapshot(), base.snapshot("other")
    base.check_settled()
    base.apply(wg0=BASE | {"mtu": 1300})
    base.apply(wg0=BASE)
    assert (base.snapshot(), base.snapshot("other")) == before
    base.by_hand("; ".join(FOREIGN.values()))


def test_a_connected_route_that_was_taken_away_comes_back(host: Host) -> None:
    """The kernel routed the interface's own network because of its address; without it no peer is reached."""
    host.write(f"{STATE_FOLDER}/wg0.yaml", "address: [10.7.0.1/24, 'fd07::1/64']\nlisten_port: 51820\n")
    host.wgreconcile("apply")
    host.run(["ip", "route", "del", "10.7.0.0/24", "dev", "wg0"])
    host.run(["ip", "-6", "route", "del", "fd07::/64", "dev", "wg0"])
    plan = host.wgreconcile("plan").stdout
    assert "changed live" in plan
    assert "+routes = 10.7.0.0/24" in plan
    assert "+routes = fd07::/64" in plan
    host.wgreconcile("apply")
    assert "dev wg0" in host.run(["ip", "route", "get", "10.7.0.2"]).stdout
    assert "dev wg0" in host.run(["ip", "-6", "route", "get", "fd07::2"]).stdout
    assert "changed=0" in host.wgreconcile("apply").stdout
