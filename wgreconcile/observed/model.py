"""Observed state as values: configuration files by meaning, live interfaces as the kernel reports them.

Observed types differ from desired ones: a live peer has a handshake and counters, a desired one does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

from wgreconcile.observed.conf import Conf, parse_conf
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey


@dataclass(frozen=True)
class ConfFile:
    """A configuration file on disk: its text, its permission bits and, when asked for, its meaning."""

    path: str
    mode: int
    text: str = field(repr=False)

    @cached_property
    def conf(self) -> Conf:
        """What the file means. Raise StateError when it is not one that wg-quick would read."""
        return parse_conf(self.text, self.path)


@dataclass(frozen=True, slots=True)
class LivePeer:
    """A peer on a live interface.

    ``endpoint`` None: not known yet. ``persistent_keepalive`` in seconds, None is off. ``latest_handshake`` is in
    seconds since 1970, 0 is never. ``rx_bytes`` and ``tx_bytes`` count since the peer was added.
    """

    public_key: PublicKey
    preshared_key: SecretKey | None
    allowed_ips: tuple[Network, ...]
    endpoint: Endpoint | None
    persistent_keepalive: int | None
    latest_handshake: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """A unicast route through an interface; ``table`` as ``ip`` prints it (``main``, ``51820``)."""

    network: Network
    table: str = "main"


@dataclass(frozen=True, slots=True)
class Rule:
    """One of the two policy rules per IP version that wg-quick sets for a default route (wg-quick: add_default).

    ``table`` is the number of the table that packets without that mark look up; 0 stands for the rule that
    suppresses the main table's own default route. Of two rules the one with the lower ``priority`` is asked first.
    """

    version: int
    table: int
    priority: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LiveInterface:
    """A live WireGuard interface. ``private_key`` None: not set. ``fwmark`` 0: off.

    ``routes`` leaves out the kernel's own, ``address`` the automatic link-local ones. ``connected`` are the
    networks that the kernel itself routes here because of an address; None: not looked at.
    """

    name: str
    private_key: SecretKey | None
    public_key: PublicKey | None
    listen_port: int
    fwmark: int
    peers: tuple[LivePeer, ...]
    address: tuple[Address, ...] = ()
    mtu: int = 0
    is_up: bool = False
    routes: frozenset[Route] = frozenset()
    rules: frozenset[Rule] = frozenset()
    connected: frozenset[Network] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ObservedInterface:
    """One interface as found: its file and its live state, None where there is none."""

    name: str
    file: ConfFile | None = None
    live: LiveInterface | None = None


@dataclass(frozen=True, slots=True)
class ObservedState:
    """What was looked at, sorted by name, and the names of configuration files and live interfaces beside it."""

    interfaces: tuple[ObservedInterface, ...] = ()
    other_files: tuple[str, ...] = ()
    other_live: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "interfaces", tuple(sorted(self.interfaces, key=attrgetter("name"))))

    def find(self, name: str) -> ObservedInterface:
        """The interface of that name; an empty one when nothing was found of it."""
        return next((each for each in self.interfaces if each.name == name), ObservedInterface(name))
