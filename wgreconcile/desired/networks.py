"""Which of many networks a network lies in, by dictionary: ``ipaddress`` takes a second for 10,000 peers."""

from __future__ import annotations

from collections.abc import Iterable

from wgreconcile.values import Address, Network

BITS = {4: 32, 6: 128}


class Networks:
    """Networks with their owners."""

    def __init__(self, owned: Iterable[tuple[Network, str]]) -> None:
        self._owners: dict[tuple[int, int], dict[int, tuple[Network, str]]] = {}
        for network, owner in owned:
            version, number, length = numbers(network)
            same_length = self._owners.setdefault((version, length), {})
            same_length.setdefault(number >> (BITS[version] - length), (network, owner))
        # Longest first: the most specific network is the one that routes.
        self._lengths = sorted(self._owners, reverse=True)

    def around(self, network: Network) -> tuple[Network, str] | None:
        """The smallest of the networks that ``network`` lies in or equals, and its owner."""
        version, number, length = numbers(network)
        for key in self._lengths:
            if key[0] == version and key[1] <= length:
                found = self._owners[key].get(number >> (BITS[version] - key[1]))
                if found is not None:
                    return found
        return None

    def has_version(self, version: int) -> bool:
        """Whether any of the networks is of this IP version."""
        return any(key[0] == version for key in self._lengths)


def numbers(network: Network) -> tuple[int, int, int]:
    """Version, first address and length of a network."""
    version, first, last = network.bounds
    return version, first, BITS[version] - (last - first).bit_length()


def is_host(network: Network) -> bool:
    """Whether the network is a single address."""
    return network.endswith("/128" if network.version == 6 else "/32")


def host_of(address: Address) -> Network:
    """The address alone, as a network of one."""
    return Network(f"{address.partition('/')[0]}/{BITS[address.version]}")


def is_link_local(network: Network) -> bool:
    """Whether the network is one that every link has for itself (RFC 3927, RFC 4291)."""
    version, number, _ = numbers(network)
    return number >> 118 == 0xFE80 >> 6 if version == 6 else number >> 16 == 0xA9FE
