"""The safety valve: which plans are refused, and with what words."""

from __future__ import annotations

import pytest

from wgreconcile.errors import UnsafePlanError
from wgreconcile.planning.goal import goal_of_absence
from wgreconcile.planning.model import Baseline, Disruption, InterfacePlan, Plan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.safety import check

from .builders import applied, conf, many, plan

REMEDY = "look at the plan, and if that is meant use --force"


def refusal(*plans: InterfacePlan, **options: object) -> list[str]:
    """The reasons of a refusal; empty when the plan passes."""
    try:
        check(Plan(plans), **options)
    except UnsafePlanError as error:
        first, *reasons = str(error).splitlines()
        assert first == "refused, nothing was changed:"
        return reasons
    return []


def shrunk(before: int, after: int, name: str = "wg0", **options: bool) -> InterfacePlan:
    return plan(conf(*many(before)), conf(*many(after)), name, **options)


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (10, 7, False),
        (10, 6, True),
        (20, 14, False),
        (20, 13, True),
        (100, 0, True),
        (9, 0, False),
        (0, 100, False),
    ],
)
@pytest.mark.parametrize("live", [True, False])
def test_most_peers_stay(before: int, after: int, refused: bool, live: bool) -> None:
    expected = [f"wg0: {before - after} of {before} peers would be removed; {REMEDY}"] if refused else []
    assert refusal(shrunk(before, after, live=live)) == expected
    assert refusal(shrunk(before, after, live=live), force=True) == []


def test_replaced_peers_are_removed_peers() -> None:
    found = refusal(plan(conf(*many(10)), conf(*many(10, "10.65.0.{}/32")[:6])))
    assert found == [f"wg0: 4 of 10 peers would be removed; {REMEDY}"]


def test_peers_that_are_in_the_file_alone_do_not_count() -> None:
    """What a hand wrote into the file and nobody applied has no sessions to lose."""
    kept = conf(*many(10))
    observed = applied(kept)
    edited = applied(conf(*many(30)))
    found = plan_interface(
        plan(kept, kept).goal, type(observed)("wg0", edited.file, observed.live), Baseline(kept, applied=True)
    )
    assert found.changes
    assert refusal(found) == []


def test_a_whole_interface_goes_only_by_force() -> None:
    gone = plan_interface(goal_of_absence("wg0"), applied(conf(*many(3))), Baseline(conf(*many(3)), applied=True))
    assert refusal(gone) == [f"wg0: the interface with its 3 peers would be removed; {REMEDY}"]
    assert refusal(gone, force=True) == []


def test_switching_an_interface_off_is_no_removal() -> None:
    assert refusal(plan(conf(*many(20)), conf(*many(20)), up=False)) == []


def test_nothing_to_remove_is_no_removal() -> None:
    absent = plan_interface(goal_of_absence("wg0"), type(applied(conf()))("wg0"), Baseline())
    assert refusal(absent) == []


@pytest.mark.parametrize(
    ("after", "disruption", "what"),
    [
        (conf(*many(2), address=("10.64.1.1/24",)), "none", ""),
        (conf(*many(1)), "peer", "peer deleted, routes"),
        (conf(*many(2), listen_port=7), "interface", "listen_port"),
        (conf(*many(2), post_up=("true",)), "restart", "post_up"),
        (conf(*many(1), post_up=("true",), dns=("10.0.0.1",)), "restart", "dns, post_up"),
    ],
)
def test_no_more_disruption_than_allowed(after: object, disruption: str, what: str) -> None:
    made = plan(conf(*many(2)), after)
    found = {
        limit: refusal(made, max_disruption=Disruption[limit.upper()])
        for limit in ("none", "peer", "interface", "restart")
    }
    expected = {
        limit: [f"wg0: disruption {disruption} ({what}) is more than --max-disruption {limit}"]
        if Disruption[limit.upper()] < Disruption[disruption.upper()]
        else []
        for limit in found
    }
    assert found == expected


def test_force_lifts_no_limit_on_disruption() -> None:
    found = refusal(shrunk(20, 1), force=True, max_disruption=Disruption.NONE)
    assert [each.partition(" (")[0] for each in found] == ["wg0: disruption peer"]


def test_all_reasons_of_all_interfaces_are_told() -> None:
    found = refusal(shrunk(10, 6), shrunk(5, 0, "wg1"), shrunk(20, 0, "wg2"), max_disruption=Disruption.NONE)
    assert [each.split(":")[0] for each in found] == ["wg0", "wg0", "wg1", "wg2", "wg2"]
