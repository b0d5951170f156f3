"""The examples, through the command line as a person types it: each is sound and plans as its text says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wgreconcile.observed.conf import Conf, ConfPeer, parse_conf
from wgreconcile.planning.routes import default_routes, expected_routes
from wgreconcile.values import SecretKey

EXAMPLES = Path(__file__).parents[1] / "examples"
PEERS = {"road-warrior": 2, "site-to-site/a": 1, "site-to-site/b": 1, "dual-stack": 4, "full-tunnel": 1}
"""Every state among the examples, with the number of its peers; the generated one comes on top."""
DOCUMENTS = sorted(EXAMPLES.rglob("*.yaml"))
GENERATED = "thousand-peers"
KEYS = ("wg0.key", "wg0/laptop.psk", "site-a.key", "site-b.key", "laptop.key")
WHILE_ALL_ARE_WELCOME, AFTER_THE_CONTRACTOR = "2026-01-01", "2031-01-01"

Run = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Example:
    """A state, with a host of its own that has nothing but keys."""

    state: Path
    host: Path
    secrets: Path

    @property
    def interface(self) -> str:
        return next(self.state.glob("*.yaml")).stem

    @property
    def conf_file(self) -> Path:
        return self.host / "conf" / f"{self.interface}.conf"

    def wgreconcile(self, verb: str, *arguments: str, status: int = 0) -> Run:
        where = ("--state", self.state, "--secrets", self.secrets)
        memory = ("--conf-dir", self.host / "conf", "--var", self.host / "var")
        done = run(sys.executable, "-m", "wgreconcile", verb, *arguments, *where, *memory)
        assert done.returncode == status, done.stderr
        return done

    def plan(self, *arguments: str, at: str = WHILE_ALL_ARE_WELCOME) -> dict[str, Any]:
        done = self.wgreconcile("plan", "--offline", "-o", "json", "--at", at, *arguments)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def conf(self) -> Conf:
        """The meaning of the file that an apply would write."""
        return parse_conf(self.wgreconcile("render", "--show-secrets").stdout, "rendered")

    def peer(self, name: str) -> ConfPeer:
        return next(each for each in self.conf().peers if each.name == name)


def run(*argv: object) -> Run:
    return subprocess.run([*map(str, argv)], capture_output=True, text=True, check=False, timeout=120)


def make(folder: Path, *arguments: str) -> Run:
    return run(sys.executable, EXAMPLES / GENERATED / "make", folder, *arguments)


Load = Callable[[str], Example]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / "state"
    assert make(folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys that first applies of all examples would make."""
    host = tmp_path_factory.mktemp("keys")
    maker = Example(EXAMPLES, host, host / "secrets")
    for key in KEYS:
        maker.wgreconcile("genkey", key)
    return maker.secrets


@pytest.fixture
def load(tmp_path: Path, secrets: Path, request: pytest.FixtureRequest) -> Load:
    """A function that gives an example by name, on a host that has all keys."""

    def named(name: str) -> Example:
        state = request.getfixturevalue("generated") if name == GENERATED else EXAMPLES / name
        return Example(state, tmp_path / name, secrets)

    return named


@pytest.fixture(params=[*PEERS, GENERATED])
def example(request: pytest.FixtureRequest, load: Load) -> Example:
    return load(request.param)


