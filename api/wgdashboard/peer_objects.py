"""A peer as WGDashboard's clients see it (API.md 3.2). Made ten thousand at a time, so nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any

from wgreconcile.api.envelope import Encoded, encode
from wgreconcile.api.runtime.usage import Usage
from wgreconcile.api.settings.endpoint import peer_endpoint
from wgreconcile.api.wgdashboard.configuration_objects import GIB, configuration_object
from wgreconcile.api.wgdashboard.job_objects import job_object
from wgreconcile.api.wgdashboard.share_objects import link_object
from wgreconcile.api.wgdashboard.views import View
from wgreconcile.desired.model import Peer
from wgreconcile.desired.naming import stem_of
from wgreconcile.observed.model import LivePeer
from wgreconcile.values import Network

NOT_AVAILABLE = "N/A"

_NOTHING = Usage("", "")
_SHARED = "\0configuration"
"""Stands for the object that all peers hold until all else is encoded. No text of a state has such a character."""

_encode_in_order = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def configuration_info(view: View) -> Encoded:
    """The interface with all of its peers; the restricted ones are those that are kept off it."""
    moment, maker = view.moment, PeerObjects(view)
    active: list[dict[str, Any]] = []
    restricted: list[dict[str, Any]] = []
    for peer in view.interface.peers:
        (active if peer.is_active(moment) else restricted).append(maker.object(peer, _SHARED))
    found = {
        "configurationInfo": _SHARED,
        "configurationPeers": active,
        "configurationRestrictedPeers": restricted,
    }
    return Encoded(_encode_in_order(found).replace(_encode_in_order(_SHARED), encode(configuration_object(view))))


class PeerObjects:
    """Makes the objects of the peers of one interface."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._live = {each.public_key: each for each in view.live.peers} if view.live else {}
        defaults = view.defaults
        self._dns = ", ".join(defaults.dns or ())
        self._allowed_ips = ", ".join(defaults.allowed_ips)
        self._mtu = defaults.mtu or 0
        self._keepalive = defaults.persistent_keepalive or 0
        self._host = defaults.endpoint.host if defaults.endpoint else peer_endpoint(view.settings)

    def object(self, peer: Peer, configuration: Any) -> dict[str, Any]:
        """The object of one peer, with that of its configuration in it. Its keys are in order."""
        view, client, key = self._view, peer.client, peer.public_key
        live, link, known = self._live.get(key), view.links.get(key), view.usage.get(key)
        usage = known or _NOTHING
        received, sent = usage.current_rx, usage.current_tx
        earlier_received, earlier_sent = usage.earlier_rx, usage.earlier_tx
        return {
            "DNS": self._dns if client.dns is None else ", ".join(client.dns),
            "ShareLink": [link_object(link)] if link else (),
            "allowed_ip": allowed_ips_text(peer.allowed_ips),
            "configuration": configuration,
            "cumu_data": (earlier_received + earlier_sent) / GIB,
            "cumu_receive": earlier_received / GIB,
            "cumu_sent": earlier_sent / GIB,
            "endpoint": endpoint_text(live, known),
            "endpoint_allowed_ip": ", ".join(client.allowed_ips) or self._allowed_ips,
            "id": key,
            "jobs": [job_object(view.interface.name, peer, each) for each in peer.schedules],
            "keepalive": self._keepalive if client.persistent_keepalive is None else client.persistent_keepalive,
            "latest_handshake": handshake_text(live, known, view.now),
            "mtu": self._mtu if client.mtu is None else client.mtu,
            "name": name_of(peer),
            "preshared_key": view.keyring.text(peer.preshared_key),
            "private_key": view.keyring.text(client.private_key),
            "remote_endpoint": client.endpoint.host if client.endpoint else self._host,
            "status": "running" if live and view.is_connected(live.latest_handshake) else "stopped",
            "total_data": (received + sent) / GIB,
            "total_receive": received / GIB,
            "total_sent": sent / GIB,
        }


def endpoint_text(live: LivePeer | None, known: Usage | None) -> str:
    """Where a peer was seen last: ``(none)`` when that was nowhere, ``N/A`` when nobody has looked yet."""
    if known is None and (live is None or not live.latest_handshake):
        return NOT_AVAILABLE
    return (live.endpoint if live else None) or (known.endpoint if known else "") or "(none)"


def handshake_text(live: LivePeer | None, known: Usage | None, now: float) -> str:
    """How long ago the latest handshake was, in hours, minutes and seconds."""
    if known is None and (live is None or not live.latest_handshake):
        return NOT_AVAILABLE
    at = live.latest_handshake if live else known.latest_handshake if known else 0
    return str(timedelta(seconds=max(0, int(now) - at))) if at else "No Handshake"


def name_of(peer: Peer) -> str:
    """The name that somebody gave it. A document's file needs one, which for lack of it comes from the key."""
    name = peer.name
    if name.startswith("peer-") and name.startswith(stem_of("", peer.public_key)) and _is_file(peer):
        return ""
    return name


def allowed_ips_text(networks: Sequence[Network]) -> str:
    """Networks in the order of their addresses, as a file has them."""
    ordered = networks if len(networks) == 1 else sorted(networks, key=attrgetter("bounds"))
    return ", ".join(ordered) or NOT_AVAILABLE


def _is_file(peer: Peer) -> bool:
    return peer.origin.endswith(f"/{peer.name}.yaml")
