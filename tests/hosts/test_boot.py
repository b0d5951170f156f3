"""The files work without wgreconcile: wg-quick takes down and brings up what it applied, as a boot would."""

from __future__ import annotations

import pytest

from .scenario import CONF, Document, Scenario, hooks, interface, peer, private_key
from .testhost import DNS_LOG, Host

ALICE = peer(
    "alice's laptop # 1",
    "10.9.0.2/32",
    "10.20.0.0/24",
    "fd20::/48",
    endpoint="192.0.2.7:51820",
    persistent_keepalive=25,
    preshared_key=private_key("psk"),
)
EXIT = peer("exit", "0.0.0.0/0", "::/0")

STATES = {
    "everything": interface(
        ALICE, peer("bob", "10.9.0.3/32"), mtu=1380, fwmark=0x99, dns=["192.0.2.53", "example.com"], **hooks("our")
    ),
    "nothing set": {"address": ["10.9.0.1/24"]},
    "full tunnel": interface(ALICE, EXIT, **hooks("our")),
    "a table of its own": interface(ALICE, EXIT, table=4711),
    "no routes": interface(ALICE, EXIT, table="off"),
    "IPv6 only": interface(peer("six", "fd60::/48", endpoint="[2001:db8::7]:7"), address=["fd09::1/64"]),
    "many peers": interface(*(peer(f"p{n}", f"10.40.{n}.0/24") for n in range(40)), **hooks("our")),
}


@pytest.mark.parametrize("case", STATES)
def test_wg_quick_takes_it_down_and_brings_it_up_again(host: Host, case: str) -> None:
    scenario, document = Scenario(host), STATES[case]
    scenario.apply(wg0=document)
    applied, log = scenario.snapshot(), scenario.hook_log()
    scenario.by_hand("wg-quick down wg0")
    assert not scenario.is_live()
    down = scenario.hook_log()
    scenario.by_hand("wg-quick up wg0")
    assert comparable(scenario.snapshot()) == comparable(applied)
    assert scenario.hook_log() == log
    if "pre_down" in document:
        assert down == ["our pre_down wg0", "our post_down wg0"]
    if "dns" in document:
        assert host.read(DNS_LOG).count("nameserver 192.0.2.53\nsearch example.com") == 2
    if "listen_port" in document:
        scenario.check_settled()


def comparable(snapshot: Document) -> Document:
    """A snapshot without the port that WireGuard chooses when none is set."""
    lines = {line for section in snapshot["wg"] for line in section.splitlines()}
    port = {line for line in lines if line.startswith("ListenPort") and line != "ListenPort = 51820"}
    return snapshot | {"wg": lines - port}


def test_a_host_that_booted_is_as_it_was_applied(host: Host) -> None:
    """After a boot nothing is left in /run and the kernel; the unit brings up every file in turn."""
    scenario = Scenario(host)
    other = interface(label="wg1", address=["10.8.0.1/24"], listen_port=51821)
    scenario.apply(wg0=STATES["everything"], wg1=other)
    applied = scenario.snapshot("wg0"), scenario.snapshot("wg1")
    scenario.by_hand("ip link del wg0; ip link del wg1; rm -rf /run/wireguard")
    scenario.by_hand(f"for file in {CONF}/*.conf; do wg-quick up $file; done")
    assert (scenario.snapshot("wg0"), scenario.snapshot("wg1")) == applied
    scenario.check_settled()


def test_a_disabled_interface_may_be_booted_by_its_unit_and_goes_down_at_the_next_apply(host: Host) -> None:
    scenario = Scenario(host)
    scenario.apply(wg0=STATES["everything"] | {"enabled": False})
    scenario.by_hand("wg-quick up wg0")
    assert scenario.apply().causes == {"changed live"}
    assert not scenario.is_live()


def test_another_folder_for_the_files_works_the_same(host: Host) -> None:
    scenario = Scenario(host)
    scenario.desire(wg0=STATES["everything"])
    options = ["--conf-dir", "/run/my conf"]
    scenario.run("apply", *options)
    assert not host.path(f"{CONF}/wg0.conf").exists()
    scenario.by_hand("wg-quick down '/run/my conf/wg0.conf'; wg-quick up '/run/my conf/wg0.conf'")
    scenario.run("plan", "--detailed-exitcode", *options)
    scenario.desire(wg0=STATES["everything"] | {"enabled": False})
    scenario.run("apply", *options)
    assert not scenario.is_live()
