"""Ping, traceroute, update check (API.md 6.6, 10.10)."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import icmplib
import pytest

from wgreconcile.api import probes as probing
from wgreconcile.api import releases
from wgreconcile.api.probes import Hop, Pinged, Probes, resolve
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.settings.settings import DashboardSettings

from .dashboard import Caller, answer, refused

NEITHER = refused("Please provide ipAddress and count")
NO_ADDRESS = refused("Please specify an IP Address (v4/v6)")


class TestPing:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, NEITHER),
            ({"ipAddress": "127.0.0.1"}, NEITHER),
            ({"count": "1"}, NEITHER),
            ({"ipAddress": "", "count": "1"}, NO_ADDRESS),
            ({"ipAddress": "127.0.0.1", "count": ""}, NO_ADDRESS),
            ({"ipAddress": "127.0.0.1", "count": "x"}, NO_ADDRESS),
            ({"ipAddress": "127.0.0.1", "count": "-1"}, NO_ADDRESS),
            ({"ipAddress": "127.0.0.1", "count": "\u0663"}, NO_ADDRESS),
            ({"ipAddress": "127.0.0.1", "count": "9" * 5000}, NO_ADDRESS),
            ({"ipAddress": "127.0.0.1", "count": "21"}, refused("count: 21 is not a number from 0 to 20")),
            (
                {"ipAddress": "no.such.host.invalid", "count": "1"},
                refused("ipAddress: 'no.such.host.invalid' cannot be resolved"),
            ),
            (
                {"ipAddress": "1.1.1.1; reboot", "count": "1"},
                refused("ipAddress: '1.1.1.1; reboot' is no address or host name"),
            ),
            ({"ipAddress": "1.1.1.1\n", "count": "1"}, refused("ipAddress: contains a control character")),
        ],
    )
    def test_refuses(self, owner: Caller, query: dict[str, str], expected: Any) -> None:
        assert owner.get("ping/execute", **query) == expected

    def test_answer(self, owner: Caller) -> None:
        data = {
            "address": "192.0.2.1",
            "is_alive": True,
            "min_rtt": 0.5,
            "avg_rtt": 1.0,
            "max_rtt": 1.5,
            "package_sent": 3,
            "package_received": 3,
            "package_loss": 0.0,
        }
        assert owner.get("ping/execute", ipAddress="192.0.2.1", count="3") == answer(data=data, ok=True)

    def test_no_answer_is_an_answer(self, make_app: Any, owner: Caller) -> None:
        deaf = Probes(ping=lambda address, count: Pinged(address, count, 0, 0.0, 0.0, 0.0))
        caller = Caller(make_app(probes=deaf), cookies=owner.cookies)
        data = caller.get("ping/execute", ipAddress="192.0.2.222", count="1")["data"]
        assert (data["is_alive"], data["package_loss"], data["package_received"]) == (False, 1.0, 0)
        data = caller.get("ping/execute", ipAddress="192.0.2.222", count="0")["data"]
        assert (data["is_alive"], data["package_loss"], data["package_sent"]) == (False, 0.0, 0)

    def test_asks_for_credentials(self, stranger: Caller) -> None:
        assert stranger.send("GET", "/api/ping/execute").status_code == 401


class TestTraceroute:
    @pytest.mark.parametrize("query", [{}, {"ipAddress": ""}])
    def test_no_address(self, owner: Caller, query: dict[str, str]) -> None:
        assert owner.get("traceroute/execute", **query) == refused("Please provide ipAddress")

    def test_unknown_name(self, owner: Caller) -> None:
        message = "ipAddress: 'no.such.host.invalid' cannot be resolved"
        assert owner.get("traceroute/execute", ipAddress="no.such.host.invalid") == refused(message)

    def test_silent_hops_are_stars(self, make_app: Any, owner: Caller) -> None:
        hops = {1: Hop(1, "192.0.2.254", 0.1, 0.2, 0.3), 4: Hop(4, "198.51.100.1", 1.0, 2.0, 3.0)}
        caller = Caller(
            make_app(probes=Probes(trace_hop=lambda _, number: hops.get(number))), cookies=owner.cookies
        )
        stars = {"ip": "*", "avg_rtt": "*", "min_rtt": "*", "max_rtt": "*"}
        assert caller.get("traceroute/execute", ipAddress="198.51.100.1")["data"] == [
            {"hop": 1, "ip": "192.0.2.254", "min_rtt": 0.1, "avg_rtt": 0.2, "max_rtt": 0.3},
            {"hop": 2, **stars},
            {"hop": 3, **stars},
            {"hop": 4, "ip": "198.51.100.1", "min_rtt": 1.0, "avg_rtt": 2.0, "max_rtt": 3.0},
        ]

    def test_nobody_answers(self, make_app: Any, owner: Caller) -> None:
        caller = Caller(make_app(probes=Probes(trace_hop=lambda *_: None)), cookies=owner.cookies)
        assert caller.get("traceroute/execute", ipAddress="198.51.100.1") == answer(data=[], ok=True)


class TestProbes:
    def test_only_a_few_at_once(self) -> None:
        started, release = threading.Semaphore(0), threading.Event()

        def slow(address: str, count: int) -> Pinged:
            started.release()
            release.wait(10)
            return Pinged(address, count, 0, 0.0, 0.0, 0.0)

        probes = Probes(ping=slow)
        threads = [threading.Thread(target=probes.ping, args=("192.0.2.1", 1)) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert all(started.acquire(timeout=10) for _ in threads)
        with pytest.raises(Refusal, match="Other pings") as refusal:
            probes.ping("192.0.2.1", 1)
        assert refusal.value.retry_after == 5
        release.set()
        for thread in threads:
            thread.join()
        probes.ping("192.0.2.1", 1)

    def test_place_is_given_back_after_a_failure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        probes = Probes(ping=lambda *_: pytest.fail("not reached"))
        for _ in range(10):
            with pytest.raises(Refusal, match="no address"):
                probes.ping("a b", 1)

    def test_trace_ends_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        moments = iter(range(0, 1000, 8))
        monkeypatch.setattr(probing.time, "monotonic", lambda: next(moments))
        assert len(Probes(trace_hop=lambda _, number: Hop(number, "x", 0, 0, 0)).trace("192.0.2.1")) == 3

    def test_without_privileges(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[bool] = []

        def forbidden(*_: Any, privileged: bool, **__: Any) -> None:
            tried.append(privileged)
            raise icmplib.SocketPermissionError(privileged)

        monkeypatch.setattr(probing.icmplib, "ping", forbidden)
        with pytest.raises(Refusal, match="CAP_NET_RAW"):
            Probes().ping("192.0.2.1", 1)
        assert tried == [True, False]

    @pytest.mark.parametrize(
        ("target", "address"), [("192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("::1%lo", "::1")]
    )
    def test_addresses_are_parsed(self, target: str, address: str) -> None:
        assert resolve(target) == address

    @pytest.mark.parametrize(
        "target", ["a b", "-x.example", "../x", "x" * 64 + ".a" * 120, "ex\u00e4mple.org", "$(id)"]
    )
    def test_what_is_no_name_is_never_looked_up(self, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(probing.socket, "getaddrinfo", lambda *_, **__: pytest.fail("was looked up"))
        with pytest.raises(Refusal, match="no address or host name"):
            resolve(target)


class TestUpdate:
    def test_switched_off(self, owner: Caller) -> None:
        assert owner.get("getDashboardUpdate") == refused("Request to GitHub API failed.")

    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch, settings: DashboardSettings) -> dict[str, Any]:
        """What a server tells, in place of GitHub."""
        told: dict[str, Any] = {"body": b"", "asked": 0}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told["asked"] += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(told["body"])

            def log_message(self, *_: Any) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.set("server.releases_url", "https://releases.example/latest")
        ask = releases._ask
        monkeypatch.setattr(releases, "_ask", lambda _: ask(f"http://127.0.0.1:{server.server_port}/"))
        yield told
        server.shutdown()
        server.server_close()

    def test_newer(self, owner: Caller, told: dict[str, Any]) -> None:
        told["body"] = json.dumps({"tag_name": "v9", "html_url": "https://releases.example/v9"}).encode()
        expected = answer("v9 is now avaible for update!", "https://releases.example/v9", ok=True)
        assert owner.get("getDashboardUpdate") == expected
        assert owner.get("getDashboardUpdate") == expected
        assert told["asked"] == 1, "the answer is kept for a while"

    def test_same(self, owner: Caller, told: dict[str, Any]) -> None:
        told["body"] = json.dumps({"tag_name": "v4.0.4", "html_url": "https://releases.example/v4"}).encode()
        assert owner.get("getDashboardUpdate") == answer("You're on the latest version", ok=True)

    @pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"tag_name": "x"}'])
    def test_nonsense(self, owner: Caller, told: dict[str, Any], body: bytes) -> None:
        told["body"] = body
        assert owner.get("getDashboardUpdate") == refused("Request to GitHub API failed.")

    def test_that_there_was_no_answer_is_kept_for_a_minute(
        self, owner: Caller, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told["body"] = b""
        owner.get("getDashboardUpdate")
        owner.get("getDashboardUpdate")
        assert told["asked"] == 1
        monkeypatch.setattr(releases, "_TRY_AGAIN_AFTER", 0.0)
        owner.get("getDashboardUpdate")
        assert told["asked"] == 2

    def test_nobody_there(self) -> None:
        assert releases.Releases().newest("https://127.0.0.1:1/") is None
