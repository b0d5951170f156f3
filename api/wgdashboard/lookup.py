"""Interfaces and peers by the names that clients use, or a refusal in the words that clients know."""

from __future__ import annotations

from datetime import datetime

from wgreconcile.api.refusal import Refusal
from wgreconcile.desired.model import DesiredState, Interface, Peer

NO_CONFIGURATION = "Configuration does not exist"


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
    found = interface.find(public_key) if interface else None
    if found is None or not found.is_active(now):
        raise Refusal(message)
    return found
