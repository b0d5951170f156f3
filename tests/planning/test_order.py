"""The order of interfaces: nobody takes what another one still has, as long as there is a way round."""

from __future__ import annotations

import pytest

from wgreconcile.observed.conf import Conf
from wgreconcile.planning.model import InterfacePlan
from wgreconcile.planning.order import in_order

from .builders import applied, conf, peer, plan

A, B = peer("ann", "10.20.0.0/24"), peer("bob", "10.30.0.0/24")


def order(*changes: tuple[str, Conf, Conf | None]) -> list[str]:
    """The names in order; None goes down."""
    plans: list[InterfacePlan] = []
    live = {}
    for name, before, after in changes:
        plans.append(plan(before, after or before, name, up=after is not None))
        live[name] = applied(before, name).live
    return [each.name for each in in_order(plans, live)]


def test_without_a_reason_names_decide() -> None:
    assert order(("wg1", conf(), conf(mtu=1300)), ("wg0", conf(), conf(mtu=1300))) == ["wg0", "wg1"]


def test_what_goes_down_goes_first() -> None:
    assert order(("wg0", conf(), conf(mtu=1300)), ("wg1", conf(), None)) == ["wg1", "wg0"]


@pytest.mark.parametrize(
    ("before", "after", "taking"),
    [
        (conf(A, B), conf(B), (conf(), conf(A))),
        (conf(A, B), conf(B, post_up=("x",)), (conf(), conf(A))),
        (conf(A, B), conf(B), (conf(), conf(A, post_up=("x",)))),
        (conf(listen_port=1), conf(listen_port=2), (conf(listen_port=3), conf(listen_port=1))),
        (conf(listen_port=1), conf(listen_port=2, dns=("a",)), (conf(listen_port=3), conf(listen_port=1))),
        (conf(listen_port=1), conf(listen_port=2), (conf(listen_port=3), conf(listen_port=1, dns=("a",)))),
    ],
)
def test_who_gives_goes_before_who_takes(before: Conf, after: Conf, taking: tuple[Conf, Conf]) -> None:
    for giver, taker in (("wg0", "wg1"), ("wg1", "wg0")):
        assert order((giver, before, after), (taker, *taking)) == [giver, taker]


def test_a_chain_is_followed_to_its_end() -> None:
    ports = [(f"wg{number}", conf(listen_port=number), conf(listen_port=number + 1)) for number in range(1, 5)]
    assert order(*ports) == ["wg4", "wg3", "wg2", "wg1"]


def test_an_exchange_has_no_order() -> None:
    one, other = ("wg0", conf(A), conf(B)), ("wg1", conf(B), conf(A))
    assert order(other, one) == ["wg0", "wg1"]
