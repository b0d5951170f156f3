"""Differences: none of a thing with itself, and whose fault the others are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ConfFile, ObservedInterface
from wgreconcile.planning.diff import diff
from wgreconcile.planning.model import Action, Baseline, Cause, Disruption, Goal, Place

from .builders import applied, conf, goal, many, peer
from .model_host import ModelHost
from .worlds import World, confs, worlds

PLAIN = conf(peer("ann", "10.7.0.2/32", "192.168.5.0/24"), address=("10.7.0.1/24",), mtu=1400, listen_port=7)


@settings(max_examples=100, deadline=None)
@given(confs())
def test_nothing_differs_from_itself(found: Conf) -> None:
    for baseline in (Baseline(found, applied=True), Baseline(found)):
        assert diff(goal(found), applied(found), baseline) == ()


@settings(max_examples=50, deadline=None)
@given(confs())
def test_nothing_differs_from_itself_while_it_is_down(found: Conf) -> None:
    down = replace(applied(found), live=None)
    assert diff(goal(found, up=False), down, Baseline(found, applied=True, up=False)) == ()


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_every_change_is_worth_its_name(world: World) -> None:
    for each in diff(world.goal, world.observed, world.baseline):
        assert each.interface == "wg0"
        assert each.before != each.after or each.field == "default_routes"
        assert each.place is Place.LIVE or each.disruption is Disruption.NONE
        assert each.action is not Action.CREATE or each.disruption is Disruption.NONE
        assert each.cause is not Cause.NEW or not world.baseline.applied
        assert world.goal.live or each.place is Place.FILE or each.field == ""


def causes(wanted: Conf, observed: ObservedInterface, baseline: Baseline) -> dict[tuple[str, str], str]:
    return {(each.place.value, each.field): each.cause.value for each in diff(goal(wanted), observed, baseline)}


@pytest.mark.parametrize(
    ("was_applied", "cause"),
    [(PLAIN, "changed live"), (replace(PLAIN, mtu=1300), "changed in state"), (None, "never applied")],
)
def test_cause_of_a_live_difference(was_applied: Conf | None, cause: str) -> None:
    host = ModelHost(applied(PLAIN))
    host.change(mtu=1280)
    baseline = Baseline(was_applied, applied=True) if was_applied else Baseline(PLAIN)
    assert causes(PLAIN, host.observed, baseline) == {("live", "mtu"): cause}


@pytest.mark.parametrize(
    ("was_applied", "cause"),
    [(PLAIN, "edited on disk"), (replace(PLAIN, mtu=1300), "changed in state"), (None, "never applied")],
)
def test_cause_of_a_difference_on_disk(was_applied: Conf | None, cause: str) -> None:
    file = ConfFile("wg0.conf", 0o600, (goal(PLAIN).text or "").replace("MTU = 1400", "MTU = 1280"))
    baseline = Baseline(was_applied, applied=True) if was_applied else Baseline(PLAIN)
    assert causes(PLAIN, replace(applied(PLAIN), file=file), baseline) == {("file", "mtu"): cause}


def test_cause_in_two_places_is_told_for_each() -> None:
    """The state changed, and besides somebody touched the same field on the live interface."""
    after = replace(PLAIN, mtu=1380)
    host = ModelHost(applied(PLAIN))
    host.change(mtu=1280)
    found = causes(after, host.observed, Baseline(PLAIN, applied=True))
    assert found == {("file", "mtu"): "changed in state", ("live", "mtu"): "changed in state"}


def test_cause_of_routes_that_a_peer_lost_or_gets() -> None:
    host = ModelHost(applied(PLAIN))
    host.change(routes=frozenset())
    assert causes(PLAIN, host.observed, Baseline(PLAIN, applied=True)) == {("live", "routes"): "changed live"}
    more = conf(peer("ann", "10.7.0.2/32", "192.168.5.0/24", "172.16.0.0/12"), address=("10.7.0.1/24",), mtu=1400)
    found = causes(more, applied(PLAIN), Baseline(PLAIN, applied=True))
    assert found[("live", "routes")] == "changed in state"


@pytest.mark.parametrize(("up", "cause"), [(True, Cause.LIVE), (False, Cause.STATE)])
def test_cause_of_an_interface_that_is_down(up: bool, cause: Cause) -> None:
    down = replace(applied(PLAIN), live=None)
    (change,) = diff(goal(PLAIN), down, Baseline(PLAIN, applied=True, up=up))
    assert (change.action, change.cause, change.place) == (Action.CREATE, cause, Place.LIVE)


def test_without_an_opinion_on_what_is_live_only_the_file_counts() -> None:
    offline = Goal("wg0", goal(PLAIN).text, PLAIN)
    file = ObservedInterface("wg0", ConfFile("wg0.conf", 0o644, "[Interface]\n"))
    found = diff(offline, file, Baseline(Conf()))
    assert {each.place for each in found} == {Place.FILE}
    assert {each.field for each in found} == {"mode", "private_key", "address", "listen_port", "mtu", ""}


def test_a_file_without_meaning_is_one_change_which_says_where() -> None:
    broken = replace(applied(PLAIN), file=ConfFile("wg0.conf", 0o600, "[Interface]\nMTU = x\nMTU = y\n"))
    (change,) = diff(goal(PLAIN), broken, Baseline(PLAIN, applied=True))
    assert change.before == "unreadable: wg0.conf:2: mtu: 'x' is not a number from 0 to 65535"
    assert (change.field, change.after) == ("text", "(rendered)")


def test_the_text_that_is_wanted_is_not_parsed() -> None:
    """Ten thousand peers that are as they shall be cost one comparison of text."""

    class Unparsed(ConfFile):
        @property
        def conf(self) -> Conf:
            raise AssertionError("parsed")

    wanted = conf(*many(10))
    same = replace(applied(wanted), file=Unparsed("wg0.conf", 0o600, goal(wanted).text or ""))
    assert diff(goal(wanted), same, Baseline(wanted, applied=True)) == ()
