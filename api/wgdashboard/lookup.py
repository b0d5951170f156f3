"""Interfaces and peers by the names that clients use, or a refusal in the words that clients know."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from operator import attrgetter

from wgreconcile.api.refusal import Refusal
from wgreconcile.desired.model import DesiredState, Interface, Peer

NO_CONFIGURATION = "Configuration does not exist"

_public_key = attrgetter("public_key")


def require_interface(state: DesiredState, name: str, message: str | None = NO_CONFIGURATION) -> Interface:
    """The interface of that name. Raise Refusal with ``message``."""
    found = state.find(name)
    if found is None:
        raise Refusal(message)
    return found


def require_peer(state: DesiredState, name: str, public_key: str, now: datetime, message: str) -> Peer:
    """The peer of that key on the interface of that name. A restricted one is not there, for a client of v4.0.

    Raise Refusal with ``message``.
    """
    interface = state.find(name)
    found = find_peer(interface, public_key) if interface else None
    if found is None or not found.is_active(now):
        raise Refusal(message)
    return found


def find_peer(interface: Interface, public_key: str) -> Peer | None:
    """The peer of that key, restricted or not."""
    at = bisect_left(interface.peers, public_key, key=_public_key)
    found = interface.peers[at : at + 1]
    return found[0] if found and found[0].public_key == public_key else None
