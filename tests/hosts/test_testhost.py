"""The test hosts themselves: real tunnels, separate hosts, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .pinger import Pinger
from .testhost import DNS_LOG, REPOSITORY, STATE_FOLDER, Host, key_pair, link

CONF = """\
[Interface]
PrivateKey = {private}
Address = {address}
ListenPort = 51820
{more}
[Peer]
PublicKey = {public}
AllowedIPs = {allowed}
Endpoint = {endpoint}
"""


def tunnel(one: Host, other: Host, more: str = "") -> None:
    """Bring up wg0 on both hosts with plain wg-quick: 10.9.0.1 and fd09::1, 10.9.0.2 and fd09::2."""
    (private_one, public_one), (private_other, public_other) = key_pair("one"), key_pair("other")
    for host, private, public, near, far in (
        (one, private_one, public_other, 1, 2),
        (other, private_other, public_one, 2, 1),
    ):
        conf = CONF.format(
            private=private,
            public=public,
            address=f"10.9.0.{near}/24, fd09::{near}/64",
            allowed=f"10.9.0.{far}/32, fd09::{far}/128",
            endpoint=f"192.0.2.{far}:51820",
            more=more,
        )
        host.write("/etc/wireguard/wg0.conf", conf)
        host.run(["wg-quick", "up", "wg0"])


def processes_in(namespace: str) -> list[str]:
    """The processes of the whole machine that are in a network namespace."""
    return [entry.name for entry in Path("/proc").glob("[0-9]*") if _namespace(entry) == namespace]


def _namespace(entry: Path) -> str:
    try:
        return str((entry / "ns/net").readlink())
    except OSError:  # it ended meanwhile, or is a zombie, which is in no namespace
        return ""


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether a condition comes true soon; the kernel takes network namespaces down in the background."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_wg_quick_tunnel_carries_pings_of_both_families(pair: tuple[Host, Host]) -> None:
    one, other = pair
    tunnel(one, other)
    for address in ("10.9.0.2", "fd09::2"):
        one.run(["ping", "-c", "2", "-i", "0.01", "-W", "5", address])
    assert "latest handshake" in other.run(["wg", "show", "wg0"]).stdout


def test_same_interface_name_on_both_hosts_does_not_collide(pair: tuple[Host, Host]) -> None:
    one, other = pair
    tunnel(one, other)
    keys = [host.run(["wg", "show", "wg0", "public-key"]).stdout.strip() for host in pair]
    assert keys == [key_pair("one")[1], key_pair("other")[1]]
    one.run(["wg-quick", "down", "wg0"])
    assert not one.infra.interface("wg0").exists
    assert other.infra.interface("wg0").exists
    assert not Path("/sys/class/net/wg0").exists()


def test_testinfra_sees_the_host(pair: tuple[Host, Host]) -> None:
    one, other = pair
    tunnel(one, other)
    assert one.infra.interface("wg0").addresses == ["10.9.0.1", "fd09::1"]
    assert one.infra.interface("eth0").addresses == ["192.0.2.1", "2001:db8::1"]
    assert one.infra.file("/etc/wireguard/wg0.conf").mode == 0o600
    assert one.infra.check_output("wg show %s listen-port", "wg0") == "51820"
    assert one.infra.run("exit 3").rc == 3


def test_pinger_counts_every_ping_of_a_good_tunnel(pair: tuple[Host, Host]) -> None:
    tunnel(*pair)
    with Pinger(pair[0], "10.9.0.2") as pings:
        time.sleep(0.5)
    assert pings.lost == ()
    assert pings.received == tuple(range(1, pings.sent + 1))
    assert pings.sent >= 20
    assert 0.005 < pings.longest_pause < 5


def test_pinger_tells_which_pings_an_interruption_costs(pair: tuple[Host, Host]) -> None:
    one, other = pair
    tunnel(one, other)
    # A link of the kernel forgets its sessions, which the other end notices after 15 seconds.
    with Pinger(one, "10.9.0.2", patience=30) as pings:
        other.run(["ip", "link", "set", "wg0", "down"])
        time.sleep(0.2)
        other.run(["ip", "link", "set", "wg0", "up"])
    assert len(pings.lost) >= 8  # the kernel's tick makes the interval somewhat longer
    assert pings.lost == tuple(range(pings.lost[0], pings.lost[-1] + 1))
    assert pings.longest_pause >= 0.2


def test_pinger_reports_an_end_that_never_answers_again(pair: tuple[Host, Host]) -> None:
    one, other = pair
    tunnel(one, other)
    with Pinger(one, "10.9.0.2", patience=0.3) as pings:
        other.run(["ip", "link", "del", "wg0"])
    assert pings.lost[-1] == pings.sent > pings.received[-1]


def test_pinger_needs_a_first_answer(host: Host) -> None:
    with pytest.raises(AssertionError, match="no answer from"), Pinger(host, "192.0.2.9", patience=0.3):
        pass


def test_full_tunnel_finds_its_firewall_and_rule_support(pair: tuple[Host, Host]) -> None:
    one, _ = pair
    private, public = key_pair("one")[0], key_pair("other")[1]
    conf = CONF.format(
        private=private,
        public=public,
        address="10.9.0.1/24",
        more="",
        allowed="0.0.0.0/0, ::/0",
        endpoint="192.0.2.2:51820",
    )
    one.write("/etc/wireguard/wg0.conf", conf)
    one.run(["wg-quick", "up", "wg0"])
    assert "lookup 51820" in one.run(["ip", "rule", "show"]).stdout
    one.run(["wg-quick", "down", "wg0"])
    assert "lookup 51820" not in one.run(["ip", "rule", "show"]).stdout


def test_dns_reaches_the_log_of_the_host_and_not_the_machine(pair: tuple[Host, Host]) -> None:
    before = Path("/etc/resolv.conf").read_text()
    tunnel(*pair, more="DNS = 192.0.2.53")
    assert "nameserver 192.0.2.53" in pair[0].read(DNS_LOG)
    assert Path("/etc/resolv.conf").read_text() == before


def test_hosts_keep_their_files_apart_from_each_other_and_the_machine(pair: tuple[Host, Host]) -> None:
    one, other = pair
    for folder in ("/etc/wireguard", "/run/wireguard", "/var/lib/wgreconcile", "/etc/wgreconcile"):
        one.write(f"{folder}/new/file", "text\n", 0o640)
        assert one.read(f"{folder}/new/file") == "text\n"
        assert one.infra.file(f"{folder}/new/file").mode == 0o640
        assert not other.path(f"{folder}/new").exists()
        assert not Path(f"{folder}/new").exists()


def test_ipv6_addresses_of_a_link_are_usable_at_once(pair: tuple[Host, Host]) -> None:
    assert "tentative" not in pair[0].run(["ip", "address", "show", "dev", "eth0"]).stdout
    pair[0].run(["ping", "-c", "1", "-W", "5", "2001:db8::2"])


def test_a_host_can_be_joined_to_several_others(make_host: Callable[[str], Host]) -> None:
    router, left, right = map(make_host, ("router", "left", "right"))
    assert link(router, left, ("192.0.2.1/25", "192.0.2.2/25")) == ("eth0", "eth0")
    assert link(router, right, ("192.0.2.129/25", "192.0.2.130/25")) == ("eth1", "eth0")
    router.run(["sysctl", "-q", "net.ipv4.ip_forward=1"])
    left.run(["ip", "route", "add", "default", "via", "192.0.2.1"])
    right.run(["ip", "route", "add", "default", "via", "192.0.2.129"])
    left.run(["ping", "-c", "1", "-W", "5", "192.0.2.130"])


def test_run_passes_arguments_input_folder_and_environment_as_given(host: Host) -> None:
    assert host.run(["printf", "%s|", "a b", "$(id)"]).stdout == "a b|$(id)|"
    assert host.run(["cat"], stdin="secret\n").stdout == "secret\n"
    assert host.run(["pwd"], cwd="/etc/wireguard").stdout == "/etc/wireguard\n"
    assert host.run(["sh", "-c", "echo $ONE"], env={"ONE": "1"}).stdout == "1\n"


def test_environment_of_the_machine_does_not_reach_the_host(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WGRECONCILE_STATE", "/nowhere")
    monkeypatch.setenv("WGRECONCILE_VAR", "/nowhere")
    assert "/nowhere" not in host.run(["env"]).stdout
    assert f"WGRECONCILE_STATE={STATE_FOLDER}\n" in host.run(["env"]).stdout


def test_run_tells_the_whole_story_of_a_failure(host: Host) -> None:
    with pytest.raises(AssertionError, match=r"(?s)on host: sh -c.*ended with 4.*out.*err"):
        host.run(["sh", "-c", "echo out; echo err >&2; exit 4"])
    assert host.run(["false"], check=False).returncode == 1


def test_run_ends_a_program_that_takes_too_long(host: Host) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        host.run(["sleep", "60"], timeout=0.1)
    assert "sleep 60" not in host.run(["ps", "ax"]).stdout


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_program_and_show_in_its_status(host: Host, sent: signal.Signals) -> None:
    with host.popen(["sh", "-c", "echo up; exec sleep 60"]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(sent)
        assert process.wait() == -sent


def test_a_program_can_catch_its_signal(host: Host) -> None:
    script = 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.01; done'
    with host.popen(["sh", "-c", script]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.terminate()
        assert process.wait() == 7
        assert process.stdout.read() == "bye\n"


def test_orphans_are_reaped(host: Host) -> None:
    host.run(["sh", "-c", "sleep 0.01 &"])
    assert eventually(lambda: "sleep 0.01" not in host.run(["ps", "ax"]).stdout)
    assert "defunct" not in host.run(["ps", "ax"]).stdout


def test_installed_program_stands_in_for_one_of_the_machine(host: Host) -> None:
    host.install("wgreconcile-hook", "#!/bin/sh\necho called\n")
    assert host.run(["wgreconcile-hook"]).stdout == "called\n"


def test_wgreconcile_applies_the_state_of_the_host(host: Host) -> None:
    host.write(f"{STATE_FOLDER}/wg0.yaml", "address: [10.9.0.1/24]\nlisten_port: 51820\n")
    host.wgreconcile("apply")
    assert host.infra.interface("wg0").addresses == ["10.9.0.1"]
    assert host.infra.file("/etc/wgreconcile/secrets/wg0.key").mode == 0o600


def test_wgreconcile_answers_and_a_wrong_status_fails(host: Host) -> None:
    assert host.wgreconcile("--help").stdout.startswith("usage: wgreconcile")
    with pytest.raises(AssertionError, match="ended with 0, not 75"):
        host.wgreconcile("--help", expect=75)


def test_close_leaves_nothing(make_host: Callable[[str], Host]) -> None:
    one, other = make_host("one"), make_host("other")
    link(one, other, ("192.0.2.1/24", "192.0.2.2/24"))
    tunnel(one, other)
    namespace = _namespace(Path(f"/proc/{one.pid}"))
    assert len(processes_in(namespace)) >= 1
    one.close()
    assert processes_in(namespace) == []
    assert not Path(f"/proc/{one.pid}").exists()
    assert eventually(lambda: not other.infra.interface("eth0").exists), "the cable hangs on"
    one.close()


def test_a_killed_test_run_leaves_nothing(make_host: Callable[[str], Host]) -> None:
    """Start a host in another Python, with wireguard-go in it, and kill -9 that Python."""
    make_host("unused")  # for its check of what the machine has
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from hosts.testhost import Host\n"
        "host = Host('doomed')\n"
        "host.write('/etc/wireguard/wg0.conf', '[Interface]\\nListenPort = 51820\\n')\n"
        "host.run(['wg-quick', 'up', 'wg0'])\n"
        "stubborn = host.popen(['sh', '-c', 'trap : TERM HUP INT; (setsid sleep 300 &); sleep 300'])\n"
        "print(host.pid, flush=True)\n"
        "input()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": REPOSITORY}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as python:
        pid = int(python.stdout.readline())
        namespace = _namespace(Path(f"/proc/{pid}"))
        assert eventually(lambda: len(processes_in(namespace)) >= 4)
        os.kill(python.pid, signal.SIGKILL)
    assert eventually(lambda: processes_in(namespace) == [])


def test_a_failing_start_says_why(monkeypatch: pytest.MonkeyPatch, make_host: Callable[[str], Host]) -> None:
    monkeypatch.setattr("tests.hosts.testhost._PREPARE", "echo no such luck; exit 1")
    with pytest.raises(RuntimeError, match="test host broken did not start: no such luck"):
        make_host("broken")


def test_a_machine_without_root_or_programs_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.hosts.testhost.PROGRAMS", {"no-such-program": "such-package"})
    module = sys.modules["tests.hosts.testhost"]
    assert "packages such-package: run `script/test`" in module.missing()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "need root" in module.missing()
