"""A test host that wgreconcile manages, and what every apply promises: a second one finds nothing to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

import pytest
import yaml

from . import scenario_recording as recording
from . import testhost
from .scenario_recording import Call
from .testhost import PROGRAM_FOLDER, REPOSITORY, STATE_FOLDER, Host

SECRETS = "/etc/wgreconcile/secrets"
VAR = "/var/lib/wgreconcile"
CONF = "/etc/wireguard"
HOOK_LOG = "/run/testhost/hooks.log"

LATER = "import time; now = time.time_ns; time.time_ns = lambda: now() + 10**10\n"
"""Lets a Python that starts with it believe that ten seconds went by."""

Document = dict[str, Any]
_RECAP = re.compile(r"^(\S+) *: ok=(\d+) changed=(\d+) failed=(\d+)$", re.MULTILINE)


@cache
def public_key(label: str) -> str:
    """The public key of the pair with this label."""
    return testhost.key_pair(label)[1]


@cache
def private_key(label: str) -> str:
    """The private key of the pair with this label; also serves as a preshared key."""
    return testhost.key_pair(label)[0]


def interface(*peers: Document, label: str = "wg0", **fields: Any) -> Document:
    """A document: wg0 with 10.9.0.1/24 and fd09::1/64 on port 51820, unless ``fields`` say otherwise.

    A field given as None is left out.
    """
    document = {
        "private_key": private_key(label),
        "address": ["10.9.0.1/24", "fd09::1/64"],
        "listen_port": 51820,
    }
    return {key: value for key, value in (document | fields | {"peers": [*peers]}).items() if value is not None}


def peer(label: str, *allowed_ips: str, **fields: Any) -> Document:
    """A peer of a document, with the key pair of its label."""
    return {"name": label, "public_key": public_key(label), "allowed_ips": [*allowed_ips], **fields}


def hooks(version: str, *fields: str) -> Document:
    """Hooks of all four kinds, or of the named ones, that write ``<version> <kind> <interface>`` to HOOK_LOG."""
    kinds = fields or ("pre_up", "post_up", "pre_down", "post_down")
    return {kind: [f"echo {version} {kind} %i >>{HOOK_LOG}"] for kind in kinds}


@dataclass(frozen=True)
class Run:
    """A run of wgreconcile: how it ended, what it printed, which programs it started."""

    status: int
    stdout: str
    stderr: str
    calls: tuple[Call, ...]

    @property
    def changed(self) -> dict[str, int]:
        """How many subjects changed, by interface, as the recap says."""
        return {name: int(changed) for name, _, changed, _ in _RECAP.findall(self.stdout)}

    @property
    def failed(self) -> dict[str, int]:
        """What failed, by interface, as the recap says."""
        return {name: int(failed) for name, _, _, failed in _RECAP.findall(self.stdout)}

    @property
    def writes(self) -> list[str]:
        """The programs that may have changed something, in order."""
        return [str(each) for each in self.calls if each.writes]

    @property
    def wg_quick(self) -> list[str]:
        """What wg-quick was started for: ``["down", "up"]`` is a restart."""
        return [each.words[1] for each in self.calls if each.words[0] == "wg-quick"]

    @property
    def causes(self) -> set[str]:
        """Every cause that the printed diff names."""
        found = re.findall(r"^@@ .* @@ (.*); disruption: ", self.stdout, re.MULTILINE)
        return {cause for each in found for cause in each.split(", ")}

    @property
    def disruption(self) -> str:
        """The greatest disruption that the printed diff names; empty without any."""
        order = ("", "none", "peer", "interface", "restart")
        return max(re.findall(r"; disruption: (\w+)$", self.stdout, re.MULTILINE), key=order.index, default="")

    def __str__(self) -> str:
        started = "\n".join(map(str, self.calls))
        return (
            f"status {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}\n--- started\n{started}"
        )


class Scenario:
    """A test host with desired state in YAML files, on which every program that wgreconcile starts is recorded."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._environment: dict[str, str] = {}
        host.path(STATE_FOLDER).mkdir(exist_ok=True)
        recording.record(host)

    def trust_young_files(self) -> None:
        """Let wgreconcile believe that ten seconds went by, for it doubts what it remembers of younger files."""
        self.host.write("/run/testhost/later/sitecustomize.py", LATER)
        self._environment = {"PYTHONPATH": f"/run/testhost/later:{REPOSITORY}"}

    # Desired state

    def desire(self, **interfaces: Document) -> None:
        """Let the state hold these interfaces and no others."""
        for path in self.host.path(STATE_FOLDER).glob("*.yaml"):
            if path.stem not in interfaces:
                path.unlink()
        for name, document in interfaces.items():
            path, text = f"{STATE_FOLDER}/{name}.yaml", yaml.safe_dump(document, sort_keys=False)
            if not self.host.path(path).exists() or self.host.read(path) != text:
                self.host.write(path, text)

    def keep_secret(self, name: str, key: str) -> None:
        """Put a key into the secret folder."""
        self.host.path(SECRETS).mkdir(mode=0o700, exist_ok=True)
        self.host.write(f"{SECRETS}/{name}", f"{key}\n")

    # Runs

    def run(self, *arguments: str, expect: int | None = 0, **options: Any) -> Run:
        """Run wgreconcile; another exit status than ``expect`` fails the test."""
        mark = recording.mark(self.host)
        done = self.host.wgreconcile(*arguments, expect=expect, **{"env": self._environment, **options})
        return Run(done.returncode, done.stdout, done.stderr, recording.calls(self.host, mark))

    def apply(self, *arguments: str, **interfaces: Document) -> Run:
        """Apply, with ``--diff``, after ``desire`` if there are interfaces; then check that it is settled."""
        if interfaces:
            self.desire(**interfaces)
        run = self.run("apply", "--diff", *arguments)
        assert not any(run.failed.values()), run
        self.check_settled(*(each for each in arguments if not each.startswith("-")))
        return run

    def plan(self, *arguments: str, expect: int = 2) -> Run:
        """The plan; by default there must be changes."""
        run = self.run("plan", "--detailed-exitcode", *arguments, expect=expect)
        assert run.writes == [], run
        return run

    def check_settled(self, *names: str, plan: bool = True) -> None:
        """The next plan is empty, and another apply changes nothing: it starts no program that writes, nor a file.

        ``plan=False`` leaves the plan out, which says the same in less detail.
        """
        mark, files = recording.mark(self.host), self._files()
        verbs = [["apply", "--diff", *names], *([["plan", "--detailed-exitcode", *names]] if plan else [])]
        command = [sys.executable, "-m", "wgreconcile"]
        started = [self.host.popen([*command, *verb], env=self._environment) for verb in verbs]
        ended = [_ended(each) for each in started]
        again, *plans = (Run(*each, recording.calls(self.host, mark)) for each in ended)
        assert all(each.status == 0 for each in plans), plans[0]
        assert again.status == 0, again
        assert not any(again.changed.values()), again
        assert not any(again.failed.values()), again
        assert again.writes == [], again
        touched = {path for path, _ in {*self._files().items()} ^ {*files.items()}}
        assert not touched, f"written again: {touched}"

    def _files(self) -> dict[str, tuple[int, ...]]:
        """All files that wgreconcile could write, its cache apart, with what any writing would change."""
        found = {}
        for folder in (CONF, "/etc/wgreconcile", VAR):
            root = self.host.path(folder)
            for path in (root, *root.rglob("*")):
                if "cache" in path.parts:
                    continue
                stat = path.lstat()
                found[str(path)] = (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_mode)
        return found

    # The host

    def wg(self, *words: str, name: str = "wg0") -> str:
        """``wg show NAME …``: ``wg("peers")``."""
        return self.host.run([_real("wg"), "show", name, *words]).stdout.strip()

    def peers(self, field: str, name: str = "wg0") -> dict[str, str]:
        """A field of all live peers by public key: ``peers("endpoints")``."""
        return dict(line.split("\t") for line in self.wg(field, name=name).splitlines())

    def allowed_ips(self, name: str = "wg0") -> dict[str, set[str]]:
        """The allowed IPs of all live peers by public key."""
        return {
            key: {*value.replace("(none)", "").split()} for key, value in self.peers("allowed-ips", name).items()
        }

    def addresses(self, name: str = "wg0") -> list[str]:
        """The addresses of a live interface with the lengths of their networks, as ``ip`` orders them."""
        (link,) = json.loads(self.ip("-json", "address", "show", "dev", name))
        return [f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]]

    def routes(self, name: str = "wg0", table: str = "main") -> set[str]:
        """Routes through an interface, but for those that the kernel makes for its addresses."""
        shown = (self.ip(f"-{each}", "-json", "route", "show", "dev", name, "table", "all") for each in (4, 6))
        routes = [each for text in shown for each in json.loads(text or "[]")]
        return {
            each["dst"]
            for each in routes
            if each.get("table", "main") == table and each.get("protocol") != "kernel"
        }

    def rules(self, version: int) -> list[str]:
        """The policy rules beside the three that every host has, the first to be asked first."""
        shown = self.ip(f"-{version}", "rule", "show").splitlines()
        rules = [line.partition(":")[2].strip() for line in shown]
        return [each for each in rules if each.rpartition(" ")[2] not in ("local", "main", "default")]

    def mtu(self, name: str = "wg0") -> int:
        """The MTU of a live interface."""
        return int(self.link(name)["mtu"])

    def link(self, name: str = "wg0") -> Document:
        """What ``ip link`` shows."""
        (found,) = json.loads(self.ip("-json", "link", "show", "dev", name))
        return dict(found)

    def is_live(self, name: str = "wg0") -> bool:
        """Whether the interface exists."""
        return bool(self.host.infra.interface(name).exists)

    def ip(self, *words: str) -> str:
        """Run the machine's own ``ip``, unrecorded."""
        return self.host.run([_real("ip"), *words]).stdout

    def by_hand(self, line: str) -> None:
        """What somebody types on the host, unrecorded: the machine's own programs come first."""
        path = f"{os.environ.get('PATH', os.defpath)}:{PROGRAM_FOLDER}"
        self.host.run(["bash", "-euo", "pipefail", "-c", line], env={"PATH": path})

    def hook_log(self) -> list[str]:
        """What the hooks wrote since the last look."""
        path = self.host.path(HOOK_LOG)
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def conf(self, name: str = "wg0") -> str:
        """The configuration file."""
        return self.host.read(f"{CONF}/{name}.conf")

    def snapshot(self, name: str = "wg0") -> Document:
        """All that a way back must restore: the file to the byte, everything live, rules and firewall."""
        path = self.host.path(f"{CONF}/{name}.conf")
        found: Document = {
            "file": path.read_bytes() if path.exists() else None,
            "mode": path.stat().st_mode if path.exists() else None,
            "rules": [self.rules(version) for version in (4, 6)],
            "firewall": self.host.run([_real("nft"), "list", "ruleset"]).stdout,
            "live": self.is_live(name),
        }
        if found["live"]:
            shown = self.host.run([_real("wg"), "showconf", name], check=False).stdout
            found["wg"] = sorted(shown.strip().split("\n\n"))
            found["addresses"] = self.addresses(name)
            found["link"] = {key: self.link(name)[key] for key in ("mtu", "flags")}
            found["routes"] = sorted(
                line.strip()
                for version in (4, 6)
                for line in self.ip(f"-{version}", "route", "show", "dev", name, "table", "all").splitlines()
            )
        return found


