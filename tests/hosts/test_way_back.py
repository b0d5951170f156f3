"""An apply that fails leads its interface back: the file to the byte, everything live, and verified."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .scenario import (
    CONF,
    HOOK_LOG,
    VAR,
    Document,
    Run,
    Scenario,
    Shared,
    hooks,
    interface,
    peer,
    private_key,
    public_key,
)
from .testhost import DNS_LOG, Host

ALICE = peer("alice", "10.9.0.2/32", "10.20.0.0/24", endpoint="192.0.2.7:51820", preshared_key=private_key("psk"))
BOB = peer("bob", "10.9.0.3/32")
BASE = interface(ALICE, BOB, mtu=1400, fwmark=0x77, **hooks("old"))
BACK = "wg0: it is back as it was before, which was verified"


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with Shared("ip link add other type veth peer name far; ip link set other up", wg0=BASE) as shared:
        yield shared


@pytest.fixture
def base(shared: Shared) -> Scenario:
    """wg0 is live with alice and bob on it; its file was formatted by hand."""
    scenario = shared.scenario()
    if "by hand" not in scenario.conf():
        scenario.host.write(f"{CONF}/wg0.conf", f"# formatted by hand\n\n{scenario.conf().replace(' = ', '=')}")
    return scenario


def fail(scenario: Scenario, *said: str, **interfaces: Document) -> Run:
    """Apply in vain: the interface must be as before, and the next run must say the same."""
    before, record = scenario.snapshot(), record_of(scenario)
    scenario.desire(**interfaces)
    run = scenario.run("apply", expect=1)
    assert run.failed == {"wg0": 1}
    assert run.changed == {"wg0": 0}
    assert BACK in run.stderr
    assert [each for each in said if each not in run.stderr] == []
    assert scenario.snapshot() == before
    assert record_of(scenario) == record
    assert [*scenario.host.path(f"{CONF}/.wgreconcile").iterdir()] == []
    return run


def record_of(scenario: Scenario) -> str:
    """What wgreconcile remembers of wg0."""
    path = scenario.host.path(f"{VAR}/interfaces/wg0.json")
    return path.read_text() if path.exists() else ""


def test_failing_post_up_of_a_restart(base: Scenario) -> None:
    failing = hooks("new") | {"post_up": [*hooks("new")["post_up"], "echo no luck >&2; false"]}
    run = fail(base, "no luck", wg0=interface(ALICE, BOB, peer("carol", "10.9.0.4/32"), **failing))
    assert run.wg_quick == ["down", "up", "up"]
    assert base.hook_log() == [
        *("old pre_down wg0", "old post_down wg0"),
        *("new pre_up wg0", "new post_up wg0"),
        *("old pre_up wg0", "old post_up wg0"),
    ]


def test_failing_pre_up_of_a_restart(base: Scenario) -> None:
    fail(base, "wg-quick up", wg0=BASE | {"pre_up": ["false"], "mtu": 1300})
    assert base.hook_log() == ["old pre_down wg0", "old post_down wg0", "old pre_up wg0", "old post_up wg0"]


def test_failing_post_up_of_a_first_apply_leaves_nothing(host: Host) -> None:
    scenario = Scenario(host)
    run = fail(
        scenario, "no luck", wg0=interface(ALICE, **hooks("new") | {"post_up": ["echo no luck >&2; exit 3"]})
    )
    assert run.wg_quick == ["up"]
    assert not scenario.is_live()
    assert [*host.path(CONF).glob("*.conf")] == []
    assert scenario.hook_log() == ["new pre_up wg0"]
    scenario.apply(wg0=interface(ALICE))


def test_failing_post_up_when_it_is_enabled_stays_disabled(base: Scenario) -> None:
    base.apply(wg0=BASE | {"enabled": False})
    fail(base, wg0=BASE | {"post_up": ["false"]})
    assert not base.is_live()
    base.apply(wg0=BASE)


def test_failing_pre_down(base: Scenario) -> None:
    stuck = BASE | {"pre_down": [*hooks("stuck")["pre_down"], f"test -e {HOOK_LOG}.free"]}
    base.apply(wg0=stuck)
    base.hook_log()
    fail(base, "wg-quick down", wg0=BASE | hooks("new"))
    assert base.hook_log() == ["stuck pre_down wg0"]
    base.by_hand(f"touch {HOOK_LOG}.free")
    base.apply(wg0=BASE | hooks("new"))
    assert base.hook_log()[:2] == ["stuck pre_down wg0", "old post_down wg0"]
    base.apply(wg0=BASE)


def test_a_repaired_pre_down_is_the_one_that_runs(base: Scenario) -> None:
    """Repaired in one apply with what makes it go down: other DNS, or for good."""
    for wanted in ({"dns": ["192.0.2.53"]}, {"enabled": False}):
        stuck = BASE | {"pre_down": [*hooks("stuck")["pre_down"], "test -e /nowhere"]}
        base.apply(wg0=stuck)
        base.hook_log()
        run = fail(
            base,
            "wg0: its pre_down hook failed: test -e /nowhere\n",
            "1 pre_down hook before it has run already, and nothing takes that back\n",
            "repair the hook in the state, with pre_up and post_up as they are, and apply again",
            wg0=stuck | wanted,
        )
        assert run.wg_quick == ["down"]
        assert base.hook_log() == ["stuck pre_down wg0"]
        base.apply(wg0=BASE | wanted)
        assert base.hook_log()[:2] == ["old pre_down wg0", "old post_down wg0"]
        base.apply(wg0=BASE)


def test_failing_post_down(base: Scenario) -> None:
    stuck = BASE | {"post_down": [f"test -e {HOOK_LOG}.gone"]}
    base.apply(wg0=stuck)
    fail(base, f"wg0: its post_down hook failed: test -e {HOOK_LOG}.gone\n", wg0=BASE | hooks("new"))
    assert base.is_live()
    base.by_hand(f"touch {HOOK_LOG}.gone")
    base.apply(wg0=BASE)


def test_a_taken_listen_port(base: Scenario) -> None:
    script = "import socket as s; p = s.socket(type=s.SOCK_DGRAM); p.bind(('', 4000)); print(flush=True); input()"
    with base.host.popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as squatter:
        assert squatter.stdout is not None
        squatter.stdout.readline()
        run = fail(base, wg0=BASE | {"listen_port": 4000, "mtu": 1300})
        squatter.kill()
    assert run.wg_quick == []
    base.apply(wg0=BASE | {"listen_port": 4000})
    base.apply(wg0=BASE)


def test_a_route_that_leads_elsewhere(base: Scenario) -> None:
    base.by_hand("ip route add 10.30.0.0/24 dev other")
    many = [peer(f"p{n}", f"10.40.{n}.0/24") for n in range(5)]
    said = "RTNETLINK answers: File exists\nCommand failed -:", ": ip route add 10.30.0.0/24 dev wg0\n"
    run = fail(base, *said, wg0=interface(ALICE, *many, peer("carol", "10.30.0.0/24"), mtu=1300, **hooks("old")))
    assert run.wg_quick == []
    assert base.hook_log() == []
    base.by_hand("ip route del 10.30.0.0/24")


def test_a_route_that_leads_elsewhere_at_a_first_apply(host: Host) -> None:
    scenario = Scenario(host)
    scenario.by_hand(
        "ip link add other type veth peer name far; ip link set other up; ip route add 10.20.0.0/24 dev other"
    )
    fail(scenario, "File exists", wg0=interface(ALICE))
    assert not scenario.is_live()
    many = [peer(f"p{n}", f"10.40.{n}.0/24") for n in range(40)]
    said = (
        "RTNETLINK answers: File exists\n",
        f"{CONF}/.wgreconcile/wg0.routes:1: ip route add 10.20.0.0/24 dev wg0\n",
    )
    fail(scenario, *said, wg0=interface(ALICE, *many))


def test_everything_in_place_fails_at_its_last_step(base: Scenario) -> None:
    base.by_hand("ip route add 10.30.0.0/24 dev other")
    all_new = interface(
        BOB | {"persistent_keepalive": 9, "preshared_key": private_key("other")},
        peer("carol", "10.30.0.0/24"),
        private_key=private_key("new"),
        address=["10.9.0.1/16", "fd09::1/48", "10.8.0.1/24"],
        listen_port=4000,
        mtu=1300,
        fwmark=0x99,
        **hooks("old"),
    )
    fail(base, wg0=all_new)
    base.by_hand("ip route del 10.30.0.0/24")


def test_a_roamed_endpoint_is_restored(base: Scenario) -> None:
    base.by_hand(f"wg set wg0 peer {public_key('alice')} endpoint 192.0.2.99:99")
    fail(base, wg0=BASE | {"post_up": ["false"], "table": "off"})
    assert base.peers("endpoints")[public_key("alice")] == "192.0.2.99:99"
    base.by_hand(f"wg set wg0 peer {public_key('alice')} endpoint 192.0.2.7:51820")


def test_an_endpoint_where_there_was_none_is_taken_away_again(base: Scenario) -> None:
    base.by_hand("ip route add 10.30.0.0/24 dev other")
    placed = BOB | {"endpoint": "192.0.2.9:51820"}
    run = fail(base, "File exists", wg0=BASE | {"peers": [ALICE, placed, peer("carol", "10.30.0.0/24")]})
    assert run.wg_quick == []
    run = fail(
        base, "File exists", wg0=BASE | {"peers": [placed, peer("carol", "10.30.0.0/24")], "listen_port": 4000}
    )
    assert run.wg_quick == []
    base.by_hand("ip route del 10.30.0.0/24")


def test_dns_is_restored(base: Scenario) -> None:
    base.apply(wg0=BASE | {"dns": ["192.0.2.53"]})
    seen = len(base.host.read(DNS_LOG))
    fail(base, wg0=BASE | {"dns": ["192.0.2.54"], "post_up": ["false"]})
    log = base.host.read(DNS_LOG)[seen:]
    assert log.rindex("nameserver 192.0.2.53") > log.index("nameserver 192.0.2.54")
    base.apply(wg0=BASE)


def test_a_full_tunnel_is_restored(pair: tuple[Host, Host]) -> None:
    scenario = Scenario(pair[0])
    full = peer("exit", "0.0.0.0/0", "::/0", endpoint="192.0.2.2:51820")
    scenario.apply(wg0=interface(full, BOB))
    fail(scenario, wg0=interface(full | {"allowed_ips": ["10.20.0.0/24"]}, BOB, post_up=["false"]))
    assert scenario.rules(4) == scenario.rules(6) != []
    assert scenario.wg("fwmark") == "0xca6c"


def test_drift_that_cannot_be_healed_stays_as_it_was(base: Scenario) -> None:
    base.by_hand("ip route del 10.20.0.0/24; ip route add 10.20.0.0/24 dev other; ip link set wg0 mtu 1300")
    fail(base, "File exists", wg0=BASE)
    assert base.mtu() == 1300
    base.by_hand("ip route del 10.20.0.0/24")
    base.apply()


def test_an_mtu_too_small_for_ipv6_is_restored_by_a_restart(base: Scenario) -> None:
    with_ipv6 = BASE | {"peers": [ALICE, BOB | {"allowed_ips": ["10.9.0.3/32", "fd20::/64"]}], "mtu": None}
    base.apply(wg0={key: value for key, value in with_ipv6.items() if value is not None})
    base.by_hand("ip link set wg0 mtu 1279")
    fail(base, wg0=BASE | {"post_up": ["false"]})
    assert base.mtu() == 1279
    base.apply(wg0=BASE)


def test_a_program_that_lies_is_found_out(base: Scenario) -> None:
    real = base.host.read("/run/testhost/bin/wg")
    base.host.install("wg", real.replace("exec", 'case "$1" in set|addconf) exit 0;; esac; exec'))
    fail(
        base,
        "applied, observed again, and still different: bob preshared_key",
        wg0=BASE | {"peers": [ALICE, BOB | {"preshared_key": private_key("other")}]},
    )
    base.host.install("wg", real)


def test_one_interface_fails_and_the_others_still_converge(host: Host) -> None:
    scenario = Scenario(host)
    good = {
        name: interface(
            peer(f"{name}-peer", f"10.5{n}.0.0/24"), label=name, address=[f"10.1{n}.0.1/24"], listen_port=51830 + n
        )
        for n, name in enumerate(("a0", "z0"))
    }
    run_before = scenario.apply(wg0=interface(ALICE), **good)
    assert run_before.changed == {"a0": 2, "wg0": 2, "z0": 2}
    changed = {name: each | {"mtu": 1300} for name, each in good.items()}
    before = scenario.snapshot()
    scenario.desire(wg0=interface(ALICE, BOB, post_up=["echo no luck >&2; false"]), **changed)
    run = scenario.run("apply", "-o", "json", expect=1)
    outcome = {each["name"]: each for each in json.loads(run.stdout)["outcome"]}
    assert {name: (each["changed"], each["failed"]) for name, each in outcome.items()} == {
        "a0": (1, False),
        "wg0": (0, True),
        "z0": (1, False),
    }
    assert "no luck" in outcome["wg0"]["error"]
    assert outcome["wg0"]["return_error"] == ""
    assert scenario.snapshot() == before
    assert (scenario.mtu("a0"), scenario.mtu("z0")) == (1300, 1300)
    scenario.check_settled("a0", "z0")
    scenario.desire(wg0=interface(ALICE, BOB), **changed)
    assert scenario.apply().changed == {"a0": 0, "wg0": 1, "z0": 0}


def test_a_way_back_that_fails_says_what_still_differs(base: Scenario) -> None:
    breaking = f"touch {HOOK_LOG}.broken; false"
    base.apply(wg0=BASE | {"post_up": [f"! test -e {HOOK_LOG}.broken"]})
    base.desire(wg0=BASE | {"post_up": [breaking]})
    run = base.run("apply", expect=1)
    assert BACK not in run.stderr
    assert run.stderr.count("wg-quick up") == 2
    base.by_hand(f"rm {HOOK_LOG}.broken")
    base.apply(wg0=BASE)


FULL = f"dd if=/dev/zero of={VAR}/full bs=4k 2>/dev/null || true"


@pytest.fixture
def little_room(host: Host) -> Scenario:
    """wg0 as BASE has it, on a host whose /var/lib/wgreconcile is small and full."""
    scenario = Scenario(host)
    scenario.by_hand(f"mount -t tmpfs -o size=64k,mode=755 little {VAR}")
    scenario.apply(wg0=BASE)
    scenario.by_hand(FULL)
    scenario.hook_log()
    return scenario


def test_a_full_disk_keeps_a_restart_from_being_begun(little_room: Scenario) -> None:
    full = (
        f"could not be noted, so it was not begun: {VAR}/interfaces/wg0.json: No space left on device; make room"
    )
    run = fail(little_room, full, wg0=BASE | hooks("new"))
    assert run.wg_quick == []
    little_room.by_hand(f"rm {VAR}/full")
    assert little_room.apply().wg_quick == ["down", "up"]


def test_what_cannot_be_remembered_on_a_full_disk_is_there_all_the_same(little_room: Scenario) -> None:
    more = [
        peer(f"p{number}", f"10.9.1.{number}/32") for number in range(30)
    ]  # more than the old record has room for
    little_room.desire(wg0=BASE | {"peers": [ALICE, BOB, *more], "mtu": 1300})
    for changed in (31, 0):
        run = little_room.run("apply", expect=1)
        assert (run.changed, run.failed) == ({"wg0": changed}, {"wg0": 0})
        assert (
            "wg0: it is as the state wants it, which was verified; only what was applied could not be"
            in run.stderr
        )
    assert little_room.mtu() == 1300
    little_room.by_hand(f"rm {VAR}/full")
    assert little_room.apply().changed == {"wg0": 0}
    assert "p29" in record_of(little_room)


def test_a_disk_that_runs_full_while_it_comes_up_costs_no_second_restart(little_room: Scenario) -> None:
    little_room.by_hand(f"rm {VAR}/full")
    run = little_room.apply(wg0=BASE | {"post_up": [FULL]})
    assert run.wg_quick == ["down", "up"]
