"""Plans as values: what shall be (goal), what differs (change), what will be done (step)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import LiveInterface, Route, Rule
from wgreconcile.values import Address, PublicKey, SecretKey


class Disruption(IntEnum):
    """What a change disturbs: nothing, sessions of one peer, those of the interface, or it goes down."""

    NONE = 0
    PEER = 1
    INTERFACE = 2
    RESTART = 3

    def __str__(self) -> str:
        return self.name.lower()


class Action(str, Enum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Place(str, Enum):
    FILE = "file"
    LIVE = "live"


class Cause(str, Enum):
    """Why desired and observed differ, told by the configuration that was applied last."""

    NEW = "never applied"
    STATE = "changed in state"
    DISK = "edited on disk"
    LIVE = "changed live"


Value = None | bool | int | str | SecretKey | tuple[str, ...] | tuple[Route, ...] | tuple[Rule, ...] | ConfPeer


@dataclass(frozen=True, slots=True)
class Change:
    """One field, on disk or live, that is not as it shall be.

    ``peer`` None: of the interface itself. ``field`` empty: the subject as a whole. ``name`` labels the peer.
    For ``routes`` and ``rules`` ``before`` holds what goes and ``after`` what comes; routes belong to the peer
    whose allowed IPs they lead to.
    """

    interface: str
    place: Place
    action: Action
    field: str
    before: Value
    after: Value
    cause: Cause
    disruption: Disruption = Disruption.NONE
    peer: PublicKey | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What an interface shall be: ``text`` on disk (None: no file), ``live`` in the kernel (None: not there).

    ``conf`` is what ``text`` means; ``live`` holds exact values, and what it leaves unset is not managed.
    ``was`` is what a way back leads to: of routes and rules it brings back no more than there were. ``others``
    counts peers that are known to be as they shall be, and are left out here and wherever this is compared with.
    """

    name: str
    text: str | None = field(default=None, repr=False)
    conf: Conf | None = None
    live: Conf | None = None
    was: LiveInterface | None = field(default=None, repr=False)
    others: int = 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """The configuration that the interface was last converged to, whose hooks it was brought up with.

    ``applied`` false: wgreconcile never did; the file on disk, or nothing, stands in for it. ``up``: whether it
    was to be live then.
    """

    conf: Conf = Conf()
    applied: bool = False
    up: bool = True


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Write the configuration file, 0600 and atomically."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Remove the configuration file."""


@dataclass(frozen=True, slots=True)
class BringUp:
    """``wg-quick up`` with ``conf``."""

    conf: Conf


@dataclass(frozen=True, slots=True)
class TakeDown:
    """``wg-quick down`` with the configuration that the interface was brought up with, and its hooks for that.

    ``emptied`` is what the interface is reduced to before it goes: deleting one with thousands of peers takes the
    kernel minutes. ``force``: it was interrupted while it came up; its hooks may fail and it goes all the same.
    """

    conf: Conf
    emptied: Conf | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class SyncConf:
    """``wg syncconf`` of the complete ``conf``: private key, listen port, mark and all peers."""

    conf: Conf


@dataclass(frozen=True, slots=True)
class RemovePeers:
    """``wg set … peer … remove`` for exactly these."""

    public_keys: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True)
class SetPeers:
    """``wg addconf`` of exactly these, each complete; all other peers stay as they are."""

    peers: tuple[ConfPeer, ...]


@dataclass(frozen=True, slots=True)
class Adjust:
    """``ip -batch``: link, addresses, routes and rules in place. ``mtu`` 0: what wg-quick would choose.

    An address that is both removed and added goes and comes back behind the others.
    """

    up: bool = False
    mtu: int | None = None
    add_address: tuple[Address, ...] = ()
    remove_address: tuple[Address, ...] = ()
    add_routes: tuple[Route, ...] = ()
    remove_routes: tuple[Route, ...] = ()
    add_rules: tuple[Rule, ...] = ()


Step = WriteFile | RemoveFile | BringUp | TakeDown | SyncConf | RemovePeers | SetPeers | Adjust


@dataclass(frozen=True, slots=True)
class InterfacePlan:
    """Changes and steps of one interface.

    ``subjects`` counts the interface and its peers, changed or not; ``peers_before`` the peers that it has now,
    live or else on disk, and ``peers_removed`` those of them that would go.
    """

    name: str
    goal: Goal
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    subjects: int = 1
    peers_before: int = 0
    peers_removed: int = 0

    @property
    def removes_interface(self) -> bool:
        return self.goal.text is None and bool(self.changes)

    @property
    def disruption(self) -> Disruption:
        return max((each.disruption for each in self.changes), default=Disruption.NONE)

    @property
    def changed_subjects(self) -> int:
        return len({each.peer for each in self.changes})

    @property
    def subjects_after(self) -> int:
        """How many subjects there are once it is carried out: peers that have gone count no more."""
        gone = {each.peer for each in self.changes if each.peer and each.action is Action.DELETE}
        return self.subjects - len(gone)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one reconcile would do, interface by interface. Empty when nothing differs.

    ``unmanaged`` names the files and live interfaces that wgreconcile sees and leaves alone, ``orphaned`` the
    interfaces that it manages and the state no longer has.
    """

    interfaces: tuple[InterfacePlan, ...] = ()
    orphaned: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not any(each.changes for each in self.interfaces)

    @property
    def disruption(self) -> Disruption:
        return max((each.disruption for each in self.interfaces), default=Disruption.NONE)

    @property
    def changes(self) -> Iterable[Change]:
        return (change for each in self.interfaces for change in each.changes)
