"""Plans for people: what is printed, word for word, and that no key is among it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ConfFile, Route, Rule
from wgreconcile.planning.goal import goal_of_absence
from wgreconcile.planning.model import Action, Baseline, Cause, Change, Disruption, InterfacePlan, Place, Plan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.render import render_conf
from wgreconcile.planning.report import MOST_PEERS, recap, report, symbol
from wgreconcile.values import Network

from ..observed.strategies import public_key, secret_key
from .builders import applied, conf, goal, many, peer, plan

ANN, BOB = public_key("ann"), public_key("bob")


def printed(*plans: InterfacePlan, **others: tuple[str, ...]) -> list[str]:
    return list(report(Plan(plans, **others), lambda colour, text: text))


def change(**values: object) -> Change:
    """A change of the live interface's MTU, unless told otherwise."""
    given = {"place": Place.LIVE, "action": Action.UPDATE, "field": "mtu", "before": 1420, "after": 1380}
    return Change(**{"interface": "wg0", "cause": Cause.STATE} | given | values)


def hunks(*changes: Change) -> list[str]:
    return printed(InterfacePlan("wg0", goal(conf()), changes))[2:]


def test_an_empty_plan_says_nothing() -> None:
    assert printed(plan(conf(), conf())) == []


def test_a_change_on_disk_and_live_is_told_once() -> None:
    before = conf(peer("ann", "10.7.0.2/32", preshared_key=secret_key("old")), address=("10.7.0.1/24",), mtu=1420)
    after = conf(
        peer("ann", "10.7.0.2/32", "10.8.0.0/16", preshared_key=secret_key("new"), persistent_keepalive=25),
        peer("bob", "10.7.0.3/32", endpoint="192.0.2.1:1", preshared_key=secret_key("new")),
        address=("10.7.0.1/24", "fd00:7::1/64"),
        mtu=1380,
    )
    assert printed(plan(before, after)) == [
        "--- wg0 (observed)",
        "+++ wg0 (desired)",
        "@@ ~ interface wg0 @@ changed in state; disruption: none",
        "-address = 10.7.0.1/24",
        "+address = 10.7.0.1/24, fd00:7::1/64",
        "-mtu = 1420",
        "+mtu = 1380",
        f"@@ ~ peer ann {ANN} @@ changed in state; disruption: peer",
        "-preshared_key = (secret)",
        "+preshared_key = (secret)",
        "-allowed_ips = 10.7.0.2/32",
        "+allowed_ips = 10.7.0.2/32, 10.8.0.0/16",
        "+persistent_keepalive = 25",
        "+routes = 10.8.0.0/16   (live)",
        f"@@ + peer bob {BOB} @@ changed in state; disruption: none",
        f"+public_key = {BOB}",
        "+preshared_key = (secret)",
        "+allowed_ips = 10.7.0.3/32",
        "+endpoint = 192.0.2.1:1",
    ]


def test_what_is_removed() -> None:
    before = conf(peer("ann", "192.168.5.0/24", preshared_key=secret_key("old")), listen_port=7)
    assert printed(plan(before, conf(listen_port=7))) == [
        "--- wg0 (observed)",
        "+++ wg0 (desired)",
        f"@@ - peer ann {ANN} @@ changed in state; disruption: peer",
        f"-public_key = {ANN}",
        "-preshared_key = (secret)",
        "-allowed_ips = 192.168.5.0/24",
        "-routes = 192.168.5.0/24   (live)",
    ]


def test_drift_in_one_place_names_it() -> None:
    found = conf(peer("ann", "10.7.0.2/32"), listen_port=7)
    observed = applied(found)
    edited = ConfFile("wg0.conf", 0o644, render_conf(replace(found, post_up=("reboot",))))
    live = replace(observed.live, listen_port=9) if observed.live else None
    drifted = replace(observed, file=edited, live=live)
    assert printed(plan_interface(goal(found), drifted, Baseline(found, applied=True)))[2:] == [
        "@@ ~ interface wg0 @@ changed live, edited on disk; disruption: interface",
        "-mode = 0644   (file)",
        "+mode = 0600   (file)",
        "-post_up = reboot   (file)",
        "-listen_port = 9   (live)",
        "+listen_port = 7   (live)",
    ]


