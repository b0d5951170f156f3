"""When time alone changes what is desired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import NamedTuple

from wgreconcile.desired.model import Peer

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


class Period(NamedTuple):
    """From ``since`` on and before ``until``, in seconds since 1970, time alone changes nothing."""

    since: float
    until: float

    @classmethod
    def of(cls, peers: Iterable[Peer], now: datetime) -> Period:
        """The one of these peers that has begun by ``now``."""
        return cls(now.timestamp(), next_change(peers, now).timestamp())

    def with_new(self, peers: Iterable[Peer], now: datetime) -> Period:
        """That of all who had this one, with new peers among them from ``now`` on."""
        other = Period.of(peers, now)
        return Period(other.since, min(self.until, other.until))

    def has(self, now: datetime) -> bool:
        """Whether it is that time; not where a clock was set back."""
        return self.since <= now.timestamp() < self.until


NEVER = Period(0.0, 0.0)
"""What no moment is in."""


def next_change(peers: Iterable[Peer], now: datetime) -> datetime:
    """When the first of the peers may come onto its interface, or go, without anybody doing anything."""
    moments = (moment for each in peers if each.expires or each.schedules for moment in _moments(each))
    return min((each for each in moments if each > now), default=_NEVER)


def _moments(peer: Peer) -> Iterator[datetime]:
    if peer.expires:
        yield peer.expires
    for each in peer.schedules:
        if isinstance(each.value, datetime):
            yield each.value
            yield each.begins
