"""Hypothesis strategies for what a desired state can say."""

from __future__ import annotations

import base64
import ipaddress
from datetime import timezone
from typing import Any

from hypothesis import strategies as st

from wgreconcile.desired.model import Client, Hooks, Interface, Peer, SecretEnv, SecretFile
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey

UTC = timezone.utc

keys = st.binary(min_size=32, max_size=32).map(lambda raw: base64.b64encode(raw).decode())
public_keys = keys.map(PublicKey)
addresses = st.builds(
    lambda ip, share: Address(f"{ip}/{round(ip.max_prefixlen * share)}"), st.ip_addresses(), st.floats(0, 1)
)
networks = addresses.map(lambda each: Network(ipaddress.ip_interface(each).network))
hosts = st.sampled_from(["192.0.2.1", "[2001:db8::1]", "vpn.example.com"])
endpoints = st.builds(lambda host, port: Endpoint(f"{host}:{port}"), hosts, st.integers(1, 65535))
printable = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
labels = st.text(printable, min_size=1, max_size=20).filter(str.strip)
texts = st.text(printable | st.just("\n"), max_size=40)
commands = st.text(printable, min_size=1).map(str.strip).filter(lambda each: each and "#" not in each)
domains = st.sampled_from(["example.com", "corp", "a-b.example."])
dns = st.lists(st.ip_addresses().map(str) | domains, max_size=3).map(tuple)
mtus = st.none() | st.integers(576, 65535)
references = st.builds(SecretFile, st.sampled_from(["a.key", "wg0/b.psk"]), st.booleans()) | st.builds(
    SecretEnv, st.sampled_from(["A", "WG_KEY"])
)
secrets = references | keys.map(SecretKey)


def tuples_of(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=4).map(tuple)


def clients(secrets: st.SearchStrategy[Any]) -> st.SearchStrategy[Client]:
    no_generate = secrets.filter(lambda each: not getattr(each, "generate", False))
    return st.builds(
        Client,
        private_key=st.none() | no_generate,
        address=tuples_of(addresses),
        dns=dns,
        allowed_ips=tuples_of(networks),
        mtu=st.none() | st.integers(0, 65535),
        persistent_keepalive=st.none() | st.integers(0, 65535),
        endpoint=st.none() | endpoints,
    )


def peers(secrets: st.SearchStrategy[Any] = secrets) -> st.SearchStrategy[Peer]:
    """Peers as the codec builds them; ``secrets`` narrows their keys."""
    return st.builds(
        Peer,
        public_key=public_keys,
        name=labels,
        preshared_key=st.none() | secrets,
        allowed_ips=tuples_of(networks),
        endpoint=st.none() | endpoints,
        persistent_keepalive=st.none() | st.integers(1, 65535),
        enabled=st.booleans(),
        expires=st.none() | st.datetimes(timezones=st.just(UTC)),
        description=texts,
        tags=tuples_of(labels).map(lambda each: tuple(sorted(set(each)))),
        client=st.just(Client()) | clients(secrets),
        origin=st.just("wg0.yaml"),
    )


def interfaces(secrets: st.SearchStrategy[Any] = secrets) -> st.SearchStrategy[Interface]:
    """Interfaces as the codec builds them, with peers."""
    return st.builds(
        Interface,
        name=st.just("wg0"),
        address=tuples_of(addresses),
        listen_port=st.none() | st.integers(1, 65535),
        private_key=st.none() | secrets,
        mtu=mtus,
        dns=dns,
        table=st.sampled_from(["auto", "off", "main", "1234"]),
        fwmark=st.none() | st.integers(0, 2**32 - 1),
        hooks=st.builds(Hooks, *[tuples_of(commands)] * 4),
        enabled=st.booleans(),
        description=texts,
        client_defaults=st.just(Client()) | clients(secrets),
        peers=st.lists(peers(secrets), max_size=3).map(tuple),
        origin=st.just("wg0.yaml"),
    )


texts_of_yaml = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["no", "::/0", "10:20", "017", "a: b", "# x", "it's", "two\nlines", " x", "x\n", "-", "null", "10.7.0.2/32"]
)
names_of_fields = st.sampled_from(["name", "tags", "x-a", "no", "1", "::"]) | texts_of_yaml
values_of_yaml = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | texts_of_yaml,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names_of_fields, inner, max_size=4),
    max_leaves=8,
)
data = st.dictionaries(names_of_fields, values_of_yaml, max_size=5)
"""What a document can hold, sensible or not."""
