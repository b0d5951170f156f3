"""What a process that lives long knows of an interface that it has verified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from wgreconcile.desired.model import Interface, Peer
from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import ConfFile, LiveInterface, ObservedInterface
from wgreconcile.planning.model import Goal
from wgreconcile.planning.render import render_conf
from wgreconcile.planning.sections import Sections
from wgreconcile.values import PublicKey

Stamp = tuple[int, ...]

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Seen:
    """How an interface looked that was at its goal. A comment in ``file`` may be an older one."""

    file: ConfFile
    live: LiveInterface


@dataclass(frozen=True)
class Known:
    """An interface that was verified to be at its goal.

    ``interface`` is what the goal was made from, with secrets by reference. ``seen`` is how it looked then; None
    when others have looked. ``until`` is when time alone changes the goal. ``record`` tells whether somebody else
    has converged it since.
    """

    interface: Interface
    goal: Goal
    conf: Conf
    sections: Sections = field(repr=False)
    until: datetime
    record: Stamp
    seen: Seen | None = None

    def with_peers(self, interface: Interface, delta: Delta, few: Conf, now: datetime) -> Known:
        """The same with the peers of ``delta`` as they are in ``few``; nobody has seen it yet."""
        kept = (each for each in self.conf.peers if each.public_key not in delta.keys)
        conf = replace(self.conf, peers=(*kept, *few.peers))
        _, rest = self.sections.split(delta.keys)
        sections = rest.merged(Sections.of(render_conf(few)))
        goal = replace(self.goal, text=sections.text, conf=conf, live=conf)
        until = min(self.until, next_change(delta.peers, now))
        return Known(interface, goal, conf, sections, until, self.record)

    @property
    def pairs(self) -> dict[int, ConfPeer]:
        """The goal of each live peer, by the identity of the live one."""
        peers = self.seen.live.peers if self.seen else ()
        return {id(live): goal for live, goal in zip(peers, self.conf.peers, strict=True)}


@dataclass(frozen=True, slots=True)
class Delta:
    """The peers that are not what they were: all of their keys, and those that there are now."""

    keys: frozenset[PublicKey]
    peers: tuple[Peer, ...]


def delta_of(known: Known, interface: Interface, now: datetime) -> Delta | None:
    """What has changed since; None when it is more than peers.

    Default routes come with policy rules of their own, so they are more.
    """
    if now >= known.until or replace(interface, peers=()) != replace(known.interface, peers=()):
        return None
    before, after = set(map(id, known.interface.peers)), set(map(id, interface.peers))
    come = tuple(each for each in interface.peers if id(each) not in before)
    gone = [each for each in known.interface.peers if id(each) not in after]
    if any(network.is_default for each in (*come, *gone) for network in each.allowed_ips):
        return None
    return Delta(frozenset(each.public_key for each in (*come, *gone)), come)


def next_change(peers: Iterable[Peer], now: datetime) -> datetime:
    """When the first of the peers may come onto its interface, or go, by time alone."""
    moments = (moment for each in peers if each.expires or each.schedules for moment in _moments(each))
    return min((each for each in moments if each > now), default=_NEVER)


def _moments(peer: Peer) -> Iterator[datetime]:
    if peer.expires:
        yield peer.expires
    for each in peer.schedules:
        if isinstance(each.value, datetime):
            yield each.value
            yield each.begins


def only(conf: Conf, keys: frozenset[PublicKey]) -> Conf:
    """The configuration with only these peers."""
    return replace(conf, peers=tuple(each for each in conf.peers if each.public_key in keys))


def only_live(live: LiveInterface, keys: frozenset[PublicKey]) -> LiveInterface:
    """The live interface with only these peers."""
    return replace(live, peers=tuple(each for each in live.peers if each.public_key in keys))


def moved(conf: Conf, live: LiveInterface, pairs: Mapping[int, ConfPeer]) -> frozenset[PublicKey] | None:
    """The peers that have to be looked at: another goal, or seen in another way, than when they were verified.

    ``pairs`` are those of :attr:`Known.pairs`. None when the interface has other peers than the goal.
    """
    found = set()
    if len(conf.peers) != len(live.peers):
        return None
    for goal, seen in zip(conf.peers, live.peers, strict=True):
        if pairs.get(id(seen)) is not goal:
            if goal.public_key != seen.public_key:
                return None
            found.add(goal.public_key)
    return frozenset(found)


def seen_of(observed: ObservedInterface) -> Seen | None:
    """What was seen of an interface that is there."""
    return Seen(observed.file, observed.live) if observed.file and observed.live else None
