"""Interfaces that ran on wg-quick alone come under management: nothing changes on the host, the plan is empty."""

from __future__ import annotations

import json
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from .pinger import Pinger
from .scenario import CONF, SECRETS, Scenario, private_key, public_key
from .scenario_killing import WGRECONCILE, prepare, run_until
from .test_testhost import tunnel
from .testhost import STATE_FOLDER, Host

FIXTURES = Path(__file__).parents[1] / "cases" / "import" / "wgdashboard"
GOOD = ("wg0", "wgdual", "wgmulti", "wgnoaddr", "wgsmall")
FULL_TUNNEL = f"""\
[Interface]
PrivateKey = {private_key("full")}
Address = 10.66.0.2/32, fd66::2/128
DNS = 192.0.2.53
PostUp = echo up

[Peer]
# exit
PublicKey = {public_key("exit")}
PresharedKey = {private_key("preshared")}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 192.0.2.2:51820
PersistentKeepalive = 25
"""

MANY_PEERS = f"[Interface]\nPrivateKey = {private_key('many')}\n" + "".join(
    f"[Peer]\n# peer {each}\nPublicKey = {public_key(f'many {each}')}\n"
    f"PresharedKey = {private_key(f'many {each}')}\nAllowedIPs = 10.7.0.{each}/32\n"
    for each in range(25)
)
"""More than stay in the interface's own document."""


@pytest.fixture
def files(host: Host) -> Scenario:
    """A host with the configuration files of a WGDashboard, one of them broken."""
    scenario = Scenario(host)
    for each in FIXTURES.glob("*.conf"):
        shutil.copyfile(each, host.path(f"{CONF}/{each.name}"))
        host.path(f"{CONF}/{each.name}").chmod(0o600)
    return scenario


def check_taken_over(scenario: Scenario) -> None:
    """The plan is empty; the first apply does no more than remember that, and a second one not even that."""
    scenario.plan(expect=0)
    run = scenario.run("apply", "--diff")
    assert run.writes == []
    assert set(run.changed.values()) == {0}
    scenario.check_settled()


def snapshots(scenario: Scenario) -> dict[str, Any]:
    """Everything about the interfaces, but for the line that an import takes out of their files."""
    found = {name: scenario.snapshot(name) for name in GOOD}
    for each in found.values():
        each["file"] = each["file"].replace(b"SaveConfig = true\n", b"")
    return found


