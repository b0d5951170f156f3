"""Desired state as values: what a person or the API asked for, with secrets still by reference.

Collections are tuples sorted at construction where their order has no meaning, so equal states are equal values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from wgreconcile.errors import Fault
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A key in the secret folder; ``name`` is a path below it. With ``generate`` it is made on first apply."""

    name: str
    generate: bool = False


@dataclass(frozen=True, slots=True)
class SecretEnv:
    """A key in an environment variable of the reconciler."""

    variable: str


Secret = SecretKey | SecretFile | SecretEnv
"""A key field: literal, or a reference that :mod:`wgreconcile.desired.secrets` resolves."""


@dataclass(frozen=True, slots=True)
class Client:
    """What the peer's own configuration file holds. None or empty: taken from the interface's defaults."""

    private_key: Secret | None = None
    address: tuple[Address, ...] = ()
    dns: tuple[str, ...] = ()
    allowed_ips: tuple[Network, ...] = ()
    mtu: int | None = None
    persistent_keepalive: int | None = None
    endpoint: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer of an interface. Its identity is the public key; the name is a label.

    ``persistent_keepalive`` is in seconds, None is off. ``expires`` is aware of its time zone; from then on the
    peer is kept in the state but not on the interface, as with ``enabled`` false. ``origin`` is the document
    that it came from, relative to the state folder.
    """

    public_key: PublicKey
    name: str = ""
    preshared_key: Secret | None = None
    allowed_ips: tuple[Network, ...] = ()
    endpoint: Endpoint | None = None
    persistent_keepalive: int | None = None
    enabled: bool = True
    expires: datetime | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    client: Client = Client()
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if len(self.allowed_ips) > 1:
            object.__setattr__(self, "allowed_ips", tuple(sorted(set(self.allowed_ips))))

    def is_active(self, now: datetime) -> bool:
        """Whether the peer belongs on the interface at ``now`` (aware of its time zone)."""
        return self.enabled and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Commands that wg-quick runs with bash, in order; ``%i`` is the name of the interface."""

    pre_up: tuple[str, ...] = ()
    post_up: tuple[str, ...] = ()
    pre_down: tuple[str, ...] = ()
    post_down: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """One WireGuard interface. None or empty: not set, wg-quick's own default holds.

    ``private_key`` None means ``SecretFile("<name>.key", generate=True)``. ``table`` is ``auto``, ``off`` or the
    number of a routing table; ``fwmark`` 0 is off. ``address`` keeps its order: the first one is the source.
    """

    name: str
    address: tuple[Address, ...] = ()
    listen_port: int | None = None
    private_key: Secret | None = None
    mtu: int | None = None
    dns: tuple[str, ...] = ()
    table: str = "auto"
    fwmark: int | None = None
    hooks: Hooks = Hooks()
    enabled: bool = True
    description: str = ""
    client_defaults: Client = Client()
    peers: tuple[Peer, ...] = ()
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "peers", tuple(sorted(self.peers, key=attrgetter("public_key"))))


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All interfaces of a state folder, sorted by name, and what is odd about them without being wrong."""

    interfaces: tuple[Interface, ...] = ()
    warnings: tuple[Fault, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "interfaces", tuple(sorted(self.interfaces, key=attrgetter("name"))))

    def find(self, name: str) -> Interface | None:
        """The interface of that name, or None."""
        return next((each for each in self.interfaces if each.name == name), None)
