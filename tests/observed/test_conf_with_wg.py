"""What the real `wg` makes of a configuration and shows of it: both parsers against what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, assume, example, given, settings

from wgreconcile.errors import StateError
from wgreconcile.observed.conf import NO_KEY, Conf, ConfPeer, parse_conf
from wgreconcile.observed.model import LiveInterface
from wgreconcile.observed.wg import parse_dump
from wgreconcile.planning.goal import conf_peer
from wgreconcile.planning.render import render_peers, render_stripped

from ..hosts import testhost
from ..hosts.testhost import Host
from .strategies import CONFS, public_key, secret_key

ANN, BOB = public_key("ann"), public_key("bob")
SECRET = secret_key("wg0").reveal()

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A test host with the interface wg0."""
    if reason := testhost.missing():
        pytest.fail(reason, pytrace=False)
    with Host("observed") as made:
        if made.run(["ip", "link", "add", "wg0", "type", "wireguard"], check=False).returncode:
            made.run(["wireguard-go", "wg0"])
        yield made


def live_after(host: Host, verb: str, text: str) -> LiveInterface | None:
    """The interface after `wg setconf` and the like; None when wg refuses the text."""
    # wg retries a name server that does not answer.
    done = host.run(
        ["wg", verb, "wg0", "/dev/stdin"], stdin=text, check=False, env={"WG_ENDPOINT_RESOLUTION_RETRIES": "0"}
    )
    if done.returncode:
        return None
    (live,) = parse_dump(host.run(["wg", "show", "all", "dump"]).stdout)
    return live


def meant(live: LiveInterface, conf: Conf) -> Conf:
    """The configuration that a live interface has; a port that ``conf`` leaves open is left open."""
    port = live.listen_port if conf.listen_port else None
    return Conf(live.private_key, (), port, fwmark=live.fwmark or None, peers=tuple(map(conf_peer, live.peers)))


@pytest.mark.parametrize(
    ("interface", "peers"),
    [
        ("PRIVATEKEY={secret}\nlistenport = 7 # seven\nFwMark = 010", ""),
        ("PrivateKey = {secret}\nFwMark = 0xca6c\n", ""),
        ("PrivateKey = {secret}\nFwMark = OFF\n", ""),
        ("PrivateKey = {secret}\nPrivateKey = {other}", ""),
        ("PrivateKey = {secret}\r", "[peer]\r\nPublicKey = {ann}\r\nAllowedIPs = 10.0. 0.5/24\r"),
        ("PrivateKey = {secret}", "[Peer]\nPublicKey = {ann}\nAllowedIPs = 10.0.0.1\nAllowedIPs = ::FFFF:1.2.3.4"),
        ("PrivateKey = {secret}", "[Peer]\nPublicKey = {ann}\nAllowedIPs = ::1.2.3.4/128, 1:0:0:2:0:0:0:3, ::1:2"),
        (
            "PrivateKey = {secret}",
            "[Peer]\nPublicKey = {ann}\nPersistentKeepalive = off\nPersistentKeepalive = 025",
        ),
        (
            "PrivateKey = {secret}",
            "[Peer]\nPublicKey = {ann}\nPersistentKeepalive = 25\nPersistentKeepalive = Off",
        ),
        ("PrivateKey = {secret}", "[Peer]\nPublicKey = {ann}\nPresharedKey = {zero}"),
        (
            "PrivateKey = {secret}",
            "[Peer]\nPublicKey = {ann}\nPresharedKey = {secret}\nEndpoint = [2001:DB8::1]:5\n"
            "AllowedIPs = 10.0.0.0/24\n[Peer]\nPublicKey = {bob}\n"
            "[Peer]\nPublicKey = {ann}\nPersistentKeepalive = 7",
        ),
        ("", "[Peer]\nPublicKey = {ann}\n[Interface]\nPrivateKey = {secret}\n[Peer]\nPublicKey = {bob}\n"),
    ],
)
def test_wg_reads_the_same(host: Host, interface: str, peers: str) -> None:
    keys = {
        "secret": SECRET,
        "other": secret_key("other").reveal(),
        "zero": NO_KEY.reveal(),
        "ann": ANN,
        "bob": BOB,
    }
    text = f"[Interface]\n{interface}\n{peers}".format(**keys)
    live, conf = live_after(host, "setconf", text), parse_conf(text, "wg0.conf")
    assert live
    assert meant(live, conf) == conf