def test_first_apply_restart_and_removal() -> None:
    never = plan_interface(goal(conf()), replace(applied(conf()), file=None, live=None), Baseline())
    assert printed(never)[2:] == [
        "@@ + interface wg0 @@ never applied; disruption: none",
        "+wg0.conf   (file)",
        "+private_key = (secret)   (file)",
        "+up   (live)",
    ]
    restarted = plan(conf(post_up=("old",)), conf(post_up=("new", "newer"), dns=("10.7.0.1",)))
    assert printed(restarted)[2:] == [
        "@@ -/+ interface wg0 @@ changed in state; disruption: restart",
        "+dns = 10.7.0.1",
        "-post_up = old",
        "+post_up = new",
        "+post_up = newer",
    ]
    gone = plan_interface(goal_of_absence("wg0"), applied(conf()), Baseline(conf(), applied=True))
    assert printed(gone)[2:] == [
        "@@ - interface wg0 @@ changed in state; disruption: restart",
        "-wg0.conf   (file)",
        "-up   (live)",
    ]


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (
            {"field": "save_config", "before": True, "after": False},
            ["-save_config = true", "+save_config = false"],
        ),
        ({"field": "fwmark", "before": 0, "after": 0x1234}, ["-fwmark = 0", "+fwmark = 4660"]),
        ({"before": None, "after": "automatic"}, ["+mtu = automatic"]),
        (
            {
                "field": "routes",
                "before": (),
                "after": (Route(Network("10.0.0.0/8")), Route(Network("::/0"), "7")),
            },
            ["+routes = 10.0.0.0/8", "+routes = ::/0 table 7"],
        ),
        (
            {"field": "rules", "before": (), "after": (Rule(4, 51820), Rule(6, 0))},
            ["+rules = IPv4 not fwmark 51820", "+rules = IPv6 main without its default route"],
        ),
        (
            {"field": "post_up", "before": ("caf\udce9 \x1b[2J", "a\nb"), "after": ()},
            ["-post_up = caf\\udce9 \\x1b[2J", "-post_up = a\\nb"],
        ),
    ],
)
def test_values(values: dict[str, object], lines: list[str]) -> None:
    assert [each.removesuffix("   (live)") for each in hunks(change(**values))[1:]] == lines


def test_a_name_from_a_file_does_not_steer_the_terminal() -> None:
    head = hunks(change(peer=ANN, name="caf\udce9\x1b]0;x\x07"))[0]
    assert head == f"@@ ~ peer caf\\udce9\\x1b]0;x\\x07 {ANN} @@ changed in state; disruption: none"
    assert head.encode()


def test_peers_stand_in_the_order_of_their_names() -> None:
    after = conf(*(peer(name) for name in ("zoe", "ann", "bob")))
    heads = [line.split()[3] for line in printed(plan(conf(), after)) if line.startswith("@@")]
    assert heads == ["ann", "bob", "zoe"]


@pytest.mark.parametrize(("count", "told"), [(MOST_PEERS, None), (MOST_PEERS + 2, 2)])
def test_of_many_peers_only_the_first_are_printed(count: int, told: int | None) -> None:
    lines = printed(plan(conf(), conf(*many(count))))
    assert sum(1 for each in lines if each.startswith("@@ + peer")) == MOST_PEERS
    rest = [f"@@ and {told} more peers; -o json names them all @@"] if told else []
    assert [each for each in lines if "more peers" in each] == rest


def test_what_is_left_alone_is_told() -> None:
    assert printed(orphaned=("wg8", "wg9"), unmanaged=("eth", "wg7")) == [
        "no longer in the state, left as it is (--prune removes it): wg8, wg9",
        "unmanaged, never touched: eth, wg7",
    ]


def test_every_line_is_painted_in_its_colour() -> None:
    seen: list[tuple[str, str]] = []

    def paint(colour: str, text: str) -> str:
        seen.append((colour, text[0]))
        return text.upper()

    lines = list(report(Plan((plan(conf(mtu=1400), conf(mtu=1380)),), orphaned=("wg9",)), paint))
    assert seen == [("head", "-"), ("head", "+"), ("hunk", "@"), ("remove", "-"), ("add", "+"), ("warn", "n")]
    assert lines == [each.upper() for each in lines]


def test_no_key_is_printed() -> None:
    secrets = [secret_key(label) for label in ("wg0", "new", "psk", "other psk")]
    old = conf(peer("ann", preshared_key=secrets[2]), peer("bob", preshared_key=secrets[2]))
    new = conf(
        peer("ann", preshared_key=secrets[3]), peer("cat", preshared_key=secrets[3]), private_key=secrets[1]
    )
    unreadable = replace(applied(old), file=ConfFile("wg0.conf", 0o600, f"[Interface]\n{secrets[0].reveal()}\n"))
    broken = plan_interface(goal(new), unreadable, Baseline(old, applied=True))
    for made in (plan(old, new), broken):
        text = "\n".join([*printed(made), repr(made), str(made)])
        assert "(secret)" in text
        assert not any(each.reveal()[:20] in text for each in secrets)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([change()], "~"),
        ([change(field="", action=Action.CREATE)], "+"),
        ([change(field="", action=Action.DELETE)], "-"),
        ([change(), change(field="", action=Action.CREATE)], "+"),
        ([change(field="", action=Action.CREATE), change(field="", action=Action.DELETE)], "~"),
        ([change(disruption=Disruption.RESTART)], "-/+"),
        ([change(field="", action=Action.DELETE, disruption=Disruption.RESTART)], "-"),
    ],
)
def test_symbols(changes: list[Change], expected: str) -> None:
    assert symbol(changes) == expected


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ((5, 1, 0), "wg0             : ok=4 changed=1 failed=0"),
        ((5, 0, 0), "wg0             : ok=5 changed=0 failed=0"),
        ((1, 0, 1), "wg0             : ok=0 changed=0 failed=1"),
        ((1, 1, 1), "wg0             : ok=0 changed=1 failed=1"),
    ],
)
def test_recap(counts: tuple[int, int, int], line: str) -> None:
    assert recap("wg0", *counts) == line


def test_subjects_are_the_interface_and_its_peers() -> None:
    made = plan(conf(*many(3), mtu=1400), conf(*many(4)[1:], mtu=1380))
    assert (made.subjects, made.changed_subjects) == (5, 3)
    assert isinstance(made.goal.conf, Conf)
