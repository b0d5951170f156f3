"""The addresses that new peers get: those that a client asks for, or the next that are free."""

from __future__ import annotations

from itertools import islice

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.wgdashboard.addresses import MOST_IPV4, MOST_IPV6, Held, is_free, pools
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Interface
from wgreconcile.values import Network

MOST_PEERS = 65_536
"""As many as WireGuard takes on one interface."""

_NONE_LEFT = "No more available IP can assign"


def chosen_addresses(draft: Draft, name: str, wanted: list[str] | str | None) -> tuple[Network, ...]:
    """The addresses that a client asks for, or the next free one. Raise Refusal when one is not free."""
    interface = draft.interface(name)
    if not wanted:
        found = [each for pool in pools(interface) for each in pool.first(1)]
        if not found or len(interface.peers) >= MOST_PEERS:
            raise Refusal(_NONE_LEFT)
        return (Network(found[0]),)
    # A text is no list: like v4.0, this goes through its characters, none of which is an address.
    return tuple(_free_address(draft, interface, each.strip()) for each in wanted)


def next_addresses(interface: Interface, amount: int) -> list[Network]:
    """The next free addresses, of the first network first. Raise Refusal when there are not as many."""
    free = pools(interface)
    number = sum(min(each.size, MOST_IPV4 if each.address.version == 4 else MOST_IPV6) for each in free)
    number = min(number, MOST_PEERS - len(interface.peers))
    if not interface.address:
        raise Refusal(_NONE_LEFT)
    if amount > number:
        raise Refusal(f"The maximum number of peers can add is {max(number, 0)}")
    listed = (each for pool in free for each in pool.first(amount))
    return list(map(Network, islice(listed, amount)))


def _free_address(draft: Draft, interface: Interface, text: str) -> Network:
    try:
        network = Network.parse(text)
    except ValueError:
        network = None
    if network is None or not _is_free(draft, interface, network):
        raise Refusal(f"This IP is not available: {text}")
    return network


def _is_free(draft: Draft, interface: Interface, network: Network) -> bool:
    """Most often it was free before the changes, which is looked at once for all of them, and still is."""
    before, changed = draft.once(interface.name, _held_before), Held(draft.changed(interface.name))
    if is_free(interface.address, network, (before, changed)):
        return True
    return is_free(interface.address, network, [Held(interface.peers)])


def _held_before(interface: Interface) -> Held:
    return Held(interface.peers)
