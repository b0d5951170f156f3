"""Values: one spelling each, refusals that say why, and no secret where it can be read."""

from __future__ import annotations

import base64
import copy
import ipaddress
import pickle
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wgreconcile.values import (
    Address,
    Endpoint,
    Network,
    PublicKey,
    SecretKey,
    generate_secret_key,
    holder_of_name,
    is_interface_name,
    public_key_of,
)

SENTINEL = base64.b64encode(b"sentinel" * 4).decode()
PREFIXES = st.ip_addresses().flatmap(
    lambda ip: st.integers(0, ip.max_prefixlen).map(lambda length: f"{ip}/{length}")
)


# Keys


@pytest.mark.parametrize("kind", [PublicKey, SecretKey])
@pytest.mark.parametrize(
    "text",
    [
        "",
        SENTINEL[:-1],
        SENTINEL + "\n",
        f" {SENTINEL}",
        SENTINEL[:20] + " " + SENTINEL[20:],
        SENTINEL[:-2] + "x=",  # spare bits in the last character
        base64.b64encode(b"x" * 31).decode(),
        base64.b64encode(b"x" * 33).decode(),
        SENTINEL.replace("b", "_"),
        SENTINEL[:-2] + "é=",
    ],
)
def test_only_the_one_spelling_of_32_bytes_is_a_key(kind: type[PublicKey | SecretKey], text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a key \(32 bytes in base64") as refusal:
        kind.parse(text)
    assert text.strip() == "" or text.strip() not in str(refusal.value)


@given(st.binary(min_size=32, max_size=32))
def test_all_32_bytes_are_a_key(raw: bytes) -> None:
    text = base64.b64encode(raw).decode()
    assert PublicKey.parse(text) == text
    assert SecretKey.parse(text).reveal() == text


def test_a_secret_key_shows_nowhere() -> None:
    secret = SecretKey.parse(SENTINEL)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>20}", format(secret, ""), repr([secret])]
    assert all("(secret)" in each and SENTINEL[:8] not in each for each in shown)


def test_secret_keys_compare_by_text_and_never_equal_it() -> None:
    assert SecretKey.parse(SENTINEL) == SecretKey.parse(SENTINEL)
    assert SecretKey.parse(SENTINEL) != SENTINEL
    assert len({SecretKey.parse(SENTINEL), SecretKey.parse(SENTINEL)}) == 1


def test_generated_keys_differ_and_are_clamped() -> None:
    keys = [generate_secret_key() for _ in range(20)]
    assert len(set(keys)) == 20
    assert all(SecretKey.parse(each.reveal()).clamped == each for each in keys)


@pytest.mark.parametrize("label", ["first", "second"])
def test_a_public_key_is_what_wg_computes(label: str) -> None:
    secret = SecretKey.parse(base64.b64encode(label.encode().ljust(32, b"\xff")).decode())
    printed = subprocess.run(["wg", "pubkey"], input=secret.reveal(), capture_output=True, text=True, check=True)
    assert public_key_of(secret) == printed.stdout.strip()
    assert public_key_of(secret.clamped) == public_key_of(secret)
    assert secret.clamped != secret


# Networks and addresses


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.0.0.5/24", "10.0.0.0/24"),
        ("10.0.0.5", "10.0.0.5/32"),
        ("10.0.0.0/024", "10.0.0.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("FD00::1", "fd00::1/128"),
        ("fd00:0:0::/64", "fd00::/64"),
        ("fd00:0:1::/32", "fd00::/32"),
        ("::ffff:1.2.3.4/128", str(ipaddress.ip_network("::ffff:1.2.3.4/128"))),
        ("::/0", "::/0"),
    ],
)
def test_a_network_has_one_spelling(text: str, canonical: str) -> None:
    assert Network.parse(text) == canonical
    assert Network.parse(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "''"),
        ("10.0.0", "10.0.0"),
        ("10.0.0.256/24", "256"),
        ("10.0.0.0/33", "33"),
        ("fd00::/129", "129"),
        ("10.0.0.0/-1", "-1"),
        ("010.0.0.0/8", "010"),
        ("fe80::1%eth0/64", "zone"),
        ("10.0.0.0/255.255.255.0", "mask in place of a length"),
        ("10.0.0.0/0.0.0.255", "mask in place of a length"),
        ("10.0.0.0/24\n", "24"),
        ("$(reboot)", "reboot"),
        ("10.0.0.0\x00/8", "10.0.0.0"),
        ("10.0.0.\ud800/8", "10.0.0."),
    ],
)
def test_no_network(text: str, why: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Network.parse(text)
    assert why in str(refusal.value)


@given(PREFIXES)
@example("::ffff:1.2.3.4/128")
@example("::1.2.3.4/96")
@example("1:0:0:2:0:0:0:3/128")
@example("::1:2/112")
def test_a_network_is_what_ipaddress_makes_of_it(text: str) -> None:
    expected = ipaddress.ip_network(text, strict=False)
    for each in (text, str(expected), expected.exploded):
        assert Network.parse(each) == str(expected)


@given(PREFIXES)
def test_bounds_are_first_and_last_address(text: str) -> None:
    network = Network.parse(text)
    assert network.bounds == (
        network.ip.version,
        int(network.ip.network_address),
        int(network.ip.broadcast_address),
    )
    assert (network.version, network.is_default) == (network.ip.version, network.ip.prefixlen == 0)


@pytest.mark.parametrize(
    ("text", "canonical", "network"),
    [
        ("10.0.0.5/24", "10.0.0.5/24", "10.0.0.0/24"),
        ("10.0.0.5", "10.0.0.5/32", "10.0.0.5/32"),
        ("10.0.0.5/255.255.255.0", "10.0.0.5/24", "10.0.0.0/24"),  # as ip takes it
        ("FD00:0::5/64", "fd00::5/64", "fd00::/64"),
        ("fe80::5/64", "fe80::5/64", "fe80::/64"),
    ],
)
def test_an_address_keeps_its_host(text: str, canonical: str, network: str) -> None:
    address = Address.parse(text)
    assert (address, address.network) == (canonical, network)
    assert str(address.ip) == canonical.partition("/")[0]
    assert address.version == address.ip.version


@pytest.mark.parametrize("text", ["", "10.0.0.5/33", "fe80::5%eth0/64", "10.0.0.5/24 dev eth0", "10.0.0.5/24\n"])
def test_no_address(text: str) -> None:
    with pytest.raises(ValueError):
        Address.parse(text)


# Endpoints


@pytest.mark.parametrize(
    ("text", "canonical", "host", "port"),
    [
        ("192.0.2.1:51820", "192.0.2.1:51820", "192.0.2.1", 51820),
        ("192.0.2.1:00080", "192.0.2.1:80", "192.0.2.1", 80),
        ("[2001:DB8:0::1]:1", "[2001:db8::1]:1", "2001:db8::1", 1),
        ("[fe80::1%eth0.5]:65535", "[fe80::1%eth0.5]:65535", "fe80::1%eth0.5", 65535),
        ("vpn.example.com:51820", "vpn.example.com:51820", "vpn.example.com", 51820),
        ("vpn.example.com.:1", "vpn.example.com.:1", "vpn.example.com.", 1),
        ("_x-1:1", "_x-1:1", "_x-1", 1),
        ("1.example:1", "1.example:1", "1.example", 1),
    ],
)
def test_an_endpoint_has_one_spelling(text: str, canonical: str, host: str, port: int) -> None:
    endpoint = Endpoint.parse(text)
    assert (endpoint, endpoint.host, endpoint.port) == (canonical, host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vpn.example.com",
        ":51820",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:http",
        "192.0.2.1:+1",
        "192.0.2.1:1٣",
        "192.0.2.1: 1",
        "192.0.2:1",
        "192.0.2.01:1",
        "192.0.2.256:1",
        "2001:db8::1:51820",
        "[2001:db8::1]",
        "[192.0.2.1]:1",
        "[fe80::1%]:1",
        "[fe80::1%a\n[Interface]\nPostUp = reboot]:1",
        "[fe80::1% eth0]:1",
        "vpn..example.com:1",
        f"{'a' * 64}.com:1",
        "vpn_$(reboot):1",
        "vpn example.com:1",
        "vpn.example.com\n:1",
        "-vpn.example.com:1",
    ],
)
def test_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.parse(text)


