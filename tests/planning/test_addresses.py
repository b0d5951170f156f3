"""The order of addresses: what of it matters, and which addresses move for it."""

from __future__ import annotations

import pytest

from wgreconcile.planning.addresses import moved, sources
from wgreconcile.values import Address

A1, A9, B1, SIX, SIX_TOO = "10.7.0.1/24", "10.7.0.9/24", "10.8.0.1/24", "fd00:7::1/64", "fd00:7::9/64"


def parsed(*texts: str) -> tuple[Address, ...]:
    return tuple(map(Address.parse, texts))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((), (), True),
        ((A1, A9), (A9, A1), False),
        ((A1, B1), (B1, A1), False),
        ((A1, A9, B1), (A1, B1, A9), True),
        ((B1, A1, A9), (B1, A9, A1), False),
        ((SIX, SIX_TOO), (SIX_TOO, SIX), True),
        ((A1, SIX), (SIX, A1), True),
    ],
)
def test_the_order_of_sources(one: tuple[str, ...], other: tuple[str, ...], same: bool) -> None:
    assert (sources(parsed(*one)) == sources(parsed(*other))) is same


@pytest.mark.parametrize(
    ("live", "goal", "expected"),
    [
        ((A1,), (A1,), ()),
        ((A1,), (A1, A9, SIX), ()),
        ((A1, A9), (A1, A9), ()),
        ((A1, A9, B1), (A1, B1, A9), ()),
        ((B1, A1), (A1, A9), ()),
        ((A9, A1), (A1, B1), ()),
        ((A1, B1), (A1, A9, B1), ()),
        ((A1, A9), (A1,), ()),
        ((A1, A9), (A9,), ()),
        ((A1, A9), (A9, A1), (A1,)),
        ((A9,), (A1, A9), (A9,)),
        ((A1, B1), (B1, A1, A9), (A1,)),
        ((SIX, SIX_TOO), (SIX_TOO, SIX), ()),
    ],
)
def test_addresses_that_go_and_come_back(
    live: tuple[str, ...], goal: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    back = moved(parsed(*live), parsed(*goal))
    assert back == parsed(*expected)
    kept = [each for each in parsed(*live) if each in parsed(*goal) and each not in back]
    come = [each for each in parsed(*goal) if each not in kept]
    assert sources([*kept, *come]) == sources(parsed(*goal))
