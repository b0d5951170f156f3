"""Desired, on disk and live side by side: what a survey found, interface by interface and peer by peer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wgreconcile.desired.model import DesiredState, Interface, Peer
from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import LiveInterface, LivePeer, ObservedInterface, ObservedState
from wgreconcile.planning.model import Action, Baseline, Cause, Change, InterfacePlan, Place, Plan
from wgreconcile.values import Address, Endpoint, PublicKey, public_key_of


class State(str, Enum):
    """How an interface stands to its desired state. ``DOWN``: as it shall be, which is down."""

    IN_SYNC = "in sync"
    DOWN = "down"
    DRIFT = "drift"
    NOT_APPLIED = "not applied"
    NOT_IN_STATE = "not in state"


class Wish(str, Enum):
    """What the state says of an interface or a peer. An expired or disabled one is kept, but not on the host."""

    ON = "on"
    OFF = "off"
    EXPIRED = "expired"
    ABSENT = "-"


class Found(str, Enum):
    """What is found in one place, compared with the desired state; ``UNKNOWN`` of a file that cannot be read."""

    SAME = "same"
    DIFFERS = "differs"
    ABSENT = "-"
    UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """One peer. ``latest_handshake`` in seconds since 1970, 0 is never."""

    public_key: PublicKey
    name: str
    desired: Wish
    disk: Found
    live: Found
    endpoint: Endpoint | None = None
    latest_handshake: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class InterfaceStatus:
    """One interface: live values where it is live, desired ones otherwise.

    ``public_key`` None: not known before the first apply has made the key. ``changes`` are those of the interface
    itself. Peers are sorted by name.
    """

    name: str
    state: State
    desired: Wish
    disk: Found
    live: Found
    public_key: PublicKey | None = None
    listen_port: int | None = None
    address: tuple[Address, ...] = ()
    changes: tuple[Change, ...] = ()
    peers: tuple[PeerStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A configuration file, a live interface or both that wgreconcile leaves alone."""

    name: str
    has_file: bool
    is_live: bool


@dataclass(frozen=True, slots=True)
class Status:
    """A host: the interfaces of its state, then the orphaned ones, and what is unmanaged."""

    interfaces: tuple[InterfaceStatus, ...] = ()
    unmanaged: tuple[Unmanaged, ...] = ()


def status_of(
    plan: Plan, observed: ObservedState, baselines: Mapping[str, Baseline], desired: DesiredState, now: datetime
) -> Status:
    """The status of the interfaces in a plan that was made without pruning."""
    files, live = set(observed.other_files), set(observed.other_live)
    interfaces = [
        _interface(each, observed.find(each.name), baselines.get(each.name, Baseline()), desired, now)
        for each in plan.interfaces
    ]
    interfaces += [_orphan(observed.find(name), now) for name in plan.orphaned]
    unmanaged = (Unmanaged(name, name in files, name in live) for name in plan.unmanaged)
    return Status(tuple(interfaces), tuple(unmanaged))


def _interface(
    plan: InterfacePlan, observed: ObservedInterface, baseline: Baseline, desired: DesiredState, now: datetime
) -> InterfaceStatus:
    live, wanted = observed.live, plan.goal.conf or Conf()
    own = tuple(each for each in plan.changes if each.peer is None)
    disk = _found(observed.file is not None, own, Place.FILE)
    interface = desired.find(plan.name) or Interface(plan.name)
    return InterfaceStatus(
        name=plan.name,
        state=_state(plan, baseline),
        desired=Wish.ON if plan.goal.live is not None else Wish.OFF,
        disk=disk,
        live=_found(live is not None, own, Place.LIVE),
        public_key=live.public_key if live else _public_key(wanted, observed, baseline),
        listen_port=live.listen_port if live else wanted.listen_port,
        address=live.address if live else wanted.address,
        changes=own,
        peers=_peers(plan, live, disk, interface.peers, now),
    )


