"""A peer as WGDashboard's clients see it (API.md 3.2): JSON that is put together here, field by field.

An answer holds ten thousand of them. Encoding objects made only to be encoded would take twice the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from json.encoder import encode_basestring_ascii as quoted
from operator import attrgetter

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


def configuration_info(view: View) -> Encoded:
    """The interface with all of its peers; the restricted ones are those that are kept off it."""
    moment, writer = view.moment, PeerWriter(view)
    active: list[str] = []
    restricted: list[str] = []
    for peer in view.interface.peers:
        (active if peer.is_active(moment) else restricted).append(writer.text(peer))
    return Encoded(
        f'{{"configurationInfo":{writer.configuration},"configurationPeers":{_listed(active)},'
        f'"configurationRestrictedPeers":{_listed(restricted)}}}'
    )


def peer_list(view: View, peers: Iterable[Peer]) -> Encoded:
    """A list of some of the peers."""
    return Encoded(_listed(map(PeerWriter(view).text, peers)))


class PeerWriter:
    """Writes the peers of one interface. ``configuration`` is the object of their interface, which each holds."""

    def __init__(self, view: View) -> None:
        self.configuration = encode(configuration_object(view))
        self._view = view
        self._live = {each.public_key: each for each in view.live.peers} if view.live else {}
        defaults = view.defaults
        self._dns = quoted(", ".join(defaults.dns or ()))
        self._allowed_ips = ", ".join(defaults.allowed_ips)
        self._mtu = defaults.mtu or 0
        self._keepalive = defaults.persistent_keepalive or 0
        self._host = defaults.endpoint.host if defaults.endpoint else peer_endpoint(view.settings)

    def text(self, peer: Peer) -> str:
        """A peer with its fields in the order of their names. What can hold any character is quoted."""
        view, client, key = self._view, peer.client, peer.public_key
        live, link, known = self._live.get(key), view.links.get(key), view.usage.get(key)
        usage = known or _NOTHING
        keepalive = self._keepalive if client.persistent_keepalive is None else client.persistent_keepalive
        return (
            f'{{"DNS":{self._dns if client.dns is None else quoted(", ".join(client.dns))},'
            f'"ShareLink":{encode([link_object(link)]) if link else "[]"},'
            f'"allowed_ip":"{allowed_ips_text(peer.allowed_ips)}","configuration":{self.configuration},'
            f"{_amounts('cumu', usage.earlier_rx, usage.earlier_tx)},"
            f'"endpoint":{quoted(endpoint_text(live, known))},'
            f'"endpoint_allowed_ip":"{", ".join(client.allowed_ips) or self._allowed_ips}","id":"{key}",'
            f'"jobs":{self._jobs(peer) if peer.schedules else "[]"},"keepalive":{keepalive},'
            f'"latest_handshake":"{handshake_text(live, known, view.now)}",'
            f'"mtu":{self._mtu if client.mtu is None else client.mtu},"name":{quoted(name_of(peer))},'
            f'"preshared_key":"{view.keyring.text(peer.preshared_key)}",'
            f'"private_key":"{view.keyring.text(client.private_key)}",'
            f'"remote_endpoint":{quoted(client.endpoint.host if client.endpoint else self._host)},'
            f'"status":"{"running" if live and view.is_connected(live.latest_handshake) else "stopped"}",'
            f"{_amounts('total', usage.current_rx, usage.current_tx)}}}"
        )

    def _jobs(self, peer: Peer) -> str:
        return encode([job_object(self._view.interface.name, peer, each) for each in peer.schedules])


def _amounts(kind: str, received: int, sent: int) -> str:
    return f'"{kind}_data":{(received + sent) / GIB},"{kind}_receive":{received / GIB},"{kind}_sent":{sent / GIB}'


def _listed(objects: Iterable[str]) -> str:
    return f"[{','.join(objects)}]"


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