class Shared:
    """One managed host for many tests, brought to the same state before each of them.

    ``prepare`` is typed by hand on a new host. A test is to leave it as it found it. If it does not, because it
    failed, the next one gets a new host.
    """

    def __init__(self, prepare: str = "", **state: Document) -> None:
        self._prepare = prepare
        self._state = state
        self._stack = ExitStack()
        self._scenario: Scenario | None = None
        self._expected: Document = {}

    def __enter__(self) -> Shared:
        if reason := testhost.missing():
            pytest.fail(reason, pytrace=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def scenario(self) -> Scenario:
        """The host, with the state applied and nothing else."""
        if self._scenario is None or self._seen(self._scenario) != self._expected:
            self._stack.close()
            self._scenario = Scenario(self._stack.enter_context(Host("host")))
            self._scenario.by_hand(self._prepare)
            self._scenario.desire(**self._state)
            self._scenario.run("apply")
            self._expected = self._seen(self._scenario)
        self._scenario.desire(**self._state)
        self._scenario.hook_log()
        return self._scenario

    def _seen(self, scenario: Scenario) -> Document:
        return {name: scenario.snapshot(name) for name in self._state}


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether a condition comes true soon."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _ended(process: testhost.HostProcess) -> tuple[int, str, str]:
    with process:
        stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


@cache
def _real(program: str) -> str:
    found = shutil.which(program)
    assert found, program
    return found
