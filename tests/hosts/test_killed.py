"""kill -9 at every step of an apply: the next run converges, and runs the hooks of the right file only."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

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
    converge(scenario, killed)
    return killed.status == -9


def converge(scenario: Scenario, killed: object) -> None:
    """Apply after a killed run and check everything; what is known of that run is told if it fails."""
    again = scenario.run("apply")
    try:
        scenario.check_settled(plan=False)
        check_files(scenario)
    except AssertionError as error:
        raise AssertionError(f"{error}\n=== killed: {killed}\n=== next run: {again}") from None


def check_files(scenario: Scenario) -> None:
    """What holds keys is for its owner alone, and nothing half-written or staged is left."""
    paths = [path for folder in (CONF, VAR) for path in scenario.host.path(folder).rglob("*") if path.is_file()]
    names = sorted(each.name for each in paths if each.parent.name != "cache")
    assert names == ["lock", "turnstile", "wg0.conf", "wg0.json"], names
    for path in [*paths, *scenario.host.path(SECRETS).glob("[!.]*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def check_hooks(log: list[str], before: str, after: str, *, returns: bool = False) -> None:
    """Going down runs the hooks of whatever came up last, at first ``before``; coming up those of ``after`` alone.

    ``returns``: those of ``before`` may come up, too. An empty version is none.
    """
    up = before
    for version, kind in map(str.split, log):
        if kind.endswith("_up"):
            assert version == after or (returns and version == before), log
            assert kind == "pre_up" or up == version, log
            up = version
        else:
            assert version == up, log
    if after:
        assert log[-2:] == [f"{after} pre_up", f"{after} post_up"], log
    elif log:
        assert log[0] == f"{before} pre_down", log


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
    assert scenario.hook_log() == []


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
            check_hooks(scenario.hook_log(), old, new)
            assert scenario.snapshot() == expected[new]
            if not was_killed:
                return steps
        raise AssertionError

    at_once(make_host, test)


def test_disable_and_enable(make_host: MakeHost) -> None:
    off = OLD | {"enabled": False}

    def test(make_host: MakeHost, kind: str) -> int:
        scenario = managed(make_host)
        scenario.apply(wg0=OLD)
        expected = scenario.snapshot()
        for steps, point in enumerate(points(kind)):
            if kind == WGRECONCILE and steps % 2:
                was_killed = come_up(scenario, point)
            else:
                if not scenario.is_live():
                    scenario.desire(wg0=OLD)
                    scenario.run("apply")
                was_killed = go_down(scenario, point)
            if scenario.is_live():
                assert scenario.snapshot() == expected
            if not was_killed:
                return steps
        raise AssertionError

    def come_up(scenario: Scenario, point: str) -> bool:
        scenario.hook_log()
        was_killed = converge_after_kill(scenario, point, OLD)
        check_hooks(scenario.hook_log(), "", "old")
        return was_killed

    def go_down(scenario: Scenario, point: str) -> bool:
        scenario.hook_log()
        was_killed = converge_after_kill(scenario, point, off)
        assert not scenario.is_live()
        log = scenario.hook_log()
        check_hooks(log, "old", "")
        # A wg-quick that is killed too may have run them before, or may never come to the last one.
        assert log == ["old pre_down", "old post_down"] or point == BOTH.format(point.split(":")[1])
        return was_killed

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
                check_hooks(scenario.hook_log(), "", "our")
            if not was_killed:
                return steps
        raise AssertionError

    at_once(make_host, test)


def test_way_back(make_host: MakeHost) -> None:
    """An apply that fails is killed while it leads the interface back; then the state is put right."""
    scenario = managed(make_host)
    scenario.apply(wg0=OLD)
    failing = NEW | {"post_up": [*NEW["post_up"], "false"]}
    scenario.hook_log()
    for steps in count(1, 3):
        scenario.desire(wg0=failing)
        killed = apply_until(scenario, WGRECONCILE.format(steps))
        assert killed.status in (1, -9), killed
        scenario.desire(wg0=NEW | {"mtu": 1290})
        converge(scenario, killed)
        check_hooks(scenario.hook_log(), "old", "new", returns=True)
        assert (scenario.mtu(), scenario.routes()) == (1290, {"10.20.0.0/24"})
        if killed.status == 1:
            break
        scenario.desire(wg0=OLD)
        scenario.run("apply")
        scenario.hook_log()
    assert steps >= 20


def test_at_random_moments(make_host: MakeHost) -> None:
    scenario, moments = managed(make_host), random.Random(1)
    scenario.apply(wg0=OLD)
    for number in range(6):
        scenario.desire(wg0=(NEW, OLD)[number % 2])
        with scenario.host.popen([sys.executable, "-m", "wgreconcile", "apply"]) as process:
            time.sleep(moment := moments.uniform(0.1, 0.6))
            process.kill()
        converge(scenario, f"after {moment} s")
        assert scenario.mtu() == (1300, 1400)[number % 2]