def document(scenario: Scenario, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(scenario.host.read(f"{STATE_FOLDER}/{name}.yaml"))
    return found


def status(scenario: Scenario, *names: str) -> dict[str, Any]:
    """The interfaces of ``status -o json`` by name."""
    found = json.loads(scenario.run("status", "-o", "json", *names).stdout)
    return {each["name"]: each for each in found["interfaces"]}


def test_interfaces_that_are_down(files: Scenario) -> None:
    run = files.run("import", expect=1)
    assert run.writes == []
    assert run.stderr == f"{CONF}/wgbroken.conf: no [Interface] section; it is no configuration of wg-quick\n"
    assert run.stdout.endswith(
        "imported 5, refused 1, of which nothing was changed; look at the state, then at `wgreconcile plan`\n"
    )
    check_taken_over(files)
    assert {name: each["state"] for name, each in status(files).items()} == dict.fromkeys(GOOD, "down")
    assert not any(map(files.is_live, GOOD))

    documents = {name: document(files, name) | {"enabled": True} for name in GOOD}
    assert files.apply(**documents).wg_quick == ["up"] * 5
    assert {name: each["state"] for name, each in status(files).items()} == dict.fromkeys(GOOD, "in sync")
    assert files.allowed_ips("wg0") == {
        "ngwyfnCuoOCMM485JmGl3VcXt8eTobOgDejlBRsICn0=": {"10.7.0.2/32"},
        "sQKvMUg1O0AsA69N1740YyZfMesf4Sz8jWa5dY1jqTU=": {"10.7.0.3/32", "192.168.77.0/24"},
    }
    assert files.peers("preshared-keys", "wg0")["sQKvMUg1O0AsA69N1740YyZfMesf4Sz8jWa5dY1jqTU="] == (
        "qDP/ZdaCpUkmaCbWFbM2gG55SmXHn9SNS0KwkDXrxXQ="
    )
    assert files.mtu("wgmulti") == 1400


def test_interfaces_that_are_up_notice_nothing(files: Scenario) -> None:
    for name in GOOD:
        files.host.run(["wg-quick", "up", name])
    before = snapshots(files)
    assert files.run("import", expect=1).writes == []
    check_taken_over(files)
    assert snapshots(files) == before
    assert {name: each["state"] for name, each in status(files).items()} == dict.fromkeys(GOOD, "in sync")
    assert not any("enabled" in document(files, name) for name in GOOD)

    for name in GOOD:  # wg-quick alone still takes them down, and no longer overwrites their files
        files.host.run(["wg-quick", "down", name])
    assert {name: files.conf(name).encode() for name in GOOD} == {name: before[name]["file"] for name in GOOD}
    assert files.apply().wg_quick == ["up"] * 5
    assert snapshots(files) == before


def test_a_ping_through_the_tunnel_does_not_notice_the_import(pair: tuple[Host, Host]) -> None:
    tunnel(*pair)
    scenario = Scenario(pair[0])
    with Pinger(pair[0], "10.9.0.2") as pings:
        scenario.run("import")
        check_taken_over(scenario)
        (wg0,) = status(scenario).values()
    assert pings.lost == ()
    (peer,) = wg0["peers"]
    assert (peer["desired"], peer["disk"], peer["live"]) == ("on", "same", "same")
    assert peer["latest_handshake"] > 0
    assert peer["rx_bytes"] > 0


def test_full_tunnel_that_is_up(host: Host) -> None:
    scenario = Scenario(host)
    host.write(f"{CONF}/full.conf", FULL_TUNNEL)
    scenario.host.run(["wg-quick", "up", "full"])
    before = scenario.snapshot("full")
    assert scenario.run("import", "full").stdout.startswith(
        f"full: 1 peer in {STATE_FOLDER}/full.yaml, 2 keys in /etc/wgreconcile/secrets\n"
    )
    check_taken_over(scenario)
    assert scenario.snapshot("full") == before
    assert host.path("/etc/wgreconcile/secrets/full/exit.psk").stat().st_mode & 0o777 == 0o600
    assert host.path("/etc/wgreconcile/secrets/full").stat().st_mode & 0o777 == 0o700


def test_what_was_changed_live_and_never_saved_is_drift(files: Scenario) -> None:
    files.host.run(["wg-quick", "up", "wgdual"])
    files.by_hand(f"wg set wgdual peer {public_key('late')} allowed-ips 10.8.0.9/32")
    said = files.run("import", "wgdual").stdout
    assert "what was changed live and not saved shows in the plan; look at it before you apply" in said
    assert "SaveConfig" not in files.conf("wgdual")
    assert f"peer {public_key('late')}" in files.plan().stdout
    peers = {each["public_key"]: each for each in status(files)["wgdual"]["peers"]}
    late = peers[public_key("late")]
    assert (late["desired"], late["disk"], late["live"]) == ("-", "-", "differs")


def test_open_file_is_closed_to_other_users(files: Scenario) -> None:
    files.host.path(f"{CONF}/wgsmall.conf").chmod(0o644)
    said = files.run("import", "wgsmall").stdout
    assert f"{CONF}/wgsmall.conf holds keys: its mode was 0644 and is 0600 now" in said
    check_taken_over(files)


def test_no_key_is_printed_or_in_the_state(files: Scenario) -> None:
    run = files.run("import", expect=1)
    shown = files.run("status").stdout + files.run("status", "-o", "json").stdout
    documents = "".join(each.read_text() for each in files.host.path(STATE_FOLDER).rglob("*"))
    for name in GOOD:
        key = next(line for line in files.conf(name).splitlines() if line.startswith("PrivateKey"))[13:]
        assert key not in run.stdout + run.stderr + shown + documents


def test_killed_at_any_point_it_is_all_or_nothing(host: Host) -> None:
    """Every third step, so that it does not take minutes; tests/importing kills at every one."""
    scenario = Scenario(host)
    prepare(scenario)
    host.write(f"{CONF}/wg0.conf", MANY_PEERS)
    host.path(f"{CONF}/wg0.conf").chmod(0o600)
    state, secrets = host.path(STATE_FOLDER), host.path(SECRETS)
    outcomes = []
    for step in count(1, 3):
        for folder in (state, secrets):
            shutil.rmtree(folder, ignore_errors=True)
        state.mkdir(parents=True)
        killed = run_until(scenario, WGRECONCILE.format(step), "import")
        if killed.status == 0:
            break
        assert killed.status == -9, killed
        scenario.run("validate")  # the next one to come
        outcomes.append((state / "wg0.yaml").exists())
        if not outcomes[-1]:
            assert [*state.iterdir()] == []
            scenario.run("import")
        assert len([*state.rglob("*")]) == 27
        assert len([each for each in secrets.rglob("*") if each.is_file()]) == 27
        scenario.plan(expect=0)
    assert {*outcomes} == {False, True}
    assert len(outcomes) >= 2 * 27 // 3  # each file that lands is a step


def test_status_shows_drift_where_it_is(files: Scenario) -> None:
    files.host.run(["wg-quick", "up", "wg0"])
    files.run("import", "wg0", "wgsmall")
    files.run("apply")
    files.by_hand("wg set wg0 listen-port 51999 peer sQKvMUg1O0AsA69N1740YyZfMesf4Sz8jWa5dY1jqTU= remove")
    files.host.write(f"{CONF}/wg0.conf", files.conf().replace("10.7.0.2/32", "10.7.0.9/32"))
    found = status(files, "wg0")
    assert [*found] == ["wg0"]
    assert (found["wg0"]["state"], found["wg0"]["listen_port"]) == ("drift", 51999)
    assert [(each["desired"], each["disk"], each["live"]) for each in found["wg0"]["peers"]] == [
        ("on", "differs", "same"),
        ("on", "same", "-"),
    ]
    shown = files.run("status").stdout
    assert "laptop of ann  ngwyfnCu…   on       differs  same" in shown
    assert "differs in listen_port (live, changed live)" in shown
    assert "unmanaged, never touched: wgbroken (file), wgdual (file), wgmulti (file), wgnoaddr (file)" in shown


def test_status_of_an_interface_that_left_the_state(files: Scenario) -> None:
    files.run("import", "wgsmall")
    files.run("apply")
    files.desire()
    shown = files.run("status").stdout
    assert "wgsmall    not in state  -        differs  -" in shown
    assert "no longer in the state, left as it is (`wgreconcile apply --prune` removes it): wgsmall" in shown
