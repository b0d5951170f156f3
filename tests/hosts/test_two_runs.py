"""Two runs on one host at a time: the second is told to come back, and nothing is broken."""

from __future__ import annotations

import signal
import sys
import time

from .scenario import HOOK_LOG, Scenario, eventually, interface, peer
from .testhost import Host, HostProcess

ALICE = peer("alice", "10.9.0.2/32", "10.20.0.0/24")
APPLY = [sys.executable, "-m", "wgreconcile", "apply"]
SLOW = interface(ALICE, post_up=[f"echo begun >>{HOOK_LOG}", f"until test -e {HOOK_LOG}.go; do sleep 0.02; done"])


def begun(scenario: Scenario) -> bool:
    """Whether the slow hook of a run has begun."""
    return eventually(lambda: scenario.host.path(HOOK_LOG).exists())


def let_go(scenario: Scenario, process: HostProcess) -> tuple[str, str]:
    """Let a run's slow hook end and wait for the run; what it printed."""
    scenario.by_hand(f"touch {HOOK_LOG}.go")
    stdout, stderr = process.communicate(timeout=30)
    return stdout, stderr


def test_a_second_apply_is_told_to_come_back_and_breaks_nothing(host: Host) -> None:
    scenario = Scenario(host)
    scenario.desire(wg0=SLOW)
    with host.popen(APPLY) as first:
        assert begun(scenario)
        for arguments in ([], ["wg0"], ["--force", "--prune"]):
            second = scenario.run("apply", "--wait", "0.2", *arguments, expect=75)
            assert "another run of wgreconcile holds /var/lib/wgreconcile/lock" in second.stderr
            assert second.writes == []
        stdout, _ = let_go(scenario, first)
    assert first.returncode == 0
    assert "wg0             : ok=0 changed=2 failed=0" in stdout
    assert scenario.hook_log() == ["begun"]
    scenario.check_settled()


def test_a_second_apply_waits_for_the_first_one(host: Host) -> None:
    scenario = Scenario(host)
    scenario.desire(wg0=SLOW)
    with host.popen(APPLY) as first:
        assert begun(scenario)
        with host.popen(APPLY) as second:
            time.sleep(1)
            assert second.poll() is None
            let_go(scenario, first)
            stdout, _ = second.communicate(timeout=30)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "wg0             : ok=2 changed=0 failed=0" in stdout
    assert scenario.hook_log() == ["begun"]


def test_one_that_waits_ends_when_asked_to(host: Host) -> None:
    scenario = Scenario(host)
    scenario.desire(wg0=SLOW)
    with host.popen(APPLY) as first:
        assert begun(scenario)
        with host.popen([*APPLY, "--wait", "60"]) as second:
            time.sleep(1)
            second.send_signal(signal.SIGINT)
            second.communicate(timeout=5)
        let_go(scenario, first)
    assert second.returncode == 75


def test_a_plan_waits_for_nobody(host: Host) -> None:
    scenario = Scenario(host)
    scenario.desire(wg0=SLOW)
    with host.popen(APPLY) as first:
        assert begun(scenario)
        scenario.run("plan", expect=None)
        scenario.run("validate")
        let_go(scenario, first)
    scenario.check_settled()


def test_two_applies_started_together_leave_one_result(host: Host) -> None:
    scenario = Scenario(host)
    scenario.apply(wg0=interface(ALICE))
    for number in range(4):
        scenario.desire(wg0=interface(ALICE, mtu=1300 + number, post_up=[f"echo {number} >>{HOOK_LOG}"]))
        runs = [host.popen(APPLY) for _ in range(3)]
        ended = sorted(each.wait() for each in runs)
        for each in runs:
            each.communicate()
        assert ended[0] == 0
        assert {*ended} <= {0, 75}
        assert scenario.hook_log() == [str(number)]
        scenario.check_settled()


def test_a_run_that_is_asked_to_stop_finishes_the_interface_at_hand(host: Host) -> None:
    scenario = Scenario(host)
    later = interface(peer("x", "10.60.0.0/24"), label="wg1", address=["10.8.0.1/24"], listen_port=51821)
    scenario.desire(wg0=SLOW, wg1=later)
    with host.popen(APPLY) as first:
        assert begun(scenario)
        first.send_signal(signal.SIGTERM)
        _, stderr = let_go(scenario, first)
    assert first.returncode == 128 + signal.SIGTERM
    assert "stopping after the interface at hand" in stderr
    assert (scenario.is_live("wg0"), scenario.is_live("wg1")) == (True, False)
    scenario.check_settled("wg0")
    assert scenario.apply().changed == {"wg0": 0, "wg1": 2}


def test_the_next_run_waits_for_a_wg_quick_that_a_killed_one_left_behind(host: Host) -> None:
    scenario = Scenario(host)
    scenario.desire(wg0=SLOW | {"pre_down": [f"echo down >>{HOOK_LOG}"]})
    with host.popen(APPLY) as first:
        assert begun(scenario)
        first.kill()
    with host.popen(APPLY) as second:
        time.sleep(1)
        assert second.poll() is None
        assert host.read(HOOK_LOG) == "begun\n"
        let_go(scenario, second)
    assert second.returncode == 0
    # Nobody saw how the first one ended: it is taken down and brought up anew.
    assert scenario.hook_log() == ["begun", "down", "begun"]
    scenario.check_settled()
