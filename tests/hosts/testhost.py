"""Test hosts: Linux namespaces that behave like separate machines, and vanish with the test.

A host is a network, a mount and a pid namespace, held open by one process. It shares the file system with
the machine except for the folders that WireGuard and wgreconcile write to, which are its own. Nothing of it
is ever visible in the network namespace of the machine that runs the tests.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import testinfra.host

from .infra import TestHostBackend

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = {
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "ping": "iputils-ping",
    "setpriv": "util-linux",
    "sysctl": "procps",
    "unshare": "util-linux",
    "wg": "wireguard-tools",
    "wg-quick": "wireguard-tools",
    "wireguard-go": "wireguard-go",
}
"""The programs that the hosts need, each with its Debian package."""

PRIVATE_FOLDERS = ("/run", "/etc/wireguard", "/etc/wgreconcile", "/var/lib/wgreconcile")
"""Empty at the start and seen by one host only. /run holds wireguard-go's sockets and iptables' lock.

A folder that the machine lacks is made there, to be mounted on, and stays empty.
"""

STATE_FOLDER = "/etc/wgreconcile/state"
"""Desired state of a host, its secrets beside it; without it wgreconcile would take the checkout's."""

PROGRAM_FOLDER = "/run/testhost/bin"
"""First on the host's path: what ``Host.install`` puts here stands in for a program of the machine."""

DNS_LOG = "/run/testhost/resolvconf.log"
"""What the host's resolvconf was called with and fed: wg-quick must never reach the machine's own DNS."""

# $1 is DNS_LOG. An existing resolvconf is covered too, as wg-quick puts its own folder first on the path.
_PREPARE = """
log=$1; shift
for folder in "$@"; do mkdir -p "$folder"; mount -t tmpfs -o mode=755 testhost "$folder"; done
mkdir -p /run/wireguard /run/lock "${log%/*}/bin"
printf '#!/bin/sh\\n{ echo "resolvconf $*"; case $1 in -a) cat;; esac; } >>%s\\n' "$log" \
    >"${log%/*}/bin/resolvconf"
chmod 755 "${log%/*}/bin/resolvconf"
for program in /usr/bin/resolvconf /usr/sbin/resolvconf; do
    if [ -e "$program" ]; then mount --bind "${log%/*}/bin/resolvconf" "$program"; fi
done
ip link set lo up
# A kernel WireGuard link has no automatic link-local address: let wireguard-go's look the same.
# No duplicate address detection, so that an address can be used at once.
sysctl -q net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.all.accept_dad=0 \
    net.ipv6.conf.default.accept_dad=0
echo ready
# The first process of a pid namespace inherits its orphans: ignoring SIGCHLD reaps them.
exec env --ignore-signal=CHLD sleep infinity
"""


def missing() -> str:
    """What keeps this machine from running test hosts, as one sentence with what to do; empty if nothing."""
    if os.geteuid() != 0:
        return "test hosts are Linux namespaces and need root: run the tests with `sudo script/test`"
    packages = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if packages == ["wireguard-go"] and kernel_has_wireguard():
        return ""
    if packages:
        return f"test hosts need the packages {' '.join(packages)}: run `script/test`, which installs them"
    return ""


