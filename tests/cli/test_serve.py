"""``serve``: where it listens, what it says, that a client's day works, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.cli import serve_verb
from wgreconcile.cli.adoption import Adoption
from wgreconcile.cli.serve_verb import checked_listen
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.errors import UsageError
from wgreconcile.values import PublicKey

from ..hosts import testhost
from ..hosts.scenario import Scenario, eventually, interface, peer
from ..hosts.testhost import Host

CLIENT = """
import http.cookiejar, sys, urllib.request
jar = http.cookiejar.LWPCookieJar("/run/testhost/cookies")
try:
    jar.load(ignore_discard=True)
except OSError:
    pass
body = sys.argv[2].encode() if sys.argv[2:] else None
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
print(opener.open(request, timeout=60).read().decode())
jar.save(ignore_discard=True)
"""


@pytest.mark.parametrize(
    "text", ["127.0.0.1:10086", "[::1]:10086", "0.0.0.0:80", "localhost:0", "192.0.2.1:10086"]
)
def test_an_address_that_is_named_is_listened_on(text: str) -> None:
    assert checked_listen(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            ":10086",
            "would listen everywhere; write an address: 127.0.0.1:10086, or 0.0.0.0:10086 if every network",
        ),
        ("*:10086", "would listen everywhere"),
        ("10086", "would listen everywhere"),
        ("127.0.0.1", "does not end in a port"),
        ("127.0.0.1:http", "does not end in a port"),
        ("127.0.0.1:70000", "does not end in a port"),
        ("::1:10086", "IPv6 stands in brackets"),
        ("vpn.example.com:10086", "is no address"),
    ],
)
def test_what_would_listen_somewhere_else_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=re.escape(reason)):
        checked_listen(text)


@pytest.mark.parametrize(
    ("host", "warns"), [("127.0.0.1", False), ("[::1]", False), ("localhost", False), ("0.0.0.0", True)]
)
def test_who_is_reached_from_elsewhere_is_told(host: str, warns: bool, capsys: pytest.CaptureFixture[str]) -> None:
    serve_verb._warn_of_everybody(host)
    assert ("TLS" in capsys.readouterr().out) == warns


class TestAdoption:
    @pytest.fixture
    def site(self, tmp_path: Path) -> Site:
        for folder in ("state", "conf"):
            (tmp_path / folder).mkdir()
        site = Site(Store(tmp_path / "state"), Secrets(tmp_path / "secrets"), tmp_path / "conf", tmp_path / "var")
        return site

    @pytest.fixture
    def imports(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """The files of each import."""
        from wgreconcile.cli import adoption

        seen: list[list[str]] = []
        real = adoption.import_files

        def import_files(paths: Any, **more: Any) -> Any:
            seen.append([each.name for each in paths])
            return real(paths, **more)

        monkeypatch.setattr(adoption, "import_files", import_files)
        monkeypatch.setattr(adoption, "live_interfaces", frozenset)
        return seen

    def test_what_is_new_is_imported_once(self, site: Site, imports: list[list[str]]) -> None:
        adopt = Adoption(site)
        adopt()
        key = testhost.key_pair("wg0")[0]
        (site.conf_dir / "wg0.conf").write_text(f"[Interface]\nPrivateKey = {key}\nAddress = 10.7.0.1/24\n")
        adopt()
        adopt()
        assert imports == [["wg0.conf"]]
        assert site.store.names() == {"wg0"}

    def test_what_was_taken_out_of_the_state_stays_out(self, site: Site, imports: list[list[str]]) -> None:
        """Its file waits for --prune; a page that lists again and again must not undo that."""
        text = f"[Interface]\nPrivateKey = {testhost.key_pair('wg0')[0]}\nAddress = 10.7.0.1/24\n"
        (site.conf_dir / "wg0.conf").write_text(text)
        site.records.save("wg0", Record(text))
        Adoption(site)()
        assert imports == []
        site.records.forget("wg0")
        Adoption(site)()
        assert imports == [["wg0.conf"]]

    def test_plain_comments_describe_and_names_name(self, site: Site, imports: list[list[str]]) -> None:
        """As WGDashboard, whose hosts these are, reads them; and nothing is lost."""
        keys = [testhost.key_pair(each)[1] for each in ("ann", "bob", "eve")]
        comments = ("#Name# = ann", "# the old laptop", "### Client eve")
        peers = [f"[Peer]\n{each}\nPublicKey = {key}\n" for each, key in zip(comments, keys, strict=True)]
        interface = f"[Interface]\nPrivateKey = {testhost.key_pair('wg0')[0]}\nAddress = 10.7.0.1/24\n"
        (site.conf_dir / "wg0.conf").write_text("\n".join([interface, *peers]))
        Adoption(site)()
        (found,) = site.store.load().interfaces
        by_key = {each.public_key: (each.name, each.description) for each in found.peers}
        assert [by_key[PublicKey(each)] for each in keys] == [("ann", ""), ("", "the old laptop"), ("eve", "")]

    def test_what_cannot_be_imported_is_tried_again_when_it_changes(
        self, site: Site, imports: list[list[str]], caplog: pytest.LogCaptureFixture
    ) -> None:
        adopt, broken = Adoption(site), site.conf_dir / "wgbroken.conf"
        broken.write_text("nonsense\n")
        for _ in range(3):
            adopt()
        assert "wgbroken.conf is not adopted" in caplog.text
        broken.write_text("[Interface]\n")
        adopt()
        assert imports == [["wgbroken.conf"]] * 2

    def test_a_state_with_faults_is_told_and_no_reason_to_fail(
        self, site: Site, imports: list[list[str]], caplog: pytest.LogCaptureFixture
    ) -> None:
        (site.store.state / "wg1.yaml").write_text("address: nonsense\n")
        (site.conf_dir / "wg0.conf").write_text("[Interface]\n")
        Adoption(site)()
        assert "nothing is adopted" in caplog.text


class Served:
    """A server on a test host, and a client there that keeps cookies."""

    def __init__(self, host: Host, *arguments: str, **options: Any) -> None:
        self.host = host
        argv = [sys.executable, "-u", "-m", "wgreconcile", "serve", "--listen", "127.0.0.1:10086", *arguments]
        self.process = host.popen(argv, stderr=subprocess.STDOUT, **options)
        self.said = ""

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait(self, text: str = "Listening on") -> Served:
        while text not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        return self

    def get(self, path: str) -> Any:
        return json.loads(self.host.run(self._argv(path)).stdout)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return json.loads(self.host.run(self._argv(path, json.dumps(body))).stdout)

    def begin_post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post without waiting for the answer."""
        return self.host.popen(self._argv(path, json.dumps(body)))

    def sign_in(self) -> None:
        assert self.post("authenticate", {"username": "admin", "password": "admin"})["status"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.said += self.process.communicate(timeout=60)[0]
        return self.process.returncode

    def _argv(self, path: str, *body: str) -> list[str]:
        return [sys.executable, "-c", CLIENT, f"http://127.0.0.1:10086/api/{path}", *body]


@pytest.fixture
def scenario() -> Iterator[Scenario]:
    """A test host with wg0, which has one peer."""
    if reason := testhost.missing():
        pytest.fail(reason, pytrace=False)
    with Host("host") as host:
        found = Scenario(host)
        found.desire(wg0=interface(peer("alice", "10.9.0.2/32"), address=["10.9.0.1/24"]))
        yield found


@pytest.fixture
def serve(scenario: Scenario) -> Iterator[Callable[..., Served]]:
    """Starts a server on the host."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(Served(scenario.host, *arguments, **options))


Serve = Callable[..., Served]


@pytest.mark.hosts
class TestOnAHost:
    def test_it_says_where_it_is_and_how_to_sign_in(self, serve: Serve) -> None:
        served = serve().wait()
        assert re.search(r"^First run\. Sign in as admin with the one-time password \S{12,}$", served.said, re.M)
        assert "Listening on http://127.0.0.1:10086/ (sign in there" in served.said
        assert served.stop() == 0
        assert served.said.endswith("Stopped.\n")

    def test_the_first_password_is_not_for_hooks(self, scenario: Scenario, serve: Serve) -> None:
        hook = {"post_up": ["cat /proc/self/environ >/run/testhost/environment"]}
        scenario.desire(wg0=interface(address=["10.9.0.1/24"], **hook))
        served = serve(env={"WGRECONCILE_PASSWORD": "given-password"}).wait()
        assert eventually(scenario.is_live)
        assert "one-time" not in served.said
        assert served.post("authenticate", {"username": "admin", "password": "given-password"})["status"]
        seen = scenario.host.read("/run/testhost/environment")
        assert "PATH=" in seen and "given-password" not in seen

    def test_a_day_of_a_client(self, scenario: Scenario, serve: Serve) -> None:
        served = serve().wait()
        assert eventually(scenario.is_live)
        served.sign_in()
        assert [each["Name"] for each in served.get("getWireguardConfigurations")["data"]] == ["wg0"]
        added = served.post("addPeers/wg0", {"name": "bob"})
        assert added == {"status": True, "message": None, "data": None}
        info = served.get("getWireguardConfigurationInfo?configurationName=wg0")["data"]
        (bob,) = (each for each in info["configurationPeers"] if each["name"] == "bob")
        assert scenario.allowed_ips()[bob["id"]] == {bob["allowed_ip"]}
        assert served.post("restrictPeers/wg0", {"peers": [bob["id"]]})["status"]
        assert bob["id"] not in scenario.peers("endpoints")
        assert served.post("deletePeers/wg0", {"peers": [bob["id"]]})["message"] == "Deleted 1 peer(s)"
        assert served.stop() == 0
        scenario.check_settled()

    def test_interfaces_of_before_are_there(self, scenario: Scenario, serve: Serve) -> None:
        key = testhost.key_pair("wg9")[0]
        scenario.host.write(
            "/etc/wireguard/wg9.conf", f"[Interface]\nPrivateKey = {key}\nAddress = 10.19.0.1/24\n"
        )
        served = serve().wait()
        served.sign_in()
        info = served.get("getWireguardConfigurationInfo?configurationName=wg9")
        assert info["status"], "nobody has listed the configurations, and a bot never will"
        assert [each["Name"] for each in served.get("getWireguardConfigurations")["data"]] == ["wg0", "wg9"]

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_what_was_begun_is_ended_and_answered(self, scenario: Scenario, serve: Serve, number: int) -> None:
        served = serve().wait()
        assert eventually(scenario.is_live)
        served.sign_in()
        scenario.host.install("wg", SLOW_WG)
        with served.begin_post("addPeers/wg0", {"name": "bob"}) as post:
            assert eventually(scenario.host.path("/run/testhost/slow").exists)
            assert served.stop(number) == 0
            assert json.loads(post.communicate(timeout=30)[0])["status"] is True
        assert "bob" in scenario.conf()

    def test_a_state_with_faults_is_served_once_it_is_amended(self, scenario: Scenario, serve: Serve) -> None:
        path = "/etc/wgreconcile/state/wg0.yaml"
        good = scenario.host.read(path)
        scenario.host.write(path, "address: nonsense\n")
        served = serve().wait()
        served.sign_in()
        assert "'nonsense'" in served.get("getWireguardConfigurations")["message"]
        scenario.host.write(path, good)
        assert [each["Name"] for each in served.get("getWireguardConfigurations")["data"]] == ["wg0"]

    def test_a_port_that_is_taken_is_told(self, serve: Serve) -> None:
        serve().wait()
        elsewhere = ("--var", "/run/other/var", "--secrets", "/run/other/secrets")
        second = serve(*elsewhere).wait("cannot listen on 127.0.0.1:10086: Address already in use")
        assert second.process.wait(timeout=30) == 1

    def test_idle_it_costs_next_to_nothing(self, scenario: Scenario, serve: Serve) -> None:
        served = serve().wait()
        assert eventually(scenario.is_live)
        time.sleep(1)
        before = cpu_seconds(served)
        time.sleep(5)
        assert cpu_seconds(served) - before < 0.05


SLOW_WG = """#!/bin/sh
case $1 in addconf) touch /run/testhost/slow; sleep 1;; esac
exec /usr/bin/wg "$@"
"""


def cpu_seconds(served: Served) -> float:
    """The processor time that the server and its children took so far."""
    pid = served.process.pid
    program = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
    fields = Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / 100
