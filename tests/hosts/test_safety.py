"""What a slip of the hand could take away is refused with its counts, unless forced; what is not ours stays."""

from __future__ import annotations

import json

import pytest

from .scenario import CONF, VAR, Scenario, hooks, interface, peer, private_key, public_key
from .testhost import Host

PEERS = [peer(f"p{n}", f"10.9.0.{n + 10}/32") for n in range(20)]


@pytest.fixture
def scenario(host: Host) -> Scenario:
    return Scenario(host)


def refuse(scenario: Scenario, *arguments: str) -> str:
    """Apply in vain: nothing may have changed. Return what was said."""
    before = scenario.snapshot()
    run = scenario.run("apply", *arguments, expect=1)
    assert "refused, nothing was changed" in run.stderr
    assert run.writes == []
    assert scenario.snapshot() == before
    return run.stderr


def test_removing_many_peers_needs_force(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(*PEERS))
    scenario.desire(wg0=interface(*PEERS[:13]))
    reason = "wg0: 7 of 20 peers would be removed; look at the plan, and if that is meant use --force\n"
    assert refuse(scenario) == f"wgreconcile: refused, nothing was changed:\n{reason}"
    assert scenario.plan().stderr == f"note: apply would refuse this: {reason}"
    scenario.desire(wg0=interface(*PEERS[:13], peer("new", "10.9.1.1/32"), mtu=1300))
    assert "--force" in refuse(scenario)
    scenario.plan()
    scenario.desire(wg0=interface(*PEERS[:13]))
    scenario.apply("--force")
    assert len(scenario.allowed_ips()) == 13


def test_removing_few_peers_or_of_few_needs_none(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(*PEERS))
    scenario.apply(wg0=interface(*PEERS[:14]))
    scenario.apply("--force", wg0=interface(*PEERS[:9]))
    scenario.apply(wg0=interface())
    assert scenario.allowed_ips() == {}


def test_peers_that_were_added_by_hand_count_as_well(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(*PEERS[:4]))
    added = " ".join(f"peer {public_key(each['name'])}" for each in PEERS[4:])
    scenario.by_hand(f"wg set wg0 {added}")
    assert "wg0: 16 of 20 peers would be removed" in refuse(scenario)
    scenario.apply("--force")


def test_disabling_most_peers_is_removing_them(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(*PEERS))
    scenario.desire(wg0=interface(*(each | {"enabled": False} for each in PEERS)))
    assert "wg0: 20 of 20 peers would be removed" in refuse(scenario)


def test_one_refused_interface_holds_back_all(scenario: Scenario) -> None:
    other = interface(label="wg1", address=["10.8.0.1/24"], listen_port=51821)
    scenario.apply(wg0=interface(*PEERS), wg1=other)
    scenario.desire(wg0=interface(), wg1=other | {"mtu": 1300})
    refuse(scenario)
    assert scenario.mtu("wg1") == 1420
    scenario.apply("wg1")
    assert scenario.mtu("wg1") == 1300


CHANGES = {
    "none": {"mtu": 1300},
    "peer": {"peers": []},
    "interface": {"listen_port": 51999},
    "restart": {"post_up": ["true"]},
}


@pytest.mark.parametrize("allowed", ["none", "interface"])
def test_more_disruption_than_allowed_is_refused(scenario: Scenario, allowed: str) -> None:
    base = interface(PEERS[0])
    scenario.apply(wg0=base)
    order = [*CHANGES]
    for needed, change in CHANGES.items():
        scenario.desire(wg0=base | change)
        if order.index(needed) > order.index(allowed):
            said = refuse(scenario, f"--max-disruption={allowed}")
            assert f"wg0: disruption {needed}" in said
            assert refuse(scenario, f"--max-disruption={allowed}", "--force") == said
    scenario.desire(wg0=base | CHANGES[allowed])
    assert scenario.apply(f"--max-disruption={allowed}").disruption == allowed


def test_check_mode_changes_nothing_and_tells_by_its_status(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(*PEERS[:3]))
    scenario.desire(wg0=interface(*PEERS[:2], **hooks("new")))
    before = scenario.snapshot()
    run = scenario.run("apply", "--check", "--diff", expect=2)
    assert run.writes == []
    assert f"@@ - peer p2 {public_key('p2')} @@ changed in state; disruption: peer" in run.stdout
    assert scenario.snapshot() == before
    assert scenario.hook_log() == []
    scenario.apply()
    scenario.run("apply", "--check", expect=0)


def test_check_mode_ends_as_an_apply_that_is_refused(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(*PEERS))
    scenario.desire(wg0=interface(*PEERS[:13], listen_port=51999))
    assert "7 of 20 peers" in refuse(scenario, "--check", "--diff")
    assert "disruption interface (listen_port)" in refuse(scenario, "--check", "--force", "--max-disruption=peer")
    scenario.run("apply", "--check", "--force", expect=2)
    assert "7 of 20 peers" in scenario.run("apply", "--check", "-o", "json", expect=1).stderr


