"""What answers about one interface are made from: desired, live and counted, as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from wgreconcile.api.keyring import Keyring
from wgreconcile.api.reconciler import Snapshot
from wgreconcile.api.request import Request
from wgreconcile.api.runtime.share_links import ShareLink
from wgreconcile.api.runtime.usage import Usage
from wgreconcile.api.services import Services
from wgreconcile.api.settings.endpoint import peer_endpoint
from wgreconcile.api.settings.model import Dashboard
from wgreconcile.desired.client import client_of
from wgreconcile.desired.model import Client, Interface, Peer
from wgreconcile.observed.model import LiveInterface
from wgreconcile.values import Endpoint, Network, PublicKey

CONNECTED_SECONDS = 180
"""How long after a handshake a peer counts as connected: WireGuard renews a session in use every two minutes."""

_NOBODY = PublicKey("")


@dataclass(frozen=True, slots=True)
class View:
    """One interface and all that is known of it.

    ``defaults`` is what a client's file holds unless its peer says otherwise, ``live`` None while the interface
    is down. ``usage`` and ``links`` are by public key.
    """

    interface: Interface
    defaults: Client
    live: LiveInterface | None
    usage: Mapping[str, Usage]
    links: Mapping[str, ShareLink]
    settings: Dashboard
    keyring: Keyring
    now: float

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, timezone.utc)

    @property
    def is_up(self) -> bool:
        return self.live is not None

    def peers(self) -> Iterator[Peer]:
        """The peers that belong on the interface."""
        moment = self.moment
        return (each for each in self.interface.peers if each.is_active(moment))

    def is_connected(self, latest_handshake: int) -> bool:
        """Whether a peer of the live interface with that latest handshake is there."""
        return latest_handshake > 0 and self.now - latest_handshake < CONNECTED_SECONDS


def views(services: Services, request: Request) -> list[View]:
    """All about all interfaces, by name."""
    observed = services.reconciler.observed()
    return [view_of(services, request, each, observed) for each in services.state().interfaces]


def view_of(services: Services, request: Request, interface: Interface, observed: Snapshot) -> View:
    """All about one interface."""
    settings = services.settings.get()
    live = observed.find(interface.name)
    return View(
        interface=interface,
        defaults=defaults_of(interface, settings, live),
        live=live,
        usage=services.runtime.usage.of_interface(interface.name),
        links=services.runtime.share_links.of_interface(interface.name, request.now),
        settings=settings,
        keyring=services.keyring,
        now=request.now,
    )


def defaults_of(interface: Interface, settings: Dashboard, live: LiveInterface | None) -> Client:
    """What the interface says about its clients, completed by the dashboard's settings."""
    general = Client(
        dns=settings.peers.dns,
        allowed_ips=tuple(map(Network.parse, settings.peers.allowed_ips)),
        mtu=settings.peers.mtu,
        persistent_keepalive=settings.peers.persistent_keepalive,
        endpoint=_endpoint(interface, settings, live),
    )
    # The interface's defaults stand to the general ones as a peer's settings do to the interface's.
    own = Peer(_NOBODY, client=interface.client_defaults)
    return client_of(Interface(interface.name, client_defaults=general), own)


def client_file_of(view: View, peer: Peer) -> Client:
    """What the peer's own file holds."""
    return client_of(Interface(view.interface.name, client_defaults=view.defaults), peer)


def _endpoint(interface: Interface, settings: Dashboard, live: LiveInterface | None) -> Endpoint | None:
    """Where clients reach the interface; without a port of its own, the one that WireGuard has chosen."""
    host = peer_endpoint(settings)
    port = interface.listen_port or (live.listen_port if live else 0)
    if not host or not port:
        return None
    try:
        return Endpoint.parse(f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}")
    except ValueError:
        return None
