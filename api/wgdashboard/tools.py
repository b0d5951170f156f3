"""Ping, traceroute, update check."""

from __future__ import annotations

from typing import Any

from wgreconcile.api.probes import Hop
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Reply, Request
from wgreconcile.api.services import Services

_SILENT = "*"


def ping(services: Services, request: Request) -> dict[str, Any]:
    """Send echo requests, one a second."""
    if "ipAddress" not in request.query or "count" not in request.query:
        raise Refusal("Please provide ipAddress and count")
    address, count = request.query["ipAddress"], request.query["count"]
    if not address or not (count.isascii() and count.isdigit() and len(count) < 10):
        raise Refusal("Please specify an IP Address (v4/v6)")
    pinged = services.probes.ping(address, int(count))
    return {
        "address": pinged.address,
        "is_alive": pinged.received > 0,
        "min_rtt": pinged.shortest,
        "avg_rtt": pinged.average,
        "max_rtt": pinged.longest,
        "package_sent": pinged.sent,
        "package_received": pinged.received,
        "package_loss": pinged.loss,
    }


def traceroute(services: Services, request: Request) -> list[dict[str, Any]]:
    """The routers on the way, silent ones as ``*``."""
    if not request.query.get("ipAddress"):
        raise Refusal("Please provide ipAddress")
    hops = {hop.distance: hop for hop in services.probes.trace(request.query["ipAddress"])}
    return [_row(distance, hops.get(distance)) for distance in range(1, max(hops, default=0) + 1)]


def update(services: Services, _request: Request) -> Reply:
    """Whether there is a newer release. Without an address to ask, the answer is that of v4.0 without internet."""
    url = services.settings.get().server.releases_url
    release = services.releases.newest(url) if url else None
    if release is None:
        raise Refusal("Request to GitHub API failed.")
    if release.tag == services.settings.version:
        return Reply(message="You're on the latest version")
    return Reply(release.page, f"{release.tag} is now avaible for update!")


def _row(distance: int, hop: Hop | None) -> dict[str, Any]:
    if hop is None:
        return {"hop": distance, **dict.fromkeys(("ip", "avg_rtt", "min_rtt", "max_rtt"), _SILENT)}
    return {
        "hop": distance,
        "ip": hop.address,
        "avg_rtt": hop.average,
        "min_rtt": hop.shortest,
        "max_rtt": hop.longest,
    }