@pytest.mark.parametrize(
    "line",
    [
        "ListenPort = off",
        "FwMark = 0X10",
        "FwMark = 0o10",
        "FwMark = 4294967296",
        "FwMark =",
        "PrivateKey =",
        "Nonsense = 1",
        "nonsense",
        "; nonsense",
        "[Other]",
        "[Peer]\nAllowedIPs = 10.0.0.0/8",
        "[Peer]\nPublicKey = {ann}\nAllowedIPs = 10.0.0.0/24,",
        "[Peer]\nPublicKey = {ann}\nAllowedIPs = 10.0.0.0/24 10.1.0.0/24",
        "[Peer]\nPublicKey = {ann}\nAllowedIPs = 10.0.0.0/255.255.255.0",
        "[Peer]\nPublicKey = {ann}\nAllowedIPs = 10.0.0.00/24",
        "[Peer]\nPublicKey = {ann}\nAllowedIPs = fe80::1%lo/64",
        "[Peer]\nPublicKey = {ann}\nPersistentKeepalive = 65536",
        "[Peer]\nPublicKey = {ann}\nEndpoint = 192.0.2.1",
        "[Peer]\nPublicKey = {ann}\nPresharedKey = x",
        "[Peer]\nPublicKey = {ann}\nListenPort = 7",
    ],
)
def test_wg_refuses_the_same(host: Host, line: str) -> None:
    text = f"[Interface]\nPrivateKey = {SECRET}\n" + line.format(ann=ANN) + "\n"
    assert live_after(host, "setconf", text) is None
    with pytest.raises(StateError):
        parse_conf(text, "wg0.conf")


@pytest.mark.parametrize("verb", ["setconf", "syncconf"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(conf=CONFS)
@example(Conf(secret_key("wg0"), peers=(ConfPeer(ANN), ConfPeer(BOB))))
def test_what_is_rendered_arrives(host: Host, verb: str, conf: Conf) -> None:
    """Whatever was there before: every example finds the interface as the one before it left it."""
    assume(conf.private_key is not None)
    networks = [network for peer in conf.peers for network in peer.allowed_ips]
    assume(len(set(networks)) == len(networks))
    assume(all(_is_numeric(peer) for peer in conf.peers))
    live = live_after(host, verb, render_stripped(conf))
    assert live
    expected = Conf(conf.private_key.clamped, (), conf.listen_port, fwmark=conf.fwmark, peers=conf.peers)
    found = meant(live, conf)
    if verb == "syncconf":  # it cannot take an endpoint away
        expected, found = _without_open_endpoints(expected, conf), _without_open_endpoints(found, conf)
    assert found == expected


def test_peers_alone_leave_the_others_as_they_are(host: Host) -> None:
    text = f"[Interface]\nPrivateKey = {SECRET}\nListenPort = 7\n"
    old = ConfPeer(ANN, secret_key("psk"), ("10.0.0.0/24",), "192.0.2.1:1", 25)
    live_after(host, "setconf", text + render_peers([old, ConfPeer(BOB, None, ("10.1.0.0/24",))]))
    live = live_after(host, "addconf", render_peers([ConfPeer(ANN, None, ("10.1.0.0/24", "10.2.0.0/24"))]))
    assert live
    assert (live.private_key, live.listen_port) == (secret_key("wg0"), 7)
    ann = ConfPeer(ANN, None, ("10.1.0.0/24", "10.2.0.0/24"), "192.0.2.1:1")  # the endpoint stays where it was
    assert {conf_peer(peer) for peer in live.peers} == {ann, ConfPeer(BOB)}


def _is_numeric(peer: ConfPeer) -> bool:
    """Whether the endpoint is an address that is shown as it was given: with a zone or a mapped one it is not."""
    try:
        return peer.endpoint is None or not (
            "%" in peer.endpoint or getattr(ip_address(peer.endpoint.host), "ipv4_mapped", None)
        )
    except ValueError:
        return False


def _without_open_endpoints(conf: Conf, goal: Conf) -> Conf:
    endpoints = {peer.public_key: peer.endpoint for peer in goal.peers}
    return replace(
        conf,
        peers=tuple(each if endpoints[each.public_key] else replace(each, endpoint=None) for each in conf.peers),
    )
