"""The dashboard's settings as values. What each means is said in ``schemas/dashboard.schema.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Compat = Literal["v4.0", "v4.1", "v4.2", "v4.3"]
HookPolicy = Literal["deny", "allowlist", "allow"]


@dataclass(frozen=True, slots=True)
class Server:
    """How the server listens, and whom it believes."""

    address: str = "127.0.0.1"
    port: int = 10086
    prefix: str = ""
    auth_required: bool = True
    api_keys: bool = False
    cors_origins: tuple[str, ...] = ("*",)
    trusted_proxies: tuple[str, ...] = ()
    fresh_minutes: int = 30
    releases_url: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """How the web page looks."""

    theme: str = "dark"
    sort: str = "status"
    display_mode: str = "grid"
    refresh_interval: int = 60000


@dataclass(frozen=True, slots=True)
class PeerDefaults:
    """What a new peer's client file holds unless its caller says otherwise. ``endpoint`` empty: found out."""

    dns: tuple[str, ...] = ("1.1.1.1",)
    allowed_ips: tuple[str, ...] = ("0.0.0.0/0",)
    endpoint: str = ""
    mtu: int = 1420
    persistent_keepalive: int = 21


@dataclass(frozen=True, slots=True)
class Dashboard:
    """All of it. ``compat`` is the WGDashboard version whose shapes the API answers in."""

    compat: Compat = "v4.0"
    adopt: bool = True
    api_hooks: HookPolicy = "allowlist"
    server: Server = Server()
    page: Page = Page()
    peers: PeerDefaults = PeerDefaults()
