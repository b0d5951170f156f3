"""Which addresses of an interface are free, told from the gaps between those that are taken.

A network is never counted through: the gaps of a /8 or a /64 with ten thousand peers are ten thousand numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from operator import itemgetter
from socket import AF_INET, inet_pton

from wgreconcile.desired.model import Interface
from wgreconcile.values import Address, Network

MOST_IPV4 = 65_534
"""As many as a /16 has: of a larger network the first ones are listed."""
MOST_IPV6 = 256
MOST_OF_EACH = 255
"""How many of each network v4.2 lists."""

Span = tuple[int, int]
"""First and last address, as numbers."""

_LAST_OCTETS = tuple(f"{each}/32" for each in range(256))


@dataclass(frozen=True, slots=True)
class Pool:
    """The addresses of one network of an interface that nobody holds; ``gaps`` are in order."""

    address: Address
    gaps: tuple[Span, ...]

    def first(self, most: int) -> list[str]:
        """The first ones as networks of one, ``10.7.0.4/32``."""
        gaps = _cut(self.gaps, most)
        return _ipv4(gaps) if self.address.version == 4 else _ipv6(gaps)

    def holds(self, network: Network) -> bool:
        """Whether ``network`` is one of them."""
        version, first, last = network.bounds
        if version != self.address.version or first != last:
            return False
        at = bisect_right(self.gaps, first, key=itemgetter(0)) - 1
        return at >= 0 and first <= self.gaps[at][1]

    @property
    def size(self) -> int:
        """How many there are."""
        return sum(last - first + 1 for first, last in self.gaps)


def pools(interface: Interface) -> tuple[Pool, ...]:
    """The free addresses of each network, in the order of the interface's addresses; no address is in two."""
    held = _held(interface)
    listed: dict[int, list[Span]] = {4: [], 6: []}
    found = []
    for address in interface.address:
        version, first, last = address.network.bounds
        hosts = _hosts(version, first, last)
        # What covers all of a network is a way out of it, and reserves none of its addresses.
        spans = [each for each in held[version] if first < each[0] <= last or first <= each[1] < last]
        spans += [each for each in held[version] if each[0] == each[1] == first == last]
        found.append(Pool(address, tuple(_gaps(*hosts, sorted(spans + listed[version])))))
        listed[version].append(hosts)
    return tuple(found)


def listed(found: Iterable[Pool]) -> list[str]:
    """Free addresses as v4.0 lists them: those of all networks, one after the other."""
    return [each for pool in found for each in pool.first(MOST_IPV4 if pool.address.version == 4 else MOST_IPV6)]


def by_address(found: Iterable[Pool]) -> dict[str, list[str]]:
    """Free addresses as v4.2 lists them, by the interface's address in that network."""
    return {str(pool.address): pool.first(MOST_OF_EACH) for pool in found}


def _held(interface: Interface) -> dict[int, list[Span]]:
    """Everything that somebody holds, by IP version: addresses and routed networks, also of disabled peers."""
    held: dict[int, list[Span]] = {4: [], 6: []}
    hosts, from_bytes = held[4], int.from_bytes
    for peer in interface.peers:
        for network in peer.allowed_ips:
            if network.endswith("/32"):  # of ten thousand peers nearly all, and three times faster
                number = from_bytes(inet_pton(AF_INET, network[:-3]), "big")
                hosts.append((number, number))
            else:
                version, *span = network.bounds
                held[version].append((span[0], span[1]))
    addresses = (*interface.address, *(each for peer in interface.peers for each in peer.client.address))
    for address in addresses:
        number = int(address.ip)
        held[address.version].append((number, number))
    return held


def _hosts(version: int, first: int, last: int) -> Span:
    """First and last address that a host may have: a network of one or two addresses has no others."""
    if last - first < 2:
        return first, last
    return first + 1, last - 1 if version == 4 else last


def _gaps(low: int, high: int, spans: Iterable[Span]) -> Iterator[Span]:
    """What is left between ``low`` and ``high`` by spans in order, which may overlap."""
    for first, last in spans:
        if first > high:
            break
        if first > low:
            yield low, first - 1
        if last >= low:
            low = last + 1
    if low <= high:
        yield low, high


def _cut(gaps: Iterable[Span], most: int) -> Iterator[Span]:
    """The gaps up to the address number ``most``."""
    for first, last in gaps:
        if last - first >= most - 1:
            yield first, first + most - 1
            return
        yield first, last
        most -= last - first + 1


def _ipv4(gaps: Iterable[Span]) -> list[str]:
    """Numbers as text, up to 256 at a time: they differ in the last part only."""
    found: list[str] = []
    block, start = -1, ""
    for first, last in gaps:
        while first <= last:
            if first >> 8 != block:
                block = first >> 8
                start = f"{block >> 16}.{block >> 8 & 255}.{block & 255}."
            end = min(last, first | 255)
            found += [start + each for each in _LAST_OCTETS[first & 255 : (end & 255) + 1]]
            first = end + 1
    return found


def _ipv6(gaps: Iterable[Span]) -> list[str]:
    return [f"{IPv6Address(each)}/128" for first, last in gaps for each in range(first, last + 1)]
