"""Edits of peers that clients ask for as well as schedules: keep off the interface, let back in, delete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Peer, Schedule

Ended = tuple[Peer, Schedule]
"""A schedule that has come to its end, and whose it was."""


@dataclass(frozen=True, slots=True)
class Enabled:
    """What became of peers that were to be let back in.

    ``ended`` are schedules that would have kept one off again at once. ``refused`` is the key of the first peer
    that nothing kept off, which may be nobody's; None when there is none.
    """

    ended: tuple[Ended, ...]
    refused: str | None


def disable_peers(draft: Draft, name: str, public_keys: Iterable[str]) -> list[Peer]:
    """Keep peers in the state only; returns those that were on the interface."""
    peers = _found(draft, name, public_keys)
    active = [each for each in peers if each.is_active(draft.now)]
    draft.put_peers(name, [replace(each, enabled=False) for each in active])
    return active


def enable_peers(draft: Draft, name: str, public_keys: Iterable[str]) -> Enabled:
    """Put peers back on the interface, whatever keeps them off, up to the first that nothing does."""
    interface, kept_off, refused = draft.interface(name), dict[str, Peer](), None
    for key in public_keys:
        peer = interface.find(key)
        if peer is None or peer.is_active(draft.now) or key in kept_off:
            refused = key
            break
        kept_off[key] = peer
    draft.put_peers(name, (_enabled(each, draft.now) for each in kept_off.values()))
    due = ((peer, each) for peer in kept_off.values() for each in peer.schedules if each.is_due(draft.now))
    return Enabled(tuple(due), refused)


def delete_peers(draft: Draft, name: str, public_keys: Iterable[str]) -> list[Peer]:
    """Remove peers, whether they are on the interface or not; returns those that there were."""
    peers = _found(draft, name, public_keys)
    draft.remove_peers(name, [each.public_key for each in peers])
    return peers


def _found(draft: Draft, name: str, public_keys: Iterable[str]) -> list[Peer]:
    interface = draft.interface(name)
    return [peer for key in sorted(set(public_keys)) if (peer := interface.find(key))]


def _enabled(peer: Peer, now: datetime) -> Peer:
    expires = peer.expires if peer.expires and peer.expires > now else None
    schedules = tuple(each for each in peer.schedules if not each.is_due(now))
    return replace(peer, enabled=True, expires=expires, schedules=schedules)


def end_schedules(draft: Draft, name: str, ended: Iterable[Ended]) -> None:
    """Keep peers in the state only, as a schedule of each has asked, which ends with that."""
    put = [
        replace(peer, enabled=False, schedules=tuple(each for each in peer.schedules if each != schedule))
        for peer, schedule in ended
    ]
    if put:
        draft.put_peers(name, put)
