"""What a process that lives long knows of an interface that it has verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from wgreconcile.desired.model import Interface
from wgreconcile.desired.moments import Period
from wgreconcile.desired.news import NewPeers
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Goal

Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Known:
    """An interface that was verified to be at its goal.

    ``interface`` is what the goal was made from, with secrets by reference. ``seen`` is the look that saw it
    there; when a whole reconcile has brought it there, the goal itself. ``period`` is when time alone does not
    change the goal. ``record`` tells whether somebody else has converged it since.
    """

    interface: Interface
    seen: Look | Goal
    period: Period
    record: Stamp


def new_peers(known: Known, interface: Interface, now: datetime) -> NewPeers | None:
    """What has changed since; None when it is more than peers, or nothing."""
    if not known.period.has(now) or replace(interface, peers=()) != replace(known.interface, peers=()):
        return None
    before, after = set(map(id, known.interface.peers)), set(map(id, interface.peers))
    come = tuple(each for each in interface.peers if id(each) not in before)
    gone = (each for each in known.interface.peers if id(each) not in after)
    keys = frozenset(each.public_key for each in (*come, *gone))
    return NewPeers(replace(interface, peers=come), keys) if keys else None