class HostProcess(subprocess.Popen[str]):
    """A program in a test host, started through nsenter. Signals go to the program, not to nsenter."""

    def send_signal(self, sig: int) -> None:
        """Signal the program; nsenter then ends as the program did."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it may end between the look and the signal
                os.kill(_only_child(self.pid) or self.pid, sig)


class Host:
    """One test host. Use it as a context manager, or call ``close``; it also ends when its maker does."""

    def __init__(self, name: str = "host") -> None:
        self.name = name
        self.pid = 0
        self._interfaces = 0
        # The holder dies with the thread that started it, and takes the host with it, whatever happens to us.
        unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        prepare = ["sh", "-euc", _PREPARE, f"testhost-{name}", DNS_LOG, *PRIVATE_FOLDERS]
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *unshare, "--", *prepare],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
        )
        self.pid = self._wait_until_ready()

    def _wait_until_ready(self) -> int:
        assert self._holder.stdout is not None
        said = []
        for line in self._holder.stdout:
            if line == "ready\n":
                return _only_child(self._holder.pid)
            said.append(line)
        self._holder.wait()
        raise RuntimeError(f"test host {self.name} did not start: {''.join(said)}")

    def __repr__(self) -> str:
        return f"<Host {self.name} pid={self.pid}>"

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the host and with them its interfaces and files. Harmless when repeated."""
        if self._holder.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self._holder.wait()
        if self._holder.stdout is not None:
            self._holder.stdout.close()

    # Programs

    def popen(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path = "/",
        **options: Any,
    ) -> HostProcess:
        """Start a program in the host; ``options`` go to ``subprocess.Popen``, output is piped by default.

        Of the environment only what is named here reaches the program.
        """
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | options
        enter = ["nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--"]
        directory = [] if str(cwd) == "/" else ["env", f"--chdir={cwd}"]
        return HostProcess(
            [*enter, *directory, *map(str, argv)],
            env=_environment() | dict(env or {}),
            text=True,
            errors="replace",
            **options,
        )

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        stdin: str = "",
        check: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: str | Path = "/",
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the host to its end; a status other than 0 fails the test unless ``check=False``.

        ``timeout`` seconds without an end fail it too, and end the program.
        """
        with self.popen(argv, env=env, cwd=cwd, stdin=subprocess.PIPE) as process:
            try:
                stdout, stderr = process.communicate(stdin, timeout)
            except BaseException:
                process.kill()
                raise
        done = subprocess.CompletedProcess([*map(str, argv)], process.returncode, stdout, stderr)
        if check and done.returncode != 0:
            raise AssertionError(_story(self, done, "0"))
        return done

    def wgreconcile(
        self, *arguments: str | Path, expect: int | None = 0, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run wgreconcile in the host; another exit status than ``expect`` fails the test.

        With ``expect=None`` any status may come. ``options`` are those of ``run``.
        """
        done = self.run([sys.executable, "-m", "wgreconcile", *arguments], check=False, **options)
        if expect is not None and done.returncode != expect:
            raise AssertionError(_story(self, done, str(expect)))
        return done

    def install(self, program: str, script: str) -> None:
        """Put an executable script before the machine's programs; wg-quick looks beside itself first."""
        self.write(f"{PROGRAM_FOLDER}/{program}", script, 0o755)

    # Files

    def path(self, path: str | Path) -> Path:
        """Where the test process sees a file of the host."""
        return Path(f"/proc/{self.pid}/root") / str(path).lstrip("/")

    def write(self, path: str | Path, text: str, mode: int = 0o600) -> None:
        """Write a file with exactly this mode, making its folders."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def read(self, path: str | Path) -> str:
        """The text of a file."""
        return self.path(path).read_text()

    # Checks

    @cached_property
    def infra(self) -> testinfra.host.Host:
        """The host as testinfra sees it: ``host.infra.interface("wg0").addresses``."""
        return TestHostBackend.connect(self.name, self.popen)

    def new_interface_name(self) -> str:
        """The next of eth0, eth1, …"""
        self._interfaces += 1
        return f"eth{self._interfaces - 1}"


def link(one: Host, other: Host, *addresses: tuple[str, str]) -> tuple[str, str]:
    """Join two hosts by a cable, with pairs of addresses on its ends; return the names of the two ends."""
    near, far = one.new_interface_name(), other.new_interface_name()
    # From within: older kernels refuse a name that is taken where the command runs, and many have an eth0.
    cable = ["nsenter", f"--net=/proc/{one.pid}/ns/net", "ip", "link", "add", near, "type", "veth"]
    subprocess.run([*cable, "peer", "name", far, "netns", str(other.pid)], check=True)
    ends = ((one, near), (other, far))
    # Both ends up before any address: otherwise the first IPv6 neighbour solicitation is lost, a second each.
    for host, name in ends:
        host.run(["ip", "link", "set", name, "up"])
    for (host, name), side in zip(ends, zip(*addresses, strict=True), strict=True):
        for address in side:
            host.run(["ip", "address", "add", address, "dev", name])
    return near, far


def key_pair(label: str) -> tuple[str, str]:
    """A private and a public key, the same ones for the same label."""
    secret = bytearray(hashlib.sha256(label.encode()).digest())
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    private = base64.b64encode(secret).decode()
    done = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True)
    return private, done.stdout.strip()


def kernel_has_wireguard() -> bool:
    """Whether a WireGuard link can be made, tried where it disturbs nobody."""
    probe = ["unshare", "--net", "ip", "link", "add", "wgprobe", "type", "wireguard"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _only_child(pid: int) -> int:
    """The process that unshare or nsenter waits for; 0 when it has none yet."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else 0


def _environment() -> dict[str, str]:
    """A fixed environment: variables of the machine that runs the tests must not decide what they find."""
    return {
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PATH": f"{PROGRAM_FOLDER}:{os.environ.get('PATH', os.defpath)}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(REPOSITORY),
        "WGRECONCILE_STATE": STATE_FOLDER,
    }


def _story(host: Host, done: subprocess.CompletedProcess[str], expected: str) -> str:
    """Everything about a program that ended otherwise than expected."""
    return (
        f"on {host.name}: {' '.join(done.args)}\nended with {done.returncode}, not {expected}\n"
        f"--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
    )
