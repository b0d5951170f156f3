"""Addresses between two numbers as text, tens of thousands at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address

Span = tuple[int, int]
"""First and last address, as numbers."""

_LAST_OCTETS = tuple(f"{each}/32" for each in range(256))


def hosts_in(spans: Iterable[Span], version: int, most: int) -> list[str]:
    """The first addresses in spans as networks of one, ``10.7.0.4/32``, at most so many."""
    cut = _cut(spans, most)
    return _ipv4(cut) if version == 4 else _ipv6(cut)


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
