"""Without root, or without a program: what still works does, and the rest says who must do what."""

from __future__ import annotations

import subprocess
import sys
import sysconfig

import pytest

from .scenario import CONF, SECRETS, Scenario, hooks, interface, peer
from .testhost import PROGRAM_FOLDER, REPOSITORY, STATE_FOLDER, Host

ALICE = peer("alice", "10.9.0.2/32", "10.20.0.0/24")
OPEN = "/run/open"
"""A copy of Python and of the project that everybody may read: the test's own may lie in root's home."""


class Nobody:
    """Runs wgreconcile without privileges on a host, on a state of its own."""

    def __init__(self, host: Host) -> None:
        self.host = host
        links = {"prefix": sys.base_prefix, "site": sysconfig.get_path("purelib")}
        for name, path in links.items():
            host.run(["mkdir", "-p", f"{OPEN}/{name}"])
            host.run(["mount", "--bind", path, f"{OPEN}/{name}"])
        host.run(["mkdir", f"{OPEN}/project"])
        parts = [str(REPOSITORY / each) for each in ("wgreconcile", "api", "schemas", "templates")]
        host.run(["cp", "-r", *parts, f"{OPEN}/project"])
        host.run(["chmod", "-R", "a+rX", f"{OPEN}/project"])

    def run(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run wgreconcile as nobody."""
        python = f"{OPEN}/prefix/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        rights = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
        environment = {"PYTHONHOME": f"{OPEN}/prefix", "PYTHONPATH": f"{OPEN}/project:{OPEN}/site"}
        done = self.host.run([*rights, python, "-m", "wgreconcile", *arguments], check=False, env=environment)
        assert expect is None or done.returncode == expect, done
        return done


@pytest.fixture
def scenario(host: Host) -> Scenario:
    scenario = Scenario(host)
    scenario.desire(wg0=interface(ALICE, private_key=None, **hooks("our")))
    scenario.by_hand("chmod -R a+rX /etc/wgreconcile")
    return scenario


@pytest.fixture
def nobody(scenario: Scenario) -> Nobody:
    return Nobody(scenario.host)


def test_validate_render_and_an_offline_plan_work_for_everybody(nobody: Nobody) -> None:
    assert "1 interface, 1 peer" in nobody.run("validate").stdout
    assert "PublicKey" in nobody.run("render").stdout
    plan = nobody.run("plan", "--offline", "--detailed-exitcode", expect=2)
    assert "@@ + interface wg0 @@ never applied" in plan.stdout
    assert "(live)" not in plan.stdout
    assert len(nobody.run("genkey").stdout.strip()) == 44


def test_who_is_not_root_is_told_by_serve(nobody: Nobody) -> None:
    done = nobody.run("serve", expect=1)
    assert done.stderr == "wgreconcile: `wgreconcile serve` needs root: it changes interfaces\n"


def test_what_needs_root_says_so(scenario: Scenario, nobody: Nobody) -> None:
    for arguments in (["plan"], ["apply"], ["apply", "--check"], ["status"]):
        said = nobody.run(*arguments, expect=1).stderr
        assert f"`wgreconcile {arguments[0]}` needs root" in said
        assert "Traceback" not in said
    scenario.apply()
    scenario.by_hand(f"chmod 700 {CONF}")
    done = nobody.run("import", expect=1)
    assert "Traceback" not in done.stderr
    assert "permission denied" in done.stderr.lower()


def test_an_offline_plan_without_the_keys_compares_all_the_rest(scenario: Scenario, nobody: Nobody) -> None:
    alice = ALICE | {"preshared_key": {"file": "alice.psk", "generate": True}}
    scenario.apply(wg0=interface(alice, private_key=None))
    scenario.by_hand(f"chmod a+r {STATE_FOLDER}/*; mkdir -m 755 /run/conf; install -m 644 {CONF}/* /run/conf")
    offline = ["plan", "--offline", "--conf-dir", "/run/conf", "--detailed-exitcode"]
    note = f"note: wg0: the private key and 1 preshared key not compared: {SECRETS} is not readable for you\n"
    done = nobody.run(*offline, expect=2)
    assert done.stderr == note
    assert done.stdout.splitlines()[3:-1] == ["-mode = 0644   (file)", "+mode = 0600   (file)"]

    scenario.by_hand(f"chown 65534 {SECRETS}")  # the folder is ours, and what an apply has made in it root's
    assert nobody.run(*offline, expect=2).stderr == note
    assert "1 interface, 1 peer" in nobody.run("validate").stdout

    scenario.desire(wg0=interface(alice, private_key=None, mtu=1300))
    scenario.by_hand(f"chmod a+r {STATE_FOLDER}/*")
    assert "+mtu = 1300   (file)" in nobody.run(*offline, expect=2).stdout
    done = nobody.run("plan", "--offline")
    assert f"note: {CONF}/wg0.conf is not readable for you, so it looks new\n" in done.stderr
    assert "+preshared_key = (secret)   (file)" in done.stdout


def run_with(scenario: Scenario, programs: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run wgreconcile where only these programs are found."""
    host = scenario.host
    host.run(["mkdir", "-p", "/run/few"])
    for each in programs:
        host.run(["sh", "-c", 'ln -sf "$(command -v "$1")" /run/few/', "sh", each])
    command = ["env", "PATH=/run/few", sys.executable, "-m", "wgreconcile", *arguments]
    return host.run(command, check=False)


@pytest.mark.parametrize(
    ("present", "said"),
    [
        (("ip",), "`wg` is not installed; install the package wireguard-tools"),
        (("wg",), "`ip` is not installed; install the package iproute2"),
    ],
    ids=["no wg", "no ip"],
)
def test_a_missing_program_is_named_with_its_package(
    scenario: Scenario, present: tuple[str, ...], said: str
) -> None:
    for verb in ("plan", "apply", "status"):
        done = run_with(scenario, present, verb)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert run_with(scenario, present, "plan", "--offline").returncode == 0
    assert [*scenario.host.path(CONF).glob("*.conf")] == []


def test_a_missing_wg_quick_changes_nothing(scenario: Scenario) -> None:
    done = run_with(scenario, ("wg", "ip"), "apply")
    assert done.returncode == 1
    assert "`wg-quick` is not installed; install the package wireguard-tools" in done.stderr
    assert [*scenario.host.path(CONF).glob("*.conf")] == []
    scenario.apply()


FIREWALL = "`nft` is not installed; install the package nftables, which wg-quick needs for this"
SYSCTL = "`sysctl` is not installed; install the package procps, which wg-quick needs for this"


@pytest.mark.parametrize(
    ("network", "present", "lacked"),
    [
        ("0.0.0.0/0", ("nft",), [SYSCTL]),
        ("0.0.0.0/0", (), [SYSCTL, FIREWALL]),
        ("0.0.0.0/0", ("iptables-restore", "sysctl"), []),
        ("::/0", ("sysctl",), [FIREWALL]),
        ("::/0", ("nft",), []),
        ("10.20.0.0/16", (), []),
    ],
)
def test_a_full_tunnel_without_what_it_takes_is_told_beforehand(
    scenario: Scenario, network: str, present: tuple[str, ...], lacked: list[str]
) -> None:
    exit_ = peer("exit", network, endpoint="192.0.2.2:51820")
    programs = ("wg", "ip", "wg-quick")
    for each in {"sysctl", "nft", "iptables-restore"} - {*present}:
        scenario.by_hand(f"chmod 644 {PROGRAM_FOLDER}/{each}")  # beside wg-quick, where it looks first
    scenario.desire(wg0=interface(exit_, private_key=None, table="off"))
    assert "apply would fail" not in run_with(scenario, programs, "plan").stderr
    scenario.desire(wg0=interface(exit_, private_key=None))
    warned = [f"warning: wg0: apply would fail: {each}" for each in lacked]
    assert run_with(scenario, programs, "plan").stderr.splitlines() == warned
    if lacked:
        done = run_with(scenario, programs, "apply")
        assert f"wg0: {lacked[0]}\n" in done.stderr
        assert not scenario.is_live()


def test_a_kernel_without_wireguard_is_told_in_the_words_of_wg_quick(scenario: Scenario) -> None:
    real = scenario.host.read(f"{PROGRAM_FOLDER}/ip")
    refusal = 'case "$*" in "link add"*) echo "Unknown device type." >&2; exit 2;; esac'
    scenario.host.install("ip", real.replace("\n", f"\n{refusal}\n", 1))
    scenario.host.install("wireguard-go", "#!/bin/sh\necho no tun >&2; exit 1\n")
    run = scenario.run("apply", expect=1)
    assert "Unknown device type." in run.stderr
    assert "it is back as it was before, which was verified" in run.stderr