def test_no_example_is_left_out() -> None:
    assert {str(each.parent.relative_to(EXAMPLES)) for each in DOCUMENTS} == {
        *PEERS,
        "dual-stack/wg0",  # peers, one a file
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_every_document_begins_with_a_comment_that_teaches(path: Path) -> None:
    first, _, rest = path.read_text().partition("\n")
    assert first.startswith("# ")
    assert first.endswith(".") or rest.startswith("#")  # a whole sentence, or one that goes on


def test_validate_finds_neither_fault_nor_warning(example: Example) -> None:
    done = example.wgreconcile("validate")
    peers = {str(EXAMPLES / name): count for name, count in PEERS.items()}.get(str(example.state), 1000)
    assert done.stderr == ""
    assert done.stdout == f"valid: 1 interface, {peers} peer{'s' * (peers != 1)}\n"


def test_the_first_plan_makes_the_interface_and_every_active_peer(example: Example) -> None:
    plan = example.plan()
    (interface,) = plan["interfaces"]
    created = [each for each in interface["changes"] if each["peer"]]
    assert interface["name"] == example.interface
    assert plan["changed"] and plan["disruption"] == "none"  # nobody is connected yet
    assert {each["action"] for each in interface["changes"]} == {"create"}
    assert {each["cause"] for each in interface["changes"]} == {"never applied"}
    assert {each["peer"] for each in created} >= {str(each.public_key) for each in example.conf().peers}
    assert interface["steps"] == ["WriteFile"]


def test_the_plan_is_empty_once_the_rendered_file_is_there(example: Example) -> None:
    example.conf_file.parent.mkdir(parents=True)
    example.conf_file.touch(0o600)
    example.conf_file.write_text(example.wgreconcile("render", "--show-secrets").stdout)
    plan = example.wgreconcile("plan", "--offline", "--detailed-exitcode")
    assert "changed=0" in plan.stdout


def test_the_plan_for_programs_is_as_its_schema_says(example: Example) -> None:
    schema = json.loads((EXAMPLES.parent / "schemas" / "plan.schema.json").read_text())
    Draft202012Validator(schema).validate(example.plan())


def test_pending_changes_are_told_by_the_status(example: Example) -> None:
    example.wgreconcile("plan", "--offline", "--detailed-exitcode", status=2)


def test_no_key_is_printed_unless_asked_for(example: Example) -> None:
    shown = [example.wgreconcile(verb, *more).stdout for verb, *more in (["render"], ["plan", "--offline"])]
    for key in KEYS:
        assert (example.secrets / key).read_text().strip() not in "".join(shown)
    assert "PrivateKey = (secret)" in shown[0]


def test_a_newcomers_plan_makes_no_key_and_writes_no_file(example: Example) -> None:
    newcomer = replace(example, secrets=example.host / "secrets")
    assert newcomer.plan()["changed"]
    assert not newcomer.secrets.exists()
    assert not newcomer.conf_file.exists()


def test_a_road_warriors_own_file_leads_to_the_office(load: Load) -> None:
    text = load("road-warrior").wgreconcile("render", "--client", "alice-laptop", "--show-secrets").stdout
    assert "Address = 10.66.0.2/32, fd66::2/128\n" in text
    assert "AllowedIPs = 10.66.0.0/24, fd66::/64\n" in text
    assert "Endpoint = vpn.example.com:51820\n" in text


def test_road_warriors_call_and_are_not_called(load: Load) -> None:
    conf = load("road-warrior").conf()
    assert conf.listen_port == 51820
    assert all(each.endpoint is None for each in conf.peers)


def test_the_two_sites_fit_together(load: Load) -> None:
    a, b = load("site-to-site/a"), load("site-to-site/b")
    site_a, site_b = a.conf(), b.conf()
    (to_a,), (to_b,) = site_b.peers, site_a.peers
    assert to_a.endpoint and to_a.endpoint.port == site_a.listen_port
    assert to_b.endpoint is None and site_b.listen_port is None  # only B calls
    assert to_a.persistent_keepalive and not to_b.persistent_keepalive
    assert site_a.address[0].network == site_b.address[0].network
    assert f"{site_a.address[0].ip}/32" in to_a.allowed_ips
    assert f"{site_b.address[0].ip}/32" in to_b.allowed_ips


@pytest.mark.parametrize(("site", "network"), [("a", "192.168.20.0/24"), ("b", "192.168.10.0/24")])
def test_each_site_has_a_route_to_the_others_network_and_passes_packets_on(
    load: Load, site: str, network: str
) -> None:
    conf = load(f"site-to-site/{site}").conf()
    assert {each.network for each in expected_routes(conf, 0)} == {network}
    assert conf.pre_up == ("sysctl -w net.ipv4.ip_forward=1",)


def test_every_dual_stack_road_warrior_has_an_address_of_each_version(load: Load) -> None:
    example = load("dual-stack")
    assert {each.version for each in example.conf().address} == {4, 6}
    assert {each.version for each in example.peer("laptop").allowed_ips} == {4, 6}
    assert example.peer("branch").endpoint == "[2001:db8:b::1]:51820"
    assert {each.network for each in expected_routes(example.conf(), 0)} == {"2001:db8:b::/48"}


def test_a_preshared_key_reaches_both_files(load: Load) -> None:
    example = load("dual-stack")
    key = (example.secrets / "wg0/laptop.psk").read_text().strip()
    assert example.peer("laptop").preshared_key == SecretKey(key)
    own = example.wgreconcile("render", "--client", "laptop", "--show-secrets").stdout
    assert f"PresharedKey = {key}\n" in own


def test_a_disabled_peer_stays_in_the_state_and_an_expired_one_goes_by_itself(load: Load) -> None:
    def names(at: str) -> set[str]:
        (interface,) = load("dual-stack").plan(at=at)["interfaces"]
        return {each["name"] for each in interface["changes"] if each["peer"]}

    assert names(WHILE_ALL_ARE_WELCOME) == {"laptop", "branch", "contractor"}
    assert names(AFTER_THE_CONTRACTOR) == {"laptop", "branch"}


def test_the_full_tunnel_takes_both_default_routes(load: Load) -> None:
    conf = load("full-tunnel").conf()
    assert default_routes(conf) == {"0.0.0.0/0", "::/0"}
    assert conf.dns == ("10.30.0.1", "fd30::1")


def test_every_tenth_of_a_thousand_peers_has_a_route(load: Load) -> None:
    conf = load(GENERATED).conf()
    assert len(conf.peers) == 1000
    assert len(expected_routes(conf, 0)) == 100


def test_the_script_writes_the_same_state_again_and_never_over_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert make(tmp_path / name, "--peers", "30").returncode == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    refused = make(tmp_path / "one")
    assert refused.returncode == 2 and "exists already" in refused.stderr
    assert len(contents(tmp_path / "one")) == 31


def contents(folder: Path) -> dict[Path, str]:
    return {each.relative_to(folder): each.read_text() for each in folder.rglob("*.yaml")}
