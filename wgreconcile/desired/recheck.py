"""The rules again after a small change of a sound state: only what the change can have broken is looked at.

Rules about peers are about one peer alone, or about two that share a public key or an allowed IP. So the change
of a few peers needs these and those that share something with them, whatever the number of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from datetime import datetime

from wgreconcile.desired import rules
from wgreconcile.desired.model import DesiredState, Interface
from wgreconcile.desired.rules import Finding
from wgreconcile.values import PublicKey

Touched = Mapping[str, Set[PublicKey]]
"""Peers that were added or changed, by the name of their interface."""


def recheck(before: DesiredState, after: DesiredState, touched: Touched, now: datetime) -> list[Finding]:
    """What is wrong with ``after``, given that nothing was wrong with ``before``.

    All is checked when an interface came or its own settings changed: those matter to every peer.
    """
    if any(_settings(before.find(each.name)) != _settings(each) for each in after.interfaces):
        return rules.check(after.interfaces, now)
    return rules.check([reduced(each, touched.get(each.name, frozenset())) for each in after.interfaces], now)


def _settings(interface: Interface | None) -> Interface | None:
    return replace(interface, peers=()) if interface else None


def reduced(interface: Interface, keys: Set[PublicKey]) -> Interface:
    """The interface with only the peers of these keys, and those that share something with them."""
    if not keys:
        return replace(interface, peers=())
    networks = {network for each in interface.peers if each.public_key in keys for network in each.allowed_ips}
    return replace(
        interface,
        peers=tuple(
            each
            for each in interface.peers
            if each.public_key in keys or not networks.isdisjoint(each.allowed_ips)
        ),
    )
