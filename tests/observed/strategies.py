"""Keys by label, and hypothesis strategies for what a configuration file can say."""

from __future__ import annotations

import base64
import hashlib

from hypothesis import strategies as st

from wgreconcile.observed.conf import NO_KEY, Conf, ConfPeer
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey


def public_key(label: str) -> PublicKey:
    """Always the same key for the same label."""
    return PublicKey.parse(base64.b64encode(hashlib.sha256(label.encode()).digest()).decode())


def secret_key(label: str) -> SecretKey:
    """Always the same private or preshared key for the same label."""
    return SecretKey.parse(public_key(f"secret {label}")).clamped


def _network(ip: object, length: int) -> Network:
    return Network.parse(f"{ip}/{length}")


_TEXT = st.text(st.characters(blacklist_characters="#\n", blacklist_categories=["Cs"]), min_size=1, max_size=30)
HOOKS = st.lists(_TEXT.map(lambda text: text.strip(" \t\r\v\f")).filter(bool), max_size=3).map(tuple)
NAMES = _TEXT.map(lambda text: text.strip(" \t\r\v\f"))
PORTS = st.integers(1, 65535)
PUBLIC_KEYS = st.binary(min_size=32, max_size=32).map(lambda raw: PublicKey(base64.b64encode(raw).decode()))
SECRET_KEYS = PUBLIC_KEYS.map(SecretKey).filter(lambda key: key != NO_KEY)
NETWORKS = st.one_of(
    st.builds(_network, st.ip_addresses(v=4), st.integers(0, 32)),
    st.builds(_network, st.ip_addresses(v=6), st.integers(0, 128)),
)
ADDRESSES = st.one_of(
    st.builds(lambda ip, length: Address.parse(f"{ip}/{length}"), st.ip_addresses(v=4), st.integers(0, 32)),
    st.builds(lambda ip, length: Address.parse(f"{ip}/{length}"), st.ip_addresses(v=6), st.integers(0, 128)),
)
HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda ip: f"[{ip}]"),
    st.sampled_from(["vpn.example.com", "[fe80::1%eth0.5]", "a"]),
)
ENDPOINTS = st.builds(lambda host, port: Endpoint.parse(f"{host}:{port}"), HOSTS, PORTS)
PEERS = st.builds(
    ConfPeer,
    PUBLIC_KEYS,
    st.none() | SECRET_KEYS,
    st.lists(NETWORKS, max_size=4, unique=True).map(lambda networks: tuple(sorted(networks))),
    st.none() | ENDPOINTS,
    st.none() | PORTS,
    st.just("") | NAMES,
)
CONFS = st.builds(
    Conf,
    private_key=st.none() | SECRET_KEYS,
    address=st.lists(ADDRESSES, max_size=3).map(tuple),
    listen_port=st.none() | PORTS,
    mtu=st.none() | st.integers(0, 65535),
    dns=st.lists(st.sampled_from(["10.0.0.1", "fd00::1", "corp.example.com"]), max_size=3).map(tuple),
    table=st.sampled_from(["auto", "off", "main", "1234"]),
    fwmark=st.none() | st.integers(1, 2**32 - 1),
    pre_up=HOOKS,
    post_up=HOOKS,
    pre_down=HOOKS,
    post_down=HOOKS,
    peers=st.lists(PEERS, max_size=4, unique_by=lambda peer: peer.public_key).map(tuple),
)
