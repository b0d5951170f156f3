"""Which field of the settings stands behind which section and key of WGDashboard's ini file."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.settings.endpoint import peer_endpoint
from wgreconcile.api.settings.model import Dashboard
from wgreconcile.desired.wording import show


def boolean(key: str, text: str) -> bool:
    """A value that is true or false, in the words that v4.0 reads so. Raise Refusal."""
    if text.lower() in ("1", "yes", "true", "on"):
        return True
    if text.lower() in ("0", "no", "false", "off"):
        return False
    raise Refusal(f"{key}: {show(text)} is not true or false")


def _addresses(text: str) -> list[str]:
    return [_checked(part, "address", ipaddress.ip_address) for part in text.split(",")]


def _networks(text: str) -> list[str]:
    return [
        _checked(part, "network", lambda each: ipaddress.ip_network(each, strict=False))
        for part in text.split(",")
    ]


def _checked(text: str, kind: str, parse: Callable[[str], object]) -> str:
    """The text as it is, since clients read it back. Raise Refusal in the words of v4.0."""
    try:
        if "%" in text:
            raise ValueError
        parse(text)
    except ValueError:
        raise Refusal(f"{show(text)} does not appear to be an IPv4 or IPv6 {kind}") from None
    return text


def _number(text: str) -> Any:
    """A number when it is one; the schema of the settings refuses all else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


@dataclass(frozen=True, slots=True)
class Item:
    """A key. ``shown`` is its value for clients, ``field`` where ``parse`` of a new value goes."""

    section: str
    key: str
    field: str
    shown: Callable[[Dashboard], str | bool]
    parse: Callable[[str], Any] = str


ITEMS: tuple[Item, ...] = (
    Item("Server", "app_prefix", "server.prefix", lambda s: s.server.prefix),
    Item("Server", "app_ip", "server.address", lambda s: s.server.address),
    Item("Server", "app_port", "server.port", lambda s: str(s.server.port), _number),
    Item(
        "Server",
        "dashboard_refresh_interval",
        "page.refresh_interval",
        lambda s: str(s.page.refresh_interval),
        _number,
    ),
    Item("Server", "dashboard_sort", "page.sort", lambda s: s.page.sort),
    Item("Server", "dashboard_theme", "page.theme", lambda s: s.page.theme),
    Item("Peers", "peer_global_dns", "peers.dns", lambda s: ",".join(s.peers.dns), _addresses),
    Item(
        "Peers",
        "peer_endpoint_allowed_ip",
        "peers.allowed_ips",
        lambda s: ",".join(s.peers.allowed_ips),
        _networks,
    ),
    Item("Peers", "peer_display_mode", "page.display_mode", lambda s: s.page.display_mode),
    Item("Peers", "remote_endpoint", "peers.endpoint", peer_endpoint),
    Item("Peers", "peer_mtu", "peers.mtu", lambda s: str(s.peers.mtu), _number),
    Item(
        "Peers",
        "peer_keep_alive",
        "peers.persistent_keepalive",
        lambda s: str(s.peers.persistent_keepalive),
        _number,
    ),
)
"""Keys whose value is a field of the settings and nothing more."""
