"""No private or preshared key leaves the files that are there for it: sentinels are looked for everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import scenario_recording as recording
from .scenario import CONF, SECRETS, VAR, Document, Run, Scenario, interface, peer, private_key
from .testhost import STATE_FOLDER, Host

LABELS = (
    "private literal",
    "private file",
    "private env",
    "psk literal",
    "psk file",
    "psk env",
    "client key",
    "foreign",
)
SENTINELS = {label: private_key(label) for label in LABELS}
ENVIRONMENT = {"PRIVATE": SENTINELS["private env"], "PSK": SENTINELS["psk env"]}
PS = "ps axww -o args >>/run/testhost/ps; cat /proc/[0-9]*/cmdline >>/run/testhost/ps"


@pytest.fixture
def scenario(host: Host) -> Scenario:
    scenario = Scenario(host)
    scenario.keep_secret("wg1.key", SENTINELS["private file"])
    scenario.keep_secret("file.psk", SENTINELS["psk file"])
    return scenario


def state(**fields: Document) -> dict[str, Document]:
    """Three interfaces with keys from everywhere, whose hooks write down all process arguments and the tree."""
    peers = [
        peer("literal", "10.9.0.2/32", preshared_key=SENTINELS["psk literal"]),
        peer("file", "10.9.0.3/32", preshared_key={"file": "file.psk"}),
        peer("env", "10.9.0.4/32", preshared_key={"env": "PSK"}, client={"private_key": SENTINELS["client key"]}),
    ]
    peers[2]["public_key"] = peer("client key")["public_key"]
    look = {"post_up": [PS], "pre_down": [PS, f"ls -lAR {CONF} {VAR} {SECRETS} >>/run/testhost/tree"]}
    more = fields | look
    return {
        "wg0": interface(*peers, label="private literal", **more),
        "wg1": interface(private_key=None, address=["10.8.0.1/24"], listen_port=51821, **more),
        "wg2": interface(private_key={"env": "PRIVATE"}, address=["10.7.0.1/24"], listen_port=51822, **more),
    }


def check(scenario: Scenario, *runs: Run) -> None:
    """No sentinel in what was printed, in any process argument, or in a file that others may read."""
    printed = "".join(f"{each.stdout}\n{each.stderr}" for each in runs)
    arguments = "".join(map(str, recording.calls(scenario.host))) + scenario.host.read("/run/testhost/ps")
    assert "wg-quick" in arguments
    for label, key in SENTINELS.items():
        assert key not in printed, f"{label} was printed"
        assert key not in arguments, f"{label} was an argument"
    for path, holds in files_with_keys(scenario.host):
        assert path.stat().st_mode & 0o077 == 0, f"{holds} lies open in {path}"
        folder = "/" + str(path).partition("/root/")[2].rpartition("/")[0]
        assert folder in (CONF, SECRETS, STATE_FOLDER, f"{VAR}/interfaces"), f"{holds} lies in {path}"


def files_with_keys(host: Host) -> Iterator[tuple[Path, list[str]]]:
    for folder in (CONF, "/etc/wgreconcile", VAR, "/run"):
        for path in host.path(folder).rglob("*"):
            if path.is_file() and not path.is_socket():
                content = path.read_bytes()
                if holds := [label for label, key in SENTINELS.items() if key.encode() in content]:
                    yield path, holds


def test_keys_stay_where_they_belong_whatever_is_run(scenario: Scenario) -> None:
    runs = []

    def run(*arguments: str, expect: int | None = 0) -> None:
        runs.append(scenario.run(*arguments, expect=expect, env=ENVIRONMENT))

    scenario.desire(**state())
    run("validate")
    run("render")
    run("plan")
    run("plan", "-o", "json")
    run("apply", "--diff")
    run("apply", "-o", "json")
    run("status")
    run("status", "-o", "json")
    assert sum(len(holds) for _, holds in files_with_keys(scenario.host)) > 10
    key = scenario.host.run(["wg", "genkey"]).stdout
    scenario.host.run(["wg", "set", "wg0", "private-key", "/dev/stdin"], stdin=key)
    scenario.by_hand(
        f"wg set wg0 peer {peer('literal')['public_key']} remove; sed -i '/^Preshared/d' {CONF}/wg0.conf"
    )
    run("plan")
    run("plan", "-o", "json")
    run("apply", "--diff")
    scenario.desire(**state(table="off"))
    run("apply", "--diff", "-o", "json")
    scenario.desire(**state(pre_up=["false"]))
    run("apply", "--diff", expect=1)
    run("apply", "-o", "json", expect=1)
    scenario.desire(wg0=state()["wg0"])
    run("apply", "--prune", "--force", "--diff")
    check(scenario, *runs)
    modes = {
        line.split()[0] for line in scenario.host.read("/run/testhost/tree").splitlines() if line.startswith("-")
    }
    assert modes <= {"-rw-------"}


def test_keys_in_the_wrong_place_are_not_quoted(scenario: Scenario) -> None:
    scenario.host.write("/run/testhost/ps", "wg-quick")
    good = state()["wg0"]
    key = SENTINELS["private literal"]
    runs = []
    for wrong in (
        {"private_key": f"{key} "},
        {"private_key": [key]},
        {"listen_port": key},
        {"preshared_key": key},
        {key: "value"},
        {"peers": [{"public_key": key[:-2], "preshared_key": key}]},
        {"peers": [peer("x", preshared_key=key[:-1])]},
        {"peers": [peer("x", key)]},
    ):
        scenario.desire(wg0=good | wrong)
        runs.append(scenario.run("plan", "-o", "json", expect=None, env=ENVIRONMENT))
        assert runs[-1].status in (0, 78), runs[-1]
    scenario.host.write(f"{STATE_FOLDER}/wg0.yaml", f"private_key: {key}\n  oops: [\n")
    runs.append(scenario.run("validate", expect=78))
    check(scenario, *runs)


def test_keys_of_a_foreign_or_spoilt_file_are_not_quoted(scenario: Scenario) -> None:
    scenario.host.write("/run/testhost/ps", "wg-quick")
    key = SENTINELS["foreign"]
    scenario.desire(wg0=interface())
    runs = []
    for text in (
        f"[Interface]\nPrivateKey = {key}\n",
        f"[Interface]\nPrivateKey: {key}\n",
        f"[Interface]\n{key}\n",
        f"{key}\n",
        f"[Interface]\nPrivateKey = {key}x\nListenPort = {key}\n[Peer]\nPublicKey = {key[:-3]}\n",
        f"[Interface]\n[Peer]\nPresharedKey {key}\nEndpoint = {key}:1\n",
        f"[Peer]\nPresharedKey = {key}\n",
    ):
        scenario.host.write(f"{CONF}/wg0.conf", text)
        runs.append(scenario.run("plan", expect=None))
        runs.append(scenario.run("plan", "-o", "json", "--offline", expect=None))
    runs.append(scenario.run("status", expect=None))
    runs.append(scenario.run("import", f"{CONF}/wg0.conf", expect=None))
    check(scenario, *runs)


def test_files_are_private_whatever_the_umask(host: Host) -> None:
    scenario = Scenario(host)
    folders = ["--conf-dir", "/run/new/conf", "--var", "/run/new/var/deep", "--secrets", "/run/new/secrets"]
    scenario.desire(
        wg0=interface(peer("a", preshared_key={"file": "x/a.psk", "generate": True}), private_key=None)
    )
    host.run(["sh", "-c", 'umask 0; exec "$@"', "sh", sys.executable, "-m", "wgreconcile", "apply", *folders])
    root = host.path("/run/new")
    modes = {str(path.relative_to(root)): path.stat().st_mode & 0o777 for path in root.rglob("*")}
    made = {each: mode for each, mode in modes.items() if (root / each).is_dir()}
    assert made.keys() >= {"conf", "conf/.wgreconcile", "secrets", "secrets/x", "var/deep", "var/deep/interfaces"}
    assert {each: oct(mode) for each, mode in made.items() if mode != 0o700 and each != "var"} == {}
    files = {each: mode for each, mode in modes.items() if each not in made and ".gitignore" not in each}
    assert files.keys() >= {"conf/wg0.conf", "secrets/wg0.key", "secrets/x/a.psk", "var/deep/interfaces/wg0.json"}
    assert {each: oct(mode) for each, mode in files.items() if mode != 0o600} == {}
    scenario.run("plan", "--detailed-exitcode", *folders)
