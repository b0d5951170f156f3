"""Schedules of peers, judged and carried out: at every look, and for dates at the very second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import eq, gt, lt, ne

from wgreconcile.api.runtime.usage import Usage
from wgreconcile.desired.model import DesiredState, Interface, Peer, Schedule

GIB = 1024**3

_COMPARE = {"above": gt, "below": lt, "equal": eq, "unequal": ne}
_NOTHING = Usage("", "")


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose condition is met."""

    interface: str
    peer: Peer
    schedule: Schedule


def due(interface: Interface, now: datetime, usage: Mapping[str, Usage]) -> Iterator[Due]:
    """The schedules of an interface to be carried out at ``now``, at most one of each peer: the first that is met.

    A peer that is kept off the interface anyway is left alone until it is back.
    """
    for peer in interface.peers:
        if not peer.schedules or not peer.enabled or (peer.expires and now >= peer.expires):
            continue
        met = (each for each in peer.schedules if is_met(each, now, usage.get(peer.public_key, _NOTHING)))
        for schedule in met:
            yield Due(interface.name, peer, schedule)
            break


def is_met(schedule: Schedule, now: datetime, usage: Usage) -> bool:
    """Whether the condition is met. Bytes are compared to the very byte."""
    if not isinstance(schedule.value, Decimal):
        return schedule.is_due(now)
    received, sent = usage.earlier_rx + usage.current_rx, usage.earlier_tx + usage.current_tx
    used = {"received": received, "sent": sent, "total": received + sent}[schedule.subject]
    return schedule.is_old_enough(now) and _COMPARE[schedule.comparison](Decimal(used), schedule.value * GIB)


def next_date(state: DesiredState, now: datetime) -> datetime | None:
    """The next moment at which the passing of time alone meets a condition; None without one."""
    schedules = (
        schedule
        for interface in state.interfaces
        for peer in interface.peers
        if peer.schedules and peer.enabled
        for schedule in peer.schedules
    )
    return min((each for each in _moments(schedules) if each > now), default=None)


def _moments(schedules: Iterable[Schedule]) -> Iterator[datetime]:
    for each in schedules:
        yield each.begins
        if isinstance(each.value, datetime):
            yield max(each.value, each.begins)
