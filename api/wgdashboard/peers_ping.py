"""Addresses of peers to ping (API.md 6.6)."""

from __future__ import annotations

from typing import Any

from wgreconcile.api.request import Request
from wgreconcile.api.services import Services
from wgreconcile.api.wgdashboard.peer_objects import endpoint_text, name_of
from wgreconcile.api.wgdashboard.views import View, views
from wgreconcile.desired.networks import is_host


def addresses(services: Services, request: Request) -> dict[str, dict[str, Any]]:
    """Of every interface, the single addresses and the endpoint of each peer that is not restricted."""
    services.adopt_new()
    return {view.interface.name: _of_interface(view) for view in views(services, request)}


def _of_interface(view: View) -> dict[str, Any]:
    live = {each.public_key: each for each in view.live.peers} if view.live else {}
    found = {}
    for peer in view.peers():
        key = peer.public_key
        name, endpoint = name_of(peer), endpoint_text(live.get(key), view.usage.get(key))
        found[f"{name} - {key}" if name else str(key)] = {
            "allowed_ips": [each.partition("/")[0] for each in peer.allowed_ips if is_host(each)],
            "endpoint": "" if endpoint == "(none)" else endpoint,
        }
    return found
