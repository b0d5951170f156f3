"""Settings of an interface: each is set, changed and removed, with the least disruption that does it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from wgreconcile.values import is_interface_name

from .scenario import CONF, HOOK_LOG, Scenario, Shared, hooks, interface, peer, private_key, public_key
from .testhost import DNS_LOG, PROGRAM_FOLDER, Host

ALICE = peer("alice", "10.9.0.2/32", "10.20.0.0/24")
BASE = interface(ALICE)


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with Shared(wg0=BASE) as shared:
        yield shared


@pytest.fixture
def base(shared: Shared) -> Scenario:
    """wg0 is live with alice on it."""
    return shared.scenario()


def changed(*, address: list[str] | None = None, **fields: object) -> dict[str, object]:
    """BASE with other fields."""
    return interface(ALICE, **({"address": address} if address else {}), **fields)


def test_first_apply_brings_an_interface_up_with_all_that_its_state_says(host: Host) -> None:
    scenario = Scenario(host)
    run = scenario.apply(wg0=changed(mtu=1380, fwmark=0x1234))
    assert run.changed == {"wg0": 2}
    assert run.causes == {"never applied"}
    assert scenario.addresses() == ["10.9.0.1/24", "fd09::1/64"]
    assert scenario.routes() == {"10.20.0.0/24"}
    assert scenario.mtu() == 1380
    assert scenario.wg("listen-port") == "51820"
    assert scenario.wg("fwmark") == "0x1234"
    assert scenario.wg("public-key") == public_key("wg0")
    assert scenario.allowed_ips() == {public_key("alice"): {"10.9.0.2/32", "10.20.0.0/24"}}


def test_a_private_key_is_made_at_the_first_apply_and_kept(host: Host) -> None:
    scenario = Scenario(host)
    scenario.apply(wg0=interface(private_key=None))
    made = host.read("/etc/wgreconcile/secrets/wg0.key").strip()
    assert scenario.wg("private-key") == made
    scenario.apply(wg0=interface(private_key=None, listen_port=51821))
    assert scenario.wg("private-key") == made


def test_disabled_goes_down_and_enabled_comes_up_again(base: Scenario) -> None:
    for _ in range(2):
        run = base.apply(wg0=changed(enabled=False))
        assert run.wg_quick == ["down"]
        assert run.causes == {"changed in state"}
        assert not base.is_live()
        assert "PublicKey" in base.conf()
        run = base.apply(wg0=BASE)
        assert run.wg_quick == ["up"]
        assert base.routes() == {"10.20.0.0/24"}


def test_an_interface_disabled_from_the_start_gets_a_file_and_stays_down(host: Host) -> None:
    scenario = Scenario(host)
    run = scenario.apply(wg0=changed(enabled=False, **hooks("old")))
    assert run.writes == []
    assert not scenario.is_live()
    assert host.infra.file(f"{CONF}/wg0.conf").mode == 0o600
    assert scenario.hook_log() == []


def test_settings_change_while_the_interface_is_disabled(base: Scenario) -> None:
    base.apply(wg0=changed(enabled=False))
    run = base.apply(wg0=changed(enabled=False, mtu=1300, address=["10.9.9.1/24"]))
    assert run.wg_quick == []
    base.apply(wg0=changed(mtu=1300, address=["10.9.9.1/24"]))
    assert (base.mtu(), base.addresses()) == (1300, ["10.9.9.1/24"])
    base.apply(wg0=BASE)


def test_private_key_changes_in_place(base: Scenario) -> None:
    run = base.apply(wg0=changed(private_key=private_key("new")))
    assert run.wg_quick == []
    assert run.disruption == "interface"
    assert base.wg("public-key") == public_key("new")
    assert base.peers("allowed-ips").keys() == {public_key("alice")}
    base.apply(wg0=BASE)
    assert base.wg("public-key") == public_key("wg0")


def test_listen_port_changes_in_place(base: Scenario) -> None:
    run = base.apply(wg0=changed(listen_port=51999))
    assert run.wg_quick == []
    assert base.wg("listen-port") == "51999"
    base.apply(wg0=BASE)


def test_a_listen_port_that_leaves_the_state_is_kept_by_later_changes(base: Scenario) -> None:
    base.apply(wg0=changed(listen_port=None))
    assert base.wg("listen-port") == "51820"
    base.apply(wg0=changed(listen_port=None, private_key=private_key("new")))
    assert base.wg("listen-port") == "51820"
    base.apply(wg0=BASE)


def test_mark_is_set_changed_and_removed_in_place(base: Scenario) -> None:
    for mark, shown in ((0x100, "0x100"), ("0x200", "0x200"), (None, "off")):
        run = base.apply(wg0=changed(fwmark=mark))
        assert run.wg_quick == []
        assert base.wg("fwmark") == shown


def test_mtu_is_set_changed_and_removed_in_place(base: Scenario) -> None:
    automatic = base.mtu()
    for mtu, expected in ((1300, 1300), (1400, 1400), (None, automatic)):
        run = base.apply(wg0=changed(mtu=mtu))
        assert (run.wg_quick, run.disruption) == ([], "none")
        assert base.mtu() == expected
        assert base.routes() == {"10.20.0.0/24"}


def test_automatic_mtu_follows_the_path_to_the_peer_as_wg_quick_does(pair: tuple[Host, Host]) -> None:
    scenario = Scenario(pair[0])
    scenario.ip("link", "set", "eth0", "mtu", "1400")
    far = peer("far", "10.9.0.2/32", endpoint="192.0.2.2:51820")
    scenario.apply(wg0=interface(far))
    by_wg_quick = scenario.mtu()
    scenario.apply(wg0=interface(far, mtu=1300))
    scenario.apply(wg0=interface(far))
    assert scenario.mtu() == by_wg_quick == 1320


ADDRESSES = {
    "a network of each family more": ["10.9.0.1/24", "fd09::1/64", "10.10.0.1/24", "fd10::1/64"],
    "IPv4 only": ["10.9.0.1/24"],
    "a second address of a network": ["10.9.0.1/24", "10.9.0.11/24"],
    "IPv6 only": ["fd09::1/64"],
    "both again, with other lengths": ["10.9.0.1/16", "fd09::1/48"],
    "another primary of the same network": ["10.9.0.9/16", "fd09::1/48"],
    "single addresses": ["10.9.0.9/32", "fd09::1/128"],
    "all others": ["10.11.0.1/24", "fd11::1/64"],
    "as it was": BASE["address"],
}


def test_addresses_change_in_place_and_routes_with_them(base: Scenario) -> None:
    for step, address in ADDRESSES.items():
        run = base.apply(wg0=changed(address=address))
        assert run.wg_quick == [], step
        assert {*base.addresses()} == {*address}, step
        covered = any(each.startswith("10.9.0.") and not each.endswith("/32") for each in address)
        assert base.routes() == {"10.20.0.0/24"} | (set() if covered else {"10.9.0.2"}), step


def test_the_first_address_of_a_network_goes_and_its_second_stays(base: Scenario) -> None:
    base.apply(wg0=changed(address=["10.9.0.1/24", "10.9.0.2/24", "10.9.0.3/24"]))
    base.apply(wg0=changed(address=["10.9.0.2/24", "10.9.0.3/24"]))
    assert base.addresses() == ["10.9.0.2/24", "10.9.0.3/24"]
    base.apply(wg0=BASE)


def test_the_first_address_in_the_state_is_the_source_of_packets(base: Scenario) -> None:
    both = ["10.9.0.1/24", "10.9.0.7/24"]
    for order in (both, both[::-1], both):
        base.apply(wg0=changed(address=order))
        assert base.addresses() == order
        source = base.ip("route", "get", "10.9.0.2").split(" src ")[1].split()[0]
        assert f"{source}/24" == order[0]
    base.apply(wg0=BASE)


def test_an_automatic_mtu_too_small_for_ipv6_is_found_before_anything_is_begun(pair: tuple[Host, Host]) -> None:
    scenario = Scenario(pair[0])
    scenario.ip("link", "set", "eth0", "mtu", "1340")
    far = peer("far", "10.9.0.2/32", endpoint="192.0.2.2:51820")
    both = interface(far)
    problem = "the paths to its peers leave it an MTU of 1260, too small for IPv6; set an mtu of 1280 or more"
    small = interface(far, address=["10.9.0.1/24"])
    for before in (None, small, interface(far, mtu=1280)):
        if before:
            scenario.apply(wg0=before)
        scenario.desire(wg0=both)
        assert f"warning: wg0: apply would fail: was not begun, because {problem}" in scenario.run("plan").stderr
        run = scenario.run("apply", expect=1)
        assert f"wg0: was not begun, because {problem}" in run.stderr
        assert "wg0: it is back as it was before, which was verified" in run.stderr
        assert run.writes == []
    scenario.ip("link", "set", "eth0", "mtu", "1500")
    assert scenario.apply(wg0=both).stderr == ""


def test_an_mtu_too_small_for_ipv6_comes_and_goes_with_it(base: Scenario) -> None:
    both, old = peer("alice", "10.9.0.2/32", "fd20::/64"), {"address": ["10.9.0.1/24"], "mtu": 1279}
    base.apply(wg0=interface(both))
    for wanted in (interface(ALICE, **old), interface(both, mtu=1280), interface(ALICE, **old), interface(both)):
        run = base.apply(wg0=wanted)
        assert (run.wg_quick, base.mtu()) == ([], wanted.get("mtu", 1420))
    base.apply(wg0=BASE)


def test_an_mtu_too_small_for_ipv6_is_refused(base: Scenario) -> None:
    base.desire(wg0=changed(mtu=1279))
    run = base.run("apply", expect=78)
    assert "wg0.yaml:6: mtu: 1279 is too small for IPv6, and fd09::1/64 is an address; write 1280" in run.stderr


def test_an_mtu_too_small_for_ipv6_is_drift_even_where_the_state_leaves_it_open(base: Scenario) -> None:
    base.apply(wg0=interface(peer("alice", "10.9.0.2/32", "fd20::/64")))
    base.by_hand("ip link set wg0 mtu 1279")
    run = base.apply()
    assert (run.wg_quick, run.causes, base.mtu()) == ([], {"changed live"}, 1420)
    base.apply(wg0=BASE)


def test_addresses_go_where_the_kernels_settings_are_read_only(host: Host) -> None:
    """As in most containers: the addresses that the kernel drops along with the first one come back."""
    scenario = Scenario(host)
    four = ["10.9.0.1/24", "10.9.0.5/24", "10.9.0.6/24", "10.8.0.1/24"]
    scenario.apply(wg0=changed(address=four))
    scenario.by_hand("mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys")
    for left in (four[1:], four[3:], four[:3], four[2:3], four[1::-1]):
        run = scenario.apply(wg0=changed(address=left))
        assert (run.wg_quick, {*scenario.addresses()}) == ([], {*left})
        assert "10.20.0.0/24" in scenario.routes()


def test_table_off_number_and_auto_move_the_routes(base: Scenario) -> None:
    for table, main, numbered in (
        ("off", set(), set()),
        (1234, set(), {"10.9.0.2", "10.20.0.0/24"}),
        (None, {"10.20.0.0/24"}, set()),
    ):
        run = base.apply(wg0=changed(table=table))
        assert run.wg_quick == ["down", "up"]
        assert base.routes() == main
        assert base.routes(table="1234") == numbered


def test_dns_is_handed_to_resolvconf_and_taken_back(base: Scenario) -> None:
    base.apply(wg0=changed(dns=["192.0.2.53", "example.com"]))
    log = base.host.read(DNS_LOG)
    assert "resolvconf -a wg0" in log
    assert "nameserver 192.0.2.53\nsearch example.com" in log
    base.apply(wg0=changed(dns=["192.0.2.54"]))
    log = base.host.read(DNS_LOG)[len(log) :]
    assert log.index("resolvconf -d wg0") < log.index("nameserver 192.0.2.54")
    base.apply(wg0=BASE)
    assert base.host.read(DNS_LOG).splitlines()[-1].startswith("resolvconf -d wg0")


def test_without_resolvconf_nothing_with_dns_is_begun(base: Scenario, request: pytest.FixtureRequest) -> None:
    problem = "`resolvconf` is not installed; install the package openresolv, which wg-quick needs for this"
    base.apply(wg0=changed(dns=["192.0.2.53"]))
    base.by_hand(f"chmod 644 {PROGRAM_FOLDER}/resolvconf")
    request.addfinalizer(lambda: base.by_hand(f"chmod 755 {PROGRAM_FOLDER}/resolvconf"))
    for wanted in (changed(dns=["192.0.2.54"]), BASE, changed(enabled=False)):
        base.desire(wg0=wanted)
        assert f"warning: wg0: apply would fail: {problem}" in base.run("plan").stderr
        run = base.run("apply", expect=1)
        assert f"wg0: {problem}\nwg0: it is back as it was before" in run.stderr
        assert run.writes == []
    base.by_hand("ip link del wg0")
    base.desire(wg0=changed(dns=["192.0.2.54"]))
    assert problem in base.run("apply", "--check", expect=2).stderr
    run = base.apply(wg0=BASE)
    assert (run.wg_quick, run.stderr) == (["up"], "")


def test_changed_hooks_go_down_as_they_came_up_and_come_up_as_they_are_now(base: Scenario) -> None:
    base.apply(wg0=changed(**hooks("old")))
    assert base.hook_log() == ["old pre_up wg0", "old post_up wg0"]
    run = base.apply(wg0=changed(**hooks("new")))
    assert (run.wg_quick, run.disruption) == (["down", "up"], "restart")
    assert base.hook_log() == ["old pre_down wg0", "old post_down wg0", "new pre_up wg0", "new post_up wg0"]
    base.apply(wg0=BASE)
    assert base.hook_log() == ["new pre_down wg0", "new post_down wg0"]


def test_hooks_keep_their_order_and_their_quotes(base: Scenario) -> None:
    lines = [f"echo '{word}' \"%i\" >>{HOOK_LOG}" for word in ("second  word", "first; $x", "third=3")]
    base.apply(wg0=changed(post_up=lines, pre_down=lines[::-1]))
    assert base.hook_log() == ["second  word wg0", "first; $x wg0", "third=3 wg0"]
    base.apply(wg0=BASE)
    assert base.hook_log() == ["third=3 wg0", "first; $x wg0", "second  word wg0"]


def test_hooks_that_only_run_on_the_way_down_need_no_restart(base: Scenario) -> None:
    run = base.apply(wg0=changed(**hooks("first", "pre_down", "post_down")))
    assert run.wg_quick == []
    run = base.apply(wg0=changed(**hooks("second", "pre_down", "post_down")))
    assert run.wg_quick == []
    base.apply(wg0=changed(enabled=False, **hooks("second", "pre_down", "post_down")))
    assert base.hook_log() == ["second pre_down wg0", "second post_down wg0"]
    base.apply(wg0=BASE)


def test_hooks_of_the_file_on_disk_never_run(base: Scenario) -> None:
    base.apply(wg0=changed(**hooks("old")))
    base.hook_log()
    text = base.conf()
    base.host.write(f"{CONF}/wg0.conf", text.replace("echo old", "echo foreign"))
    base.apply(wg0=changed(enabled=False))
    assert base.hook_log() == ["old pre_down wg0", "old post_down wg0"]
    base.apply(wg0=BASE)


def test_all_settings_change_at_once(base: Scenario) -> None:
    bob = peer("bob", "10.30.0.0/24")
    all_new = interface(
        bob, private_key=private_key("new"), address=["fd77::1/64"], listen_port=51999, mtu=1290, fwmark=7
    )
    run = base.apply(wg0=all_new)
    assert run.wg_quick == []
    assert (base.addresses(), base.mtu(), base.routes()) == (["fd77::1/64"], 1290, {"10.30.0.0/24"})
    assert base.peers("allowed-ips") == {public_key("bob"): "10.30.0.0/24"}
    base.apply(wg0=BASE)
    assert base.routes() == {"10.20.0.0/24"}


def test_description_and_tags_change_nothing_on_the_host(base: Scenario) -> None:
    run = base.apply(wg0=interface(ALICE | {"tags": ["a"], "description": "hers"}, description="ours"))
    assert run.changed == {"wg0": 0}


def test_a_restart_looks_names_up_before_the_interface_goes_down(host: Host) -> None:
    """The way to the name server may be the tunnel itself; here it is a file that a hook takes away."""
    scenario = Scenario(host)
    scenario.by_hand("echo 192.0.2.7 vpn.invalid >/run/hosts; mount --bind /run/hosts /etc/hosts")
    alice = ALICE | {"endpoint": "vpn.invalid:51820"}
    away = {"pre_down": [": >/etc/hosts"], "post_up": ["echo 192.0.2.8 vpn.invalid >/etc/hosts"]}
    scenario.apply(wg0=interface(alice, **away))
    run = scenario.apply(wg0=interface(alice, dns=["192.0.2.53"], **away))
    assert run.wg_quick == ["down", "up"]
    assert scenario.peers("endpoints") == {public_key("alice"): "192.0.2.8:51820"}

    scenario.by_hand(": >/etc/hosts")
    scenario.desire(wg0=interface(alice, **away))
    run = scenario.run("apply", expect=1, env={"RES_OPTIONS": "timeout:1 attempts:1"})
    assert "wg0: was not begun, because no address was found for vpn.invalid; correct the endpoint" in run.stderr
    assert "wg0: it is back as it was before, which was verified" in run.stderr
    assert run.wg_quick == []


def test_names_that_wg_quick_or_ip_takes_for_something_else_are_told_from_all_others(host: Host) -> None:
    """What is refused is what `ip link add` does not make an interface of that name from, and nothing else."""
    words = {"up", "down", "mtu", "type", "name", "dev", "link", "group", "vrf", "xdp", "link-netns", "parentdev"}
    longest = ("addrgenmode", "broadcast", "carrier", "help", "link-netnsid", "nomaster", "numtxqueues", "txqlen")
    shortened = {word[:length] for word in (*words, *longest) for length in range(1, len(word) + 1)}
    names = sorted({*shortened, "all", "lo", "wg0", "on", "none", "lladdr", "show", "table", "via", "=x", "0"})
    made = set()
    for name in names:
        host.run(["ip", "link", "add", name, "type", "veth"], check=False)
        found = {each["ifname"] for each in json.loads(host.run(["ip", "-json", "link"]).stdout)} - {"lo"}
        made |= {name} & found
        for each in found:
            host.run(["ip", "link", "delete", "dev", each], check=False)
    assert {each for each in names if is_interface_name(each)} == made
