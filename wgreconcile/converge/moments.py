"""When time alone changes what is desired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

from wgreconcile.desired.model import Peer

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


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
