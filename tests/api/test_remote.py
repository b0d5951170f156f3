"""Where a request comes from (API.md 10.5): nobody is local, or somebody else, by saying so."""

from __future__ import annotations

from typing import Any

import falcon.testing
import pytest

from wgreconcile.api.auth.remote import remote_of
from wgreconcile.api.request import Remote

PROXY = "10.0.0.1"
NAMES = ["127.0.0.1:10086", "localhost", "[::1]:10086", "127.8.9.10"]


def remote(address: str, trusted: tuple[str, ...] = (), **headers: str) -> Remote:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    environ: Any = falcon.testing.create_environ(headers={"Host": "127.0.0.1", **named}, remote_addr=address)
    return remote_of(falcon.Request(environ), trusted)


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.1.2.3", "::ffff:127.0.0.1"])
def test_this_host_is_local(address: str, host: str) -> None:
    assert remote(address, Host=host) == Remote(address.removeprefix("::ffff:"), is_local=True)


@pytest.mark.parametrize("host", ["vpn.example.com", "127.0.0.1.evil.test", "localhost.evil.test", "x:1", ""])
def test_a_name_that_was_rebound_is_not(host: str) -> None:
    assert not remote("127.0.0.1", Host=host).is_local


@pytest.mark.parametrize("address", ["198.51.100.7", "", "localhost", "fe80::1%lo"])
def test_others_are_not(address: str) -> None:
    assert not remote(address).is_local


@pytest.mark.parametrize(
    "header", ["X_Forwarded_For", "X_Forwarded_Proto", "X_Forwarded_Host", "Forwarded", "X_Real_IP", "Via"]
)
def test_what_a_proxy_passes_on_is_not(header: str) -> None:
    assert not remote("127.0.0.1", **{header: "127.0.0.1"}).is_local


def test_a_proxy_that_is_known_and_says_nothing_is_not() -> None:
    assert remote("127.0.0.1", ("127.0.0.1",)) == Remote("127.0.0.1", is_local=False)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("127.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("evil, 198.51.100.7, 10.0.0.2, 10.0.0.3", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, ::ffff:10.0.0.2", "198.51.100.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("198.51.100.7, evil", PROXY),
        ("198.51.100.7:4711", PROXY),
        ("", PROXY),
    ],
)
def test_a_known_proxy_is_believed_up_to_the_first_stranger(said: str, address: str) -> None:
    found = remote(PROXY, ("10.0.0.0/24",), X_Forwarded_For=said)
    assert found == Remote(address, is_local=False)


@pytest.mark.parametrize(("peer", "times"), [("127.0.0.9", 1), ("198.51.100.7", 0)])
def test_an_unknown_proxy_on_this_host_is_told_once(
    peer: str, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        remote(peer, X_Forwarded_For="192.0.2.1")
    assert caplog.text.count(f"list {peer} in server.trusted_proxies") == times


def test_an_unknown_proxy_is_nobody_but_itself() -> None:
    found = remote("192.0.2.1", ("10.0.0.0/24",), X_Forwarded_For="198.51.100.7", X_Forwarded_Proto="https")
    assert found == Remote("192.0.2.1")
