"""kill -9 at every step of an apply: the next run converges, and runs the hooks of the right file only."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .scenario import CONF, HOOK_LOG, SECRETS, VAR, Document, Scenario, interface, peer, private_key
from .scenario_killing import ALONE, BOTH, WGRECONCILE, apply_until, points, prepare
from .testhost import Host

MakeHost = Callable[[str], Host]

ALICE = peer("alice", "10.9.0.2/32", "10.20.0.0/24")
BOB = peer("bob", "10.9.0.3/32", preshared_key=private_key("psk"))
CAROL = peer("carol", "10.9.0.4/32", "10.40.0.0/24", persistent_keepalive=20)


def hooks(version: str) -> Document:
    """Hooks of all kinds that log themselves and then are a step of their own."""
    return {
        kind: [f"echo {version} {kind} >>{HOOK_LOG}", "nft list tables >/dev/null"]
        for kind in ("pre_up", "post_up", "pre_down", "post_down")
    }


OLD = interface(ALICE, BOB, mtu=1400, address=["10.9.0.1/24"], **hooks("old"))
NEW = interface(ALICE, BOB, mtu=1300, address=["10.9.0.1/24"], **hooks("new"))

CAME_UP = "({0}-up ({0}-up[.] )?({0}-down ({0}-down[.] )?)?)"
"""The hooks of a version that came up half way and went down again; see ``check_hooks``."""


def at_once(make_host: MakeHost, test: Callable[[MakeHost, str], int]) -> None:
    """Run a test for all kinds of kills, each on hosts of its own; it returns how many steps it found."""
    kinds = (WGRECONCILE, ALONE, BOTH)
    with ThreadPoolExecutor(len(kinds)) as pool:
        running = [pool.submit(test, make_host, kind) for kind in kinds]
    of_wgreconcile, alone, both = (each.result() for each in running)
    assert of_wgreconcile >= 5
    assert alone == both >= 4


def managed(make_host: MakeHost) -> Scenario:
    """A managed host that is ready for kills."""
    scenario = Scenario(make_host("host"))
    prepare(scenario)
    return scenario


def converge_after_kill(scenario: Scenario, point: str, document: Document) -> bool:
    """Apply, be killed, apply again, and check everything. Whether the first run was killed."""
    scenario.desire(wg0=document)
    killed = apply_until(scenario, point)
    assert killed.status in (0, -9), killed
    again = scenario.run("apply")
    try:
        scenario.check_settled(plan=False)
        check_files(scenario)
    except AssertionError as error:
        raise AssertionError(
            f"killed at {point}\n{error}\n=== killed run\n{killed}\n=== next run\n{again}"
        ) from None
    return killed.status == -9


def check_files(scenario: Scenario) -> None:
    """What holds keys is for its owner alone, and nothing half-written or staged is left."""
    paths = [path for folder in (CONF, VAR) for path in scenario.host.path(folder).rglob("*") if path.is_file()]
    names = sorted(each.name for each in paths if each.parent.name != "cache")
    assert names == ["lock", "wg0.conf", "wg0.json"], names
    for path in [*paths, *scenario.host.path(SECRETS).glob("[!.]*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def check_hooks(scenario: Scenario, pattern: str) -> None:
    """The hooks since the last look, as words: ``old-down`` is old's pre_down, ``old-down.`` its post_down."""
    words = (line.split() for line in scenario.hook_log())
    story = " ".join(
        f"{version}-{kind.partition('_')[2]}{'.' * kind.startswith('post')}" for version, kind in words
    )
    assert re.fullmatch(pattern, story), story


def test_change_in_place(make_host: MakeHost) -> None:
    states = [
        interface(ALICE, BOB, mtu=1400, **hooks("our")),
        interface(
            ALICE | {"allowed_ips": ["10.9.0.2/32", "10.21.0.0/24"]},
            CAROL,
            mtu=1300,
            address=["10.9.0.1/24", "10.8.0.1/24"],
            **hooks("our"),
        ),
    ]
    scenario, expected = managed(make_host), []
    for document in states:
        scenario.apply(wg0=document)
        expected.append(scenario.snapshot())
    scenario.hook_log()
    for steps, point in enumerate(points(WGRECONCILE)):
        was_killed = converge_after_kill(scenario, point, states[steps % 2])
        assert scenario.snapshot() == expected[steps % 2]
        if not was_killed:
            break
    assert steps >= 6
    check_hooks(scenario, "")


def test_restart_with_other_hooks(make_host: MakeHost) -> None:
    def test(make_host: MakeHost, kind: str) -> int:
        scenario, expected = managed(make_host), {}
        for version, document in (("old", OLD), ("new", NEW)):
            scenario.apply(wg0=document)
            expected[version] = scenario.snapshot()
        scenario.hook_log()
        for steps, point in enumerate(points(kind)):
            (old, new), document = (("new", "old"), OLD) if steps % 2 == 0 else (("old", "new"), NEW)
            was_killed = converge_after_kill(scenario, point, document)
            # What is old only goes down, and is never seen again once the new one has begun to come up.
            down, up = (
                f"({old}-down ({old}-down[.] )?)",
                f"({new}-up ({new}-up[.] )?({new}-down ({new}-down[.] )?)?)",
            )
            check_hooks(scenario, f"{down}+{up}*{new}-up {new}-up[.]")
            assert scenario.snapshot() == expected[new]
            if not was_killed:
                return steps
        raise AssertionError

    at_once(make_host, test)


def test_disable_and_enable(make_host: MakeHost) -> None:
    def test(make_host: MakeHost, kind: str) -> int:
        scenario = managed(make_host)
        scenario.apply(wg0=OLD)
        expected = scenario.snapshot()
        scenario.hook_log()
        for steps, point in enumerate(points(kind)):
            was_killed = converge_after_kill(scenario, point, OLD | {"enabled": False})
            assert not scenario.is_live()
            # A wg-quick that goes on runs each hook once; one that is killed too may leave the last one out.
            again = "?" if kind == BOTH else ""
            check_hooks(scenario, f"(old-down )*old-down( old-down[.]){again}")
            if kind == WGRECONCILE:
                was_killed |= converge_after_kill(scenario, point, OLD)
                check_hooks(scenario, f"{CAME_UP.format('old')}*old-up old-up[.]")
            else:  # what wg-quick does on the way up is the same for a first apply
                scenario.desire(wg0=OLD)
                scenario.run("apply")
                scenario.hook_log()
            assert scenario.snapshot() == expected
            if not was_killed:
                return steps
        raise AssertionError

    at_once(make_host, test)


def test_first_apply(make_host: MakeHost) -> None:
    psk = {"preshared_key": {"file": "bob.psk", "generate": True}}
    document = interface(ALICE, BOB | psk, private_key=None, address=["10.9.0.1/24"], **hooks("our"))

    def test(_: MakeHost, kind: str) -> int:
        for steps, point in enumerate(points(kind)):
            with Host("host") as host:
                scenario = managed(lambda _, host=host: host)
                was_killed = converge_after_kill(scenario, point, document)
                assert scenario.wg("private-key") == host.read(f"{SECRETS}/wg0.key").strip()
                assert host.read(f"{SECRETS}/bob.psk").strip() in scenario.peers("preshared-keys").values()
                assert scenario.routes() == {"10.20.0.0/24"}
                check_hooks(scenario, f"{CAME_UP.format('our')}*our-up our-up[.]")
            if not was_killed:
                return steps
        raise AssertionError

    at_once(make_host, test)
