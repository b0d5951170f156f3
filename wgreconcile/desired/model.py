"""Desired state as values: what a person or the API asked for, with secrets still by reference.

Collections are tuples sorted at construction where their order has no meaning, so equal states are equal values.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from operator import attrgetter
from typing import Literal

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
    """What the peer's own configuration file holds. None or empty: taken from the interface's defaults.

    ``dns`` empty is none at all, ``mtu`` 0 leaves it to the peer, ``persistent_keepalive`` 0 is off.
    """

    private_key: Secret | None = None
    address: tuple[Address, ...] = ()
    dns: tuple[str, ...] | None = None
    allowed_ips: tuple[Network, ...] = ()
    mtu: int | None = None
    persistent_keepalive: int | None = None
    endpoint: Endpoint | None = None


_public_key = attrgetter("public_key")

Subject = Literal["received", "sent", "total", "date"]
Comparison = Literal["above", "below", "equal", "unequal"]
Action = Literal["disable", "delete"]

GRACE = timedelta(seconds=10)
"""How long one that is met at once does nothing after it was made: who chose the wrong peer can take it back."""
_FIRST, _LAST = (each.replace(tzinfo=timezone.utc) for each in (datetime.min, datetime.max))


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is done to a peer, once, when a condition is met: ``subject comparison value``.

    ``value`` is a moment, aware of its time zone, for ``date``, and else a number of GiB (1024³ bytes) since the
    usage was last reset. ``id`` empty: it goes by its content. ``created`` None: long ago.
    """

    subject: Subject
    comparison: Comparison
    value: Decimal | datetime
    action: Action
    id: str = ""
    created: datetime | None = None

    @property
    def begins(self) -> datetime:
        """From when on it does anything: after a grace, or at the date that it was told to wait for."""
        if self.created is None:
            return _FIRST
        after_grace = min(self.created, _LAST - GRACE) + GRACE
        if isinstance(self.value, datetime) and self.comparison in ("above", "equal"):
            return min(self.value, after_grace) if self.created < self.value else after_grace
        return after_grace

    def is_due(self, now: datetime) -> bool:
        """Whether it asks for a date and that has come at ``now``. A condition on usage is for others to judge.

        ``equal`` is met from that moment on, if it lay ahead when the schedule was made: nobody looks at
        exactly the right instant.
        """
        if not isinstance(self.value, datetime) or not self.is_old_enough(now):
            return False
        if self.comparison == "above":
            return now >= self.value
        if self.comparison == "equal":
            return now >= self.value and (self.created is None or self.created <= self.value)
        return now < self.value if self.comparison == "below" else now != self.value

    def is_old_enough(self, now: datetime) -> bool:
        """Whether it was made long enough ago to do anything."""
        return now >= self.begins


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer of an interface. Its identity is the public key; the name is a label.

    ``persistent_keepalive`` is in seconds, None is off. ``expires`` is aware of its time zone; from then on the
    peer is kept in the state but not on the interface, as with ``enabled`` false and once a date of ``schedules``
    has come. ``origin`` is the document that it came from, relative to the state folder.
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
    schedules: tuple[Schedule, ...] = ()
    origin: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if len(self.allowed_ips) > 1:
            object.__setattr__(self, "allowed_ips", tuple(sorted(set(self.allowed_ips))))

    def is_active(self, now: datetime) -> bool:
        """Whether the peer belongs on the interface at ``now`` (aware of its time zone)."""
        if not self.enabled or (self.expires is not None and now >= self.expires):
            return False
        return not self.schedules or not any(each.is_due(now) for each in self.schedules)


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
        object.__setattr__(self, "peers", tuple(sorted(self.peers, key=_public_key)))

    def with_new(self, peers: Iterable[Peer]) -> Interface:
        """With peers that it does not have yet; sooner than making it anew when they are few of many."""
        every = list(self.peers)
        for each in peers:
            insort(every, each, key=_public_key)
        other = copy(self)
        object.__setattr__(other, "peers", tuple(every))
        return other

    def find(self, public_key: str) -> Peer | None:
        """The peer of that public key, or None."""
        at = bisect_left(self.peers, public_key, key=_public_key)
        found = self.peers[at : at + 1]
        return found[0] if found and found[0].public_key == public_key else None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All interfaces of a state folder, sorted by name, and what is odd about them without being wrong.

    ``version`` names the texts of all documents that it was read from; empty when it was not read from any.
    """

    interfaces: tuple[Interface, ...] = ()
    warnings: tuple[Fault, ...] = field(default=(), compare=False)
    version: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "interfaces", tuple(sorted(self.interfaces, key=attrgetter("name"))))

    def find(self, name: str) -> Interface | None:
        """The interface of that name, or None."""
        return next((each for each in self.interfaces if each.name == name), None)
