"""Hypothesis strategies: what was applied, what somebody did to it since, and what is wanted now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import ConfFile, ObservedInterface, Route
from wgreconcile.planning.model import Baseline, Goal
from wgreconcile.planning.render import render_conf
from wgreconcile.values import Address, Endpoint, Network

from ..observed.strategies import public_key, secret_key
from .model_host import ModelHost, brought_up

KEYS = [public_key(label) for label in "abcd"]
SECRETS = [secret_key(label) for label in "xy"]
NETWORKS = [
    *map(Network, ("10.7.0.2/32", "10.7.0.0/24", "10.8.0.0/16", "192.168.0.0/24", "fd00:7::2/128", "fd00:8::/64"))
]
DEFAULTS = [Network("0.0.0.0/0"), Network("::/0")]
ENDPOINTS = [*map(Endpoint, ("192.0.2.1:1", "192.0.2.2:2", "[2001:db8::1]:1", "vpn.example.com:1"))]
OWNERS = st.sampled_from([None, *KEYS])


@dataclass(frozen=True)
class World:
    """Everything that a plan is made from."""

    goal: Goal
    observed: ObservedInterface
    baseline: Baseline


@st.composite
def confs(draw: st.DrawFn) -> Conf:
    """A configuration whose networks belong to one peer each, as the state's rules see to it."""
    owners = {network: draw(OWNERS) for network in NETWORKS}
    owners |= {network: draw(OWNERS) for network in DEFAULTS if draw(st.integers(0, 3)) == 0}
    peers = [
        ConfPeer(
            key,
            draw(st.sampled_from([None, *SECRETS])),
            tuple(sorted(network for network, owner in owners.items() if owner == key)),
            draw(st.sampled_from([None, *ENDPOINTS])),
            draw(st.sampled_from([None, 25])),
            f"peer {number}",
        )
        for number, key in enumerate(KEYS)
        if key in owners.values() or draw(st.booleans())
    ]
    six = draw(st.sampled_from([(), ("fd00:7::1/64",), ("fd00:7::1/48",), ("fd00:7::1/64", "fe80::7/64")]))
    four = draw(st.permutations(["10.7.0.1/24", "10.7.0.9/24", "10.9.0.1/32"]))[: draw(st.integers(0, 3))]
    conf = Conf(
        draw(st.sampled_from(SECRETS)),
        tuple(map(Address, (*four, *six))),
        draw(st.sampled_from([None, 51820, 51821])),
        draw(st.sampled_from([None, 1380, 1200])),
        draw(st.sampled_from([(), (), ("10.7.0.1",)])),
        draw(st.sampled_from(["auto", "auto", "auto", "off", "1234"])),
        draw(st.sampled_from([None, None, 0x1234])),
        post_up=draw(st.sampled_from([(), (), ("true",)])),
        post_down=draw(st.sampled_from([(), ("true",)])),
        peers=tuple(peers),
    )
    return sound(conf)


def sound(conf: Conf) -> Conf:
    """As the state's rules want it: where there is IPv6, an MTU that is large enough for it."""
    networks = conf.networks if conf.table != "off" else ()
    has_ipv6 = any(each.version == 6 for each in (*conf.address, *networks))
    return replace(conf, mtu=None) if has_ipv6 and conf.mtu == 1200 else conf


def changed(draw: st.DrawFn, conf: Conf) -> Conf:
    """Another configuration that differs in some of its parts, or in none."""
    other = draw(confs())
    fields = (
        "private_key",
        "address",
        "listen_port",
        "mtu",
        "dns",
        "table",
        "fwmark",
        "post_up",
        "post_down",
        "peers",
    )
    mixed = {field: getattr(other, field) for field in fields if draw(st.integers(0, 4)) == 0}
    return sound(replace(conf, **mixed))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """An interface that was applied, or not; to which things have happened; and what it shall be."""
    applied = draw(confs())
    file: ConfFile | None = ConfFile("wg0.conf", 0o600, render_conf(applied))
    observed = brought_up("wg0", applied, file)
    if draw(st.integers(0, 5)) == 0:  # never applied: brought up by hand, with its file or without
        kept = draw(st.booleans())
        observed = replace(observed, file=file if kept else None)
        return World(_goal(draw, changed(draw, applied)), observed, Baseline(applied if kept else Conf()))
    baseline = Baseline(applied, applied=True, up=draw(st.booleans()))
    return World(_goal(draw, changed(draw, applied)), _drifted(draw, observed), baseline)