def _state(plan: InterfacePlan, baseline: Baseline) -> State:
    if not plan.changes:
        return State.IN_SYNC if plan.goal.live is not None else State.DOWN
    drifted = any(each.cause in (Cause.DISK, Cause.LIVE) for each in plan.changes)
    return State.DRIFT if baseline.applied and drifted else State.NOT_APPLIED


def _public_key(wanted: Conf, observed: ObservedInterface, baseline: Baseline) -> PublicKey | None:
    """The public key of an interface that is not live.

    Before a first apply the goal may hold a key that was made for this look alone: it is nobody's.
    """
    if wanted.private_key is None or not (baseline.applied or observed.file):
        return None
    return public_key_of(wanted.private_key)


def _found(is_there: bool, changes: Iterable[Change], place: Place) -> Found:
    """``changes`` are those of one subject."""
    here = [each for each in changes if each.place is place]
    if any(each.field == "text" for each in here):
        return Found.UNKNOWN
    if not is_there:
        return Found.ABSENT
    return Found.DIFFERS if here else Found.SAME


def _peers(
    plan: InterfacePlan, live: LiveInterface | None, file: Found, declared: Iterable[Peer], now: datetime
) -> tuple[PeerStatus, ...]:
    """Every peer that is in the state, on disk or live, by name, the nameless last."""
    changes: dict[PublicKey, list[Change]] = {}
    for each in plan.changes:
        if each.peer is not None:
            changes.setdefault(each.peer, []).append(each)
    known = {each.public_key: each for each in declared}
    active = {each.public_key: each for each in (plan.goal.conf or Conf()).peers}
    seen = {each.public_key: each for each in live.peers} if live else {}
    peers = (
        _peer(key, known.get(key), active.get(key), seen.get(key), tuple(changes.get(key, ())), file, now)
        for key in active.keys() | known.keys() | changes.keys() | seen.keys()
    )
    return tuple(sorted(peers, key=lambda each: (not each.name, each.name.casefold(), each.public_key)))


def _peer(
    key: PublicKey,
    declared: Peer | None,
    active: ConfPeer | None,
    live: LivePeer | None,
    changes: tuple[Change, ...],
    file: Found,
    now: datetime,
) -> PeerStatus:
    name = next((each for each in (declared and declared.name, active and active.name) if each), "")
    seen = live or LivePeer(key, None, (), None, None)
    return PeerStatus(
        public_key=key,
        name=name or next((each.name for each in changes if each.name), ""),
        desired=_wish(declared, active, now),
        disk=_on_disk(active, changes, file),
        live=_found(live is not None, changes, Place.LIVE),
        endpoint=seen.endpoint,
        latest_handshake=seen.latest_handshake,
        rx_bytes=seen.rx_bytes,
        tx_bytes=seen.tx_bytes,
        changes=changes,
    )


def _wish(declared: Peer | None, active: ConfPeer | None, now: datetime) -> Wish:
    if active is not None:
        return Wish.ON
    if declared is None:
        return Wish.ABSENT
    return Wish.EXPIRED if declared.enabled and not declared.is_active(now) else Wish.OFF


def _on_disk(active: ConfPeer | None, changes: tuple[Change, ...], file: Found) -> Found:
    """A desired peer is in the file unless a change brings it there, any other only if one takes it away."""
    if file is Found.UNKNOWN:
        return file
    actions = {each.action for each in changes if each.place is Place.FILE}
    is_there = Action.DELETE in actions if active is None else Action.CREATE not in actions
    return _found(is_there, changes, Place.FILE)


def _orphan(observed: ObservedInterface, now: datetime) -> InterfaceStatus:
    live = observed.live
    return InterfaceStatus(
        name=observed.name,
        state=State.NOT_IN_STATE,
        desired=Wish.ABSENT,
        disk=Found.DIFFERS if observed.file else Found.ABSENT,
        live=Found.DIFFERS if live else Found.ABSENT,
        public_key=live.public_key if live else None,
        listen_port=live.listen_port if live else None,
        address=live.address if live else (),
        peers=tuple(
            _peer(each.public_key, None, None, each, (), Found.UNKNOWN, now)
            for each in (live.peers if live else ())
        ),
    )
