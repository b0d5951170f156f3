"""Plans: which way of carrying changes out is taken, and what a plan counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ConfFile, ObservedInterface
from wgreconcile.planning.goal import goal_of_absence
from wgreconcile.planning.model import (
    Baseline,
    Disruption,
    InterfacePlan,
    Plan,
    RemovePeers,
    SetPeers,
    SyncConf,
    TakeDown,
    WriteFile,
)
from wgreconcile.planning.plan import MANY_PEERS, plan_interface

from .builders import applied, conf, goal, many, peer, plan
from .model_host import ModelHost


def kinds(made: InterfacePlan) -> list[str]:
    return [type(each).__name__ for each in made.steps]


def step(made: InterfacePlan, kind: type) -> object:
    (found,) = [each for each in made.steps if isinstance(each, kind)]
    return found


@pytest.mark.parametrize(
    ("peers", "changed", "expected"),
    [(1, 1, "SetPeers"), (2, 1, "SetPeers"), (2, 2, "SyncConf"), (10, 5, "SetPeers"), (10, 6, "SyncConf")],
)
def test_when_most_peers_change_one_sync_is_taken(peers: int, changed: int, expected: str) -> None:
    before = many(peers)
    after = [replace(each, persistent_keepalive=25) for each in before[:changed]]
    assert kinds(plan(conf(*before), conf(*after, *before[changed:]))) == ["WriteFile", expected]


def test_exact_changes_name_exactly_the_peers_that_change() -> None:
    before = many(10)
    after = [replace(before[0], persistent_keepalive=25), *before[1:8], peer("new", endpoint="192.0.2.1:1")]
    made = plan(conf(*before), conf(*after))
    assert {each.name for each in step(made, SetPeers).peers} == {"peer 0", "new"}
    assert set(step(made, RemovePeers).public_keys) == {each.public_key for each in before[8:]}


def test_an_exact_change_leaves_the_endpoint_alone() -> None:
    before = [peer("ann", endpoint="192.0.2.1:1"), peer("bob"), peer("cat")]
    after = [replace(before[0], persistent_keepalive=25), *before[1:]]
    assert [each.endpoint for each in step(plan(conf(*before), conf(*after)), SetPeers).peers] == [None]
    moved = [peer("ann", endpoint="192.0.2.2:2"), *before[1:]]
    assert [each.endpoint for each in step(plan(conf(*before), conf(*moved)), SetPeers).peers] == ["192.0.2.2:2"]


def test_a_sync_names_every_peer() -> None:
    before = many(30)
    made = plan(conf(*before), conf(*before, private_key=replace(conf()).private_key, listen_port=9))
    assert len(step(made, SyncConf).conf.peers) == 30


@pytest.mark.parametrize(("peers", "emptied"), [(MANY_PEERS, False), (MANY_PEERS + 1, True)])
@pytest.mark.parametrize("restart", [True, False])
def test_an_interface_with_many_peers_is_emptied_before_it_goes(peers: int, emptied: bool, restart: bool) -> None:
    found = conf(*(peer(str(number)) for number in range(peers)), listen_port=7, fwmark=9)
    made = plan(found, replace(found, post_up=("new",)), up=restart)
    left = step(made, TakeDown).emptied
    assert (left is not None) is emptied
    assert left is None or left == Conf(found.private_key, listen_port=7, fwmark=9)


def test_what_is_left_of_an_emptied_interface_lets_wg_quick_find_its_rules() -> None:
    gate = peer("gate", "0.0.0.0/0", endpoint="192.0.2.1:1")
    found = conf(gate, *(peer(str(number)) for number in range(MANY_PEERS)), listen_port=7)
    left = step(plan(found, found, up=False), TakeDown).emptied
    assert left == Conf(found.private_key, listen_port=7, fwmark=51820, peers=(gate,))


def test_without_any_private_key_an_interface_goes_as_it_is() -> None:
    host = ModelHost(applied(conf(*(peer(str(number)) for number in range(MANY_PEERS + 1)))))
    host.change(private_key=None)
    made = plan_interface(goal_of_absence("wg0"), host.observed, Baseline(Conf(), applied=True))
    assert step(made, TakeDown).emptied is None


def test_the_file_comes_first_and_goes_last() -> None:
    assert kinds(plan(conf(post_up=("a",)), conf(post_up=("b",)))) == ["WriteFile", "TakeDown", "BringUp"]
    gone = plan_interface(goal_of_absence("wg0"), applied(conf()), Baseline(conf(), applied=True))
    assert kinds(gone) == ["TakeDown", "RemoveFile"]


def test_the_old_hooks_take_down_and_the_new_ones_bring_up() -> None:
    old, new = conf(post_up=("old",), post_down=("old",)), conf(post_up=("new",), post_down=("new",))
    made = plan(old, new)
    assert step(made, TakeDown).conf == old
    assert made.steps[-1].conf == new


def test_what_a_file_alone_needs_disturbs_nothing() -> None:
    made = plan(conf(post_down=("old",)), conf(post_down=("new",)))
    assert (kinds(made), made.disruption) == (["WriteFile"], Disruption.NONE)
    assert step(made, WriteFile).text == made.goal.text


@pytest.mark.parametrize(
    ("before", "after", "live", "expected"),
    [
        (3, 3, True, (4, 0, 3, 0)),
        (3, 4, True, (5, 1, 3, 0)),
        (4, 3, True, (5, 1, 4, 1)),
        (4, 3, False, (5, 2, 4, 1)),
        (0, 2, True, (3, 2, 0, 0)),
    ],
)
def test_counts(before: int, after: int, live: bool, expected: tuple[int, ...]) -> None:
    made = plan(conf(*many(before)), conf(*many(after)), live=live)
    counted = (made.subjects, made.changed_subjects, made.peers_before, made.peers_removed)
    assert counted == expected


def test_counts_of_an_unreadable_file_and_of_none() -> None:
    for file in (ConfFile("wg0.conf", 0o600, "<html>"), None):
        found = ObservedInterface("wg0", file)
        assert plan_interface(goal(conf(*many(3))), found, Baseline()).peers_before == 0


def test_a_plan_of_all_interfaces_is_as_bad_as_its_worst() -> None:
    quiet, loud = plan(conf(mtu=1), conf(mtu=2)), plan(conf(dns=("a",)), conf(dns=("b",)), "wg1")
    made = Plan((plan(conf(), conf(), "wg2"), quiet, loud))
    assert (made.disruption, made.is_empty) == (Disruption.RESTART, False)
    assert list(made.changes) == [*quiet.changes, *loud.changes]
    assert Plan((plan(conf(), conf()),)).is_empty
    assert (Plan().is_empty, Plan().disruption) == (True, Disruption.NONE)


def test_disruptions_print_as_words_and_compare_as_numbers() -> None:
    assert [str(each) for each in sorted(Disruption)] == ["none", "peer", "interface", "restart"]
