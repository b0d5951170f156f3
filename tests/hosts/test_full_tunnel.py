"""Default routes: wg-quick's policy routing comes, stays while peers change beside it, and goes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from .scenario import Scenario, Shared, interface, peer, private_key, public_key
from .testhost import PROGRAM_FOLDER, Host

BOTH = ["0.0.0.0/0", "::/0"]
EXIT = peer("exit", *BOTH, endpoint="192.0.2.2:51820")
SPLIT = peer("exit", "10.9.0.2/32", "10.20.0.0/16", endpoint="192.0.2.2:51820")
PHONE = peer("phone", "10.9.0.3/32", "10.30.0.0/24")


@pytest.fixture
def scenario(pair: tuple[Host, Host]) -> Scenario:
    """A host with a neighbour at 192.0.2.2, whose eth0 leads nowhere else."""
    return Scenario(pair[0])


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    near = "ip link add eth0 type veth peer name far; ip link set eth0 up; ip link set far up"
    addresses = "ip address add 192.0.2.1/24 dev eth0; ip address add 2001:db8::1/64 dev eth0"
    with Shared(f"{near}; {addresses}", wg0=interface(EXIT, PHONE)) as shared:
        yield shared


@pytest.fixture
def full(shared: Shared) -> Scenario:
    """A host that sends everything through the tunnel but what is near at eth0."""
    return shared.scenario()


def path(scenario: Scenario, address: str) -> str:
    """The device that packets to an address leave through."""
    return scenario.ip("route", "get", address).partition(" dev ")[2].split()[0]


WANTED = ["from all lookup main suppress_prefixlength 0", "not from all fwmark 0xca6c lookup 51820"]


def check_full(scenario: Scenario, versions: tuple[int, ...] = (4, 6)) -> None:
    """Everything goes through the tunnel, but what is near and what the tunnel itself sends."""
    for version, default, near in ((4, "198.51.100.1", "192.0.2.2"), (6, "2001:db8:ffff::1", "2001:db8::2")):
        is_full = version in versions
        assert scenario.rules(version) == (WANTED if is_full else [])
        if is_full:
            assert path(scenario, default) == "wg0"
        assert path(scenario, near) == "eth0"
    tables = scenario.host.run(["nft", "list", "tables"]).stdout
    assert [f"table {family} wg-quick-wg0" in tables for family in ("ip", "ip6")] == [
        each in versions for each in (4, 6)
    ]
    assert scenario.wg("fwmark") == "0xca6c"


def check_none(scenario: Scenario) -> None:
    """No rule, table, mark or route of a full tunnel is left."""
    assert (scenario.rules(4), scenario.rules(6)) == ([], [])
    assert scenario.host.run(["nft", "list", "ruleset"]).stdout == ""
    assert scenario.ip("-4", "route", "show", "table", "all").count("default") == 0
    if scenario.is_live():
        assert scenario.wg("fwmark") == "off"
        assert scenario.routes(table="51820") == set()


def test_full_tunnel_stays_while_peers_change_and_goes_back_to_split(scenario: Scenario) -> None:
    run = scenario.apply(wg0=interface(EXIT))
    assert run.wg_quick == ["up"]
    check_full(scenario)
    assert scenario.routes(table="51820") == {"default"}

    run = scenario.apply(wg0=interface(EXIT, PHONE))
    assert (run.wg_quick, run.disruption) == ([], "none")
    check_full(scenario)
    assert scenario.routes() == {"10.30.0.0/24"}

    run = scenario.apply(wg0=interface(EXIT | {"preshared_key": private_key("psk")}, PHONE, listen_port=51999))
    assert run.wg_quick == []
    check_full(scenario)

    run = scenario.apply(wg0=interface(SPLIT, PHONE))
    assert run.wg_quick == ["down", "up"]
    check_none(scenario)
    assert scenario.routes() == {"10.20.0.0/16", "10.30.0.0/24"}

    run = scenario.apply(wg0=interface(EXIT, PHONE))
    assert run.wg_quick == ["down", "up"]
    check_full(scenario)

    scenario.apply(wg0=interface(EXIT, PHONE, enabled=False))
    check_none(scenario)


@pytest.mark.parametrize(("network", "version"), [("0.0.0.0/0", 4), ("::/0", 6)])
def test_a_full_tunnel_of_one_family_leaves_the_other_alone(
    scenario: Scenario, network: str, version: int
) -> None:
    scenario.apply(wg0=interface(EXIT | {"allowed_ips": [network]}))
    check_full(scenario, (version,))
    scenario.apply(wg0=interface(EXIT))
    check_full(scenario)
    scenario.apply(wg0=interface(SPLIT))
    check_none(scenario)


def test_a_mark_of_ones_own_names_the_table(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(EXIT, fwmark=4321))
    assert scenario.rules(4)[1:] == ["not from all fwmark 0x10e1 lookup 4321"]
    assert scenario.routes(table="4321") == {"default"}
    scenario.apply(wg0=interface(EXIT, fwmark=4322))
    assert scenario.rules(4)[1:] == ["not from all fwmark 0x10e2 lookup 4322"]
    scenario.apply(wg0=interface(EXIT))
    check_full(scenario)


def test_default_routes_with_a_table_of_their_own_need_no_rules(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(EXIT, table="off"))
    check_none(scenario)
    scenario.apply(wg0=interface(EXIT, table=77))
    assert scenario.routes(table="77") == {"default"}
    assert (scenario.rules(4), scenario.rules(6)) == ([], [])


@pytest.mark.parametrize(
    "damage",
    [
        "ip rule del not fwmark 51820 table 51820; ip -6 rule del not fwmark 51820 table 51820",
        "ip rule del table main suppress_prefixlength 0; ip -6 rule del table main suppress_prefixlength 0",
        "ip rule del not fwmark 51820 table 51820; ip rule del table main suppress_prefixlength 0",
        "ip route del default table 51820; ip -6 route del default table 51820",
        "wg set wg0 fwmark 0",
        "wg set wg0 fwmark 1234",
        f"wg set wg0 peer {public_key('exit')} remove",
        "ip route flush table 51820; wg set wg0 fwmark 0",
        "ip link set wg0 down",
    ],
)
def test_damage_by_hand_is_repaired(full: Scenario, damage: str) -> None:
    full.by_hand(damage)
    run = full.apply()
    assert run.causes == {"changed live"}
    check_full(full)
    assert full.routes() == {"10.30.0.0/24"}


def test_a_full_tunnel_that_was_deleted_comes_up_again_and_leaves_nothing_when_it_goes(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(EXIT))
    scenario.by_hand("ip link del wg0")  # its rules stay, and wg-quick adds them once more
    scenario.apply()
    assert {*scenario.rules(4)} == {*scenario.rules(6)} == {*WANTED}
    assert path(scenario, "198.51.100.1") == "wg0"
    assert path(scenario, "192.0.2.2") == "eth0"
    scenario.apply(wg0=interface(EXIT, enabled=False))
    check_none(scenario)


def test_two_full_tunnels_take_turns(scenario: Scenario) -> None:
    one = interface(EXIT)
    two = interface(EXIT, label="wg1", address=["10.8.0.1/24"], listen_port=51821)
    for names in (("wg0",), ("wg1",), ("wg0",)):
        states = {"wg0": one | {"enabled": "wg0" in names}, "wg1": two | {"enabled": "wg1" in names}}
        scenario.apply(**states)
        assert path(scenario, "198.51.100.1") == names[0]
        assert path(scenario, "192.0.2.2") == "eth0"
    scenario.apply(wg0=one | {"enabled": False}, wg1=two | {"enabled": False})
    check_none(scenario)


def guarded(scenario: Scenario) -> set[str]:
    """The addresses that packets from elsewhere than the tunnel do not get to."""
    rules = scenario.host.run(["nft", "list", "ruleset"]).stdout.splitlines()
    found = (re.search(r'iifname != "wg0" ip6? daddr (\S+) .*drop', each) for each in rules)
    return {each[1] for each in found if each}


def test_wg_quick_guards_every_address_of_a_full_tunnel(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(EXIT, PHONE))
    assert guarded(scenario) == {"10.9.0.1", "fd09::1"}
    for addresses in (["10.9.0.1/24", "10.9.1.1/24", "fd09::1/64"], ["10.9.1.1/24", "fd09::2/64"]):
        run = scenario.apply(wg0=interface(EXIT, PHONE, address=addresses))
        assert (run.wg_quick, run.disruption) == (["down", "up"], "restart")
        assert guarded(scenario) == {each.partition("/")[0] for each in addresses}
        check_full(scenario)


def test_addresses_changed_by_hand_go_back_in_place_and_stay_guarded(full: Scenario) -> None:
    full.by_hand("ip address del 10.9.0.1/24 dev wg0; ip address add 10.9.7.7/24 dev wg0")
    run = full.apply()
    assert (run.wg_quick, full.addresses()) == ([], ["10.9.0.1/24", "fd09::1/64"])
    assert guarded(full) == {"10.9.0.1", "fd09::1"}
    check_full(full)


def test_where_nft_is_missing_iptables_guards_them(scenario: Scenario) -> None:
    scenario.by_hand("mkdir /run/few; ln -s /usr/sbin/* /run/few; rm /run/few/nft /run/testhost/bin/nft")
    few = {"PATH": f"{PROGRAM_FOLDER}:/run/few:/usr/bin"}
    for wanted in (interface(EXIT), interface(EXIT, address=["10.9.1.1/24"])):
        scenario.desire(wg0=wanted)
        scenario.run("apply", env=few)
    rules = scenario.host.run(["iptables-save", "-t", "raw"]).stdout
    assert re.findall(r"-A PREROUTING -d (\S+)/32 ! -i wg0 ", rules) == ["10.9.1.1"]


def test_a_way_back_of_addresses_guards_the_old_ones(full: Scenario) -> None:
    before = full.snapshot()
    full.desire(wg0=interface(EXIT, PHONE, address=["10.9.1.1/24"], post_up=["false"]))
    run = full.run("apply", expect=1)
    assert "it is back as it was before, which was verified" in run.stderr
    assert (full.snapshot(), guarded(full)) == (before, {"10.9.0.1", "fd09::1"})


def test_a_hook_that_fails_is_told_however_much_there_is_to_clean_up(scenario: Scenario) -> None:
    scenario.desire(wg0=interface(EXIT, dns=["192.0.2.53"], post_up=["echo no luck >&2; exit 3"]))
    run = scenario.run("apply", expect=1)
    assert "\n[#] echo no luck >&2; exit 3\nno luck\nwg0: it is back" in run.stderr
