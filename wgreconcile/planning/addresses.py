"""The order in which an interface holds its addresses, and which of them go to get there in place."""

from __future__ import annotations

from collections.abc import Sequence

from wgreconcile.values import Address, Network


def sources(addresses: Sequence[Address]) -> tuple[object, ...]:
    """What decides from which address packets are sent: the first IPv4 one, and the first of each IPv4 network.

    For IPv6 the order has no meaning (RFC 6724).
    """
    old_family = [each for each in addresses if each.version == 4]
    first_of: dict[Network, Address] = {}
    for each in old_family:
        first_of.setdefault(each.network, each)
    return (*old_family[:1], frozenset(first_of.values()))


def moved(live: Sequence[Address], goal: Sequence[Address]) -> tuple[Address, ...]:
    """Those of both that must go and come back, because the kernel appends what is added; mostly none."""
    kept = [each for each in live if each in goal]
    if sources([*kept, *(each for each in goal if each not in live)]) == sources(goal):
        return ()
    old_family = [each for each in goal if each.version == 4]
    return tuple(each for each in old_family[1:] if each in live)