def _goal(draw: st.DrawFn, conf: Conf) -> Goal:
    match draw(st.integers(0, 9)):
        case 0:
            return Goal("wg0")
        case 1:
            return Goal("wg0", render_conf(conf), conf)
        case _:
            return Goal("wg0", render_conf(conf), conf, conf)


def _drifted(draw: st.DrawFn, observed: ObservedInterface) -> ObservedInterface:
    if draw(st.integers(0, 9)) == 0:
        observed = replace(observed, live=None)
    host = ModelHost(observed)
    if observed.live:
        for change in draw(st.lists(st.sampled_from(LIVE_DRIFT), max_size=3)):
            change(draw, host)
        host.forget_stray_rules()
    assert host.file
    file = draw(
        st.sampled_from(
            [
                host.file,
                host.file,
                None,
                ConfFile("wg0.conf", 0o644, host.file.text),
                ConfFile("wg0.conf", 0o600, "# by hand\n" + host.file.text.replace(" = ", "=")),
                ConfFile("wg0.conf", 0o600, host.file.text.replace("10.8.0.0/16", "10.8.0.0/17")),
                ConfFile("wg0.conf", 0o600, "<html>"),
            ]
        )
    )
    return replace(host.observed, file=file)


def _peer_changes(draw: st.DrawFn, host: ModelHost) -> None:
    if host.live.peers:
        peer = draw(st.sampled_from(host.live.peers))
        values = draw(
            st.sampled_from(
                [
                    {"endpoint": Endpoint("198.51.100.7:4242")},
                    {"endpoint": None},
                    {"persistent_keepalive": 7},
                    {"preshared_key": None},
                    {"preshared_key": SECRETS[0]},
                    {"allowed_ips": peer.allowed_ips[1:]},
                    {"latest_handshake": 1_900_000_000},
                ]
            )
        )
        host.change_peer(peer.public_key, **values)


def _peer_goes(draw: st.DrawFn, host: ModelHost) -> None:
    host.change(peers=host.live.peers[1:])


def _peer_comes(draw: st.DrawFn, host: ModelHost) -> None:
    key = draw(st.sampled_from([public_key("foreign"), *KEYS]))
    host._set_peers([ConfPeer(key, None, (draw(st.sampled_from(NETWORKS)),))])


def _device_changes(draw: st.DrawFn, host: ModelHost) -> None:
    host.change(
        **draw(
            st.sampled_from(
                [
                    {"listen_port": 9},
                    {"private_key": secret_key("foreign")},
                    {"private_key": None},
                    {"fwmark": 0},
                    {"fwmark": 0x99},
                ]
            )
        )
    )


def _mtu_changes(draw: st.DrawFn, host: ModelHost) -> None:
    host.set_mtu(draw(st.sampled_from([1300, 1279])))


def _address_changes(draw: st.DrawFn, host: ModelHost) -> None:
    for address in draw(st.sampled_from([host.live.address, host.live.address[:1], host.live.address[1:]])):
        host._remove_address(address)
    if draw(st.booleans()) and Address("10.66.0.1/24") not in host.live.address:
        host._add_address(Address("10.66.0.1/24"))


def _routes_change(draw: st.DrawFn, host: ModelHost) -> None:
    routes = draw(st.frozensets(st.sampled_from(sorted(host.live.routes, key=str) or [Route(NETWORKS[0])])))
    foreign = draw(st.sampled_from([(), (Route(Network("172.16.0.0/12")),), (Route(NETWORKS[1], "200"),)]))
    host.change(routes=host.live.routes - routes | set(foreign if host.live.is_up else ()))


def _link_goes_down(draw: st.DrawFn, host: ModelHost) -> None:
    host.set_link_down()


def _rules_go(draw: st.DrawFn, host: ModelHost) -> None:
    host.rules -= draw(st.frozensets(st.sampled_from(sorted(host.rules, key=str)))) if host.rules else set()


LIVE_DRIFT = (
    _peer_changes,
    _peer_changes,
    _peer_goes,
    _peer_comes,
    _device_changes,
    _mtu_changes,
    _address_changes,
    _routes_change,
    _link_goes_down,
    _rules_go,
)