# Prune

FOREIGN = f"[Interface]\nPrivateKey = {private_key('foreign')}\nListenPort = 5000\nAddress = 10.77.0.1/24\n"


def prepare_foreign(scenario: Scenario) -> dict[str, object]:
    """A foreign interface that is live with its file, one without a file, and a file alone; how they look."""
    scenario.host.write(f"{CONF}/foreign.conf", FOREIGN)
    scenario.host.write(f"{CONF}/sleeping.conf", FOREIGN, 0o640)
    scenario.by_hand("wg-quick up foreign")
    scenario.by_hand("ip link add bare type wireguard 2>/dev/null || wireguard-go bare >/dev/null 2>&1")
    return foreign(scenario)


def foreign(scenario: Scenario) -> dict[str, object]:
    return {name: scenario.snapshot(name) for name in ("foreign", "bare", "sleeping")}


def test_an_interface_that_left_the_state_goes_with_prune_and_force_only(scenario: Scenario) -> None:
    before = prepare_foreign(scenario)
    kept = interface(label="wg1", address=["10.8.0.1/24"], listen_port=51821)
    scenario.apply(wg0=interface(*PEERS[:3], **hooks("our")), wg1=kept)
    scenario.hook_log()
    state_of_wg0 = scenario.snapshot()

    scenario.desire(wg1=kept)
    run = scenario.apply()
    assert "no longer in the state, left as it is (--prune removes it): wg0" in run.stdout
    assert "unmanaged, never touched: bare, foreign, sleeping" in run.stdout
    assert scenario.snapshot() == state_of_wg0

    assert "the interface with its 3 peers would be removed" in refuse(scenario, "--prune")
    plan = json.loads(scenario.plan("--prune", "-o", "json").stdout)
    assert plan["unmanaged"] == ["bare", "foreign", "sleeping"]

    run = scenario.apply("--prune", "--force")
    assert run.wg_quick == ["down"]
    assert scenario.hook_log() == ["our pre_down wg0", "our post_down wg0"]
    assert not scenario.is_live("wg0")
    assert not scenario.host.path(f"{CONF}/wg0.conf").exists()
    assert [path.name for path in scenario.host.path(f"{VAR}/interfaces").iterdir()] == ["wg1.json"]
    assert scenario.is_live("wg1")
    assert foreign(scenario) == before
    scenario.check_settled()


def test_prune_runs_the_hooks_that_were_applied_and_not_those_on_disk(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(**hooks("our")))
    scenario.host.write(f"{CONF}/wg0.conf", scenario.conf().replace("echo our", "echo edited"))
    scenario.hook_log()
    scenario.desire()
    scenario.apply("--prune", "--force")
    assert scenario.hook_log() == ["our pre_down wg0", "our post_down wg0"]


def test_prune_of_a_disabled_interface_and_of_one_that_is_gone(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(enabled=False, **hooks("our")))
    scenario.desire()
    scenario.apply("--prune", "--force")
    assert not scenario.host.path(f"{CONF}/wg0.conf").exists()
    scenario.apply(wg0=interface(**hooks("our")))
    scenario.by_hand(f"ip link del wg0; rm {CONF}/wg0.conf")
    scenario.hook_log()
    scenario.desire()
    scenario.apply("--prune", "--force")
    assert scenario.hook_log() == []
    assert [*scenario.host.path(f"{VAR}/interfaces").iterdir()] == []


def test_prune_of_one_name_leaves_the_other_orphan(scenario: Scenario) -> None:
    other = interface(label="wg1", address=["10.8.0.1/24"], listen_port=51821)
    scenario.apply(wg0=interface(), wg1=other)
    scenario.desire()
    scenario.run("apply", "wg0", "--prune", "--force")
    assert (scenario.is_live("wg0"), scenario.is_live("wg1")) == (False, True)


def test_prune_that_fails_leads_back(scenario: Scenario) -> None:
    scenario.apply(wg0=interface(*PEERS[:3], pre_down=["false"]))
    before = scenario.snapshot()
    scenario.desire()
    run = scenario.run("apply", "--prune", "--force", expect=1)
    assert "it is back as it was before, which was verified" in run.stderr
    assert scenario.snapshot() == before


def test_an_interface_of_the_state_takes_over_a_foreign_one_in_place(scenario: Scenario) -> None:
    prepare_foreign(scenario)
    key = {"private_key": private_key("foreign")}
    run = scenario.apply(foreign=interface(PEERS[0], address=["10.77.0.1/24"], listen_port=5000, **key))
    assert run.wg_quick == []
    assert run.causes == {"never applied"}
    assert "unmanaged, never touched: bare, sleeping" in run.stdout
    scenario.apply(foreign=interface(PEERS[0], address=["10.77.0.1/24"], listen_port=5000, enabled=False, **key))
    assert not scenario.is_live("foreign")
