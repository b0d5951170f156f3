"""What clients say about a peer, parsed into values, with the refusals of v4.0 in their words (API.md 6.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from wgreconcile.api.refusal import Refusal
from wgreconcile.desired.fields import Wrong, name_server
from wgreconcile.desired.model import Client
from wgreconcile.errors import masked
from wgreconcile.values import Network, PublicKey, SecretKey, public_key_of

_LARGEST_MTU = 1460
_LONGEST_KEEPALIVE = 65535
"""As long as WireGuard takes. v4.0 wrote longer ones into files that no client could read."""
_HOST_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})")

_NO_ENDPOINT_ALLOWED_IPS = "Endpoint Allowed IPs format is incorrect."
_NO_DNS = "DNS format is incorrect."
_NO_MTU = "MTU format is not correct."
_NO_KEEPALIVE = "Persistent Keepalive format is not correct."
_NO_PAIR = "Private key does not match with the public key."
_NO_PRESHARED_KEY = "Invalid length key in key file"


def client_of_body(body: Mapping[str, Any]) -> Client:
    """What the peer's own file shall hold, but for its key. Raise Refusal.

    A field that is absent or null is left to the defaults.
    """
    allowed_ips, dns = body.get("endpoint_allowed_ip"), body.get("DNS")
    mtu, keepalive = body.get("mtu"), body.get("keepalive")
    return Client(
        allowed_ips=() if allowed_ips is None else _endpoint_allowed_ips(allowed_ips),
        dns=None if dns is None else _name_servers(dns),
        mtu=None if mtu is None else _mtu(mtu),
        persistent_keepalive=None if keepalive is None else _keepalive(keepalive),
    )


def private_key_of_body(text: str | None, public_key: str) -> SecretKey | None:
    """The private key, None without one. Raise Refusal unless it is the pair of ``public_key``."""
    if not text:
        return None
    try:
        key = SecretKey.parse(text)
    except ValueError:
        raise Refusal(_NO_PAIR) from None
    if public_key_of(key) != public_key:
        raise Refusal(_NO_PAIR)
    return key


def preshared_key_of_body(text: str | None) -> SecretKey | None:
    """The preshared key, None without one. Raise Refusal, in the words of ``wg``."""
    if not text:
        return None
    try:
        return SecretKey.parse(text)
    except ValueError:
        raise Refusal(_NO_PRESHARED_KEY) from None


def public_key_of_body(text: str) -> PublicKey:
    """Raise Refusal unless it is a public key."""
    try:
        return PublicKey.parse(text)
    except ValueError as error:
        raise Refusal(f"public_key: {error}") from None


def allowed_ips_of_text(text: str) -> tuple[Network, ...]:
    """Networks separated by commas; an address is a network of one. Raise Refusal, in the words of ``wg``."""
    return tuple(map(_network, _parts(text)))


def name_of_body(text: str | None) -> str:
    """A label; a blank one is none."""
    return text if text and text.strip() else ""


def whole_number(value: int | str) -> int | None:
    """A number, or text that is one; None for anything else."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value, re.ASCII) else None
    return int(value)


def _network(text: str) -> Network:
    try:
        return Network.parse(text)
    except ValueError:
        raise Refusal(f"Unable to parse IP address: `{masked(text)}'") from None


def _endpoint_allowed_ips(text: str) -> tuple[Network, ...]:
    parts = list(_parts(text))
    if not parts or not all("/" in each for each in parts):
        raise Refusal(_NO_ENDPOINT_ALLOWED_IPS)
    try:
        return tuple(map(Network.parse, parts))
    except ValueError:
        raise Refusal(_NO_ENDPOINT_ALLOWED_IPS) from None


def _name_servers(text: str) -> tuple[str, ...]:
    return tuple(map(_name_server, _parts(text)))


def _name_server(text: str) -> str:
    try:
        found = name_server(text)
    except Wrong:
        raise Refusal(_NO_DNS) from None
    is_address = ":" in found or found.replace(".", "").isdigit()
    if not is_address and not _HOST_NAME.fullmatch(found):
        raise Refusal(_NO_DNS)
    return found


def _mtu(value: int | str) -> int:
    number = whole_number(value)
    if number is None or not 0 <= number <= _LARGEST_MTU:
        raise Refusal(_NO_MTU)
    return number


def _keepalive(value: int | str) -> int:
    number = whole_number(value)
    if number is None or number < 0:
        raise Refusal(_NO_KEEPALIVE)
    return min(number, _LONGEST_KEEPALIVE)


def _parts(text: str) -> Iterator[str]:
    """What stands between commas; nothing in nothing. An empty part is one, and wrong."""
    return (each.strip() for each in text.split(",")) if text.strip() else iter(())