@given(st.text(alphabet=st.sampled_from("ab1.:[]%/#= \n\r;$`-"), max_size=24))
def test_no_endpoint_breaks_out_of_its_line(text: str) -> None:
    try:
        endpoint = Endpoint.parse(f"{text}:1")
    except ValueError:
        return
    assert not set(endpoint) & set(" \n\r#=;$`/")


# All of them


@pytest.mark.parametrize("text", ["wg0", "a" * 15, "wg-home_1.2=+"])
def test_names_of_interfaces(text: str) -> None:
    assert is_interface_name(text)


@pytest.mark.parametrize("text", ["", "a" * 16, ".", "..", "wg 0", "wg/0", "wg0\n", "wgé", "$(x)"])
def test_no_names_of_interfaces(text: str) -> None:
    assert not is_interface_name(text)


@pytest.mark.parametrize(
    "text", [".", "all", "default", "interfaces", "lo", "-f", "--version", "up", "mtu", "type", "t", "link-net"]
)
def test_names_that_are_something_else_already(text: str) -> None:
    assert holder_of_name(text)
    assert not is_interface_name(text)


@pytest.mark.parametrize(
    "text", ["w", "wg", "wg0.", "on", "none", "All", "lo0", "x-f", "=up", "0", "mt", "lin0", "table"]
)
def test_names_that_only_look_so(text: str) -> None:
    assert is_interface_name(text)


@pytest.mark.parametrize(
    "value",
    [
        PublicKey.parse(SENTINEL),
        SecretKey.parse(SENTINEL),
        Network.parse("10.0.0.0/8"),
        Address.parse("fd00::1/64"),
        Endpoint.parse("a.example:1"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("through", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_values_travel_and_cannot_be_changed(value: object, through: Callable[[object], object]) -> None:
    assert through(value) == value
    assert type(through(value)) is type(value)
    with pytest.raises((AttributeError, TypeError)):
        value.anything = 1
