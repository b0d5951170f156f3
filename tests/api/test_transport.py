"""Envelope, methods, paths, prefix, CORS, bodies, cross-site requests (API.md 1, 2.2, 10.3 to 10.5, 11)."""

from __future__ import annotations

import errno
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Reply, Request
from wgreconcile.api.route import Route
from wgreconcile.api.routes import ROUTES
from wgreconcile.api.runtime.access_log import Access
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.services import Services
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.errors import (
    BusyError,
    CommandError,
    ConflictError,
    ConvergenceError,
    DependencyError,
    Fault,
    StateError,
    UnsafePlanError,
)

from .dashboard import ELSEWHERE, HOST, OK, PASSWORD, USERNAME, Caller, answer, refused

PUBLIC = {
    "/api/authenticate",
    "/api/validateAuthentication",
    "/api/isTotpEnabled",
    "/api/getDashboardTheme",
    "/api/getDashboardVersion",
    "/api/sharePeer/get",
}
CREDENTIALS = {"username": USERNAME, "password": PASSWORD}


class TestEnvelope:
    def test_keys_are_sorted_and_nothing_else_is_in_it(self, owner: Caller) -> None:
        result = owner.send("GET", "/api/getDashboardConfiguration")
        assert result.headers["content-type"] == "application/json"
        assert list(result.json) == ["data", "message", "status"]
        assert list(result.json["data"]) == sorted(result.json["data"])

    def test_answers_are_not_kept_by_caches(self, stranger: Caller) -> None:
        result = stranger.send("GET", "/api/getDashboardVersion")
        assert result.headers["cache-control"] == "no-store"
        assert result.headers["vary"] == "Cookie"
        assert result.headers["x-content-type-options"] == "nosniff"


class TestRoutes:
    def test_exactly_these_are_public(self) -> None:
        assert {route.path for route in ROUTES if route.public} <= PUBLIC

    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
    def test_all_others_ask_for_credentials(self, stranger: Caller, route: Route) -> None:
        path = route.path.replace("{config}", "wg0")
        result = stranger.send(route.method, path, json={} if route.method == "POST" else None)
        if route.public:
            assert result.status_code == 200
        else:
            assert (result.status_code, result.json) == (401, refused("Unauthorized access."))

    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
    def test_trailing_slash_never_matters(self, owner: Caller, route: Route) -> None:
        path = route.path.replace("{config}", "wg0")
        other = path.rstrip("/") if path.endswith("/") else path + "/"
        assert owner.send("OPTIONS", other).json == OK
        if route.method == "POST":
            assert owner.send("POST", other, json={}).json == owner.send("POST", path, json={}).json

    def test_a_public_path_has_no_fields(self) -> None:
        with pytest.raises(ValueError, match="exact"):
            Route("GET", "/api/x/{config}", lambda *_: None, "", public=True)

    @pytest.mark.parametrize(
        "path",
        [
            "/api/nothing",
            "/nothing",
            "/api",
            "/api/getAvailableIPs/x/isTotpEnabled",
            "/api/isTotpEnabled/x",
            "/api/x/static/y",
            "/API/isTotpEnabled",
            "/api/handshake\n",
            "/api/../api/handshake",
        ],
    )
    def test_unknown_path(self, stranger: Caller, owner: Caller, path: str) -> None:
        result = stranger.send("GET", path)
        assert (result.status_code, result.json) == (401, refused("Unauthorized access."))
        result = owner.send("GET", path)
        assert (result.status_code, result.json) == (404, refused("Not found."))

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("POST", "/api/handshake", {"GET", "HEAD", "OPTIONS"}),
            ("GET", "/api/authenticate", {"POST", "OPTIONS"}),
            ("PUT", "/api/authenticate", {"POST", "OPTIONS"}),
            ("DELETE", "/api/deleteDashboardAPIKey", {"POST", "OPTIONS"}),
            ("POST", "/", {"GET", "HEAD", "OPTIONS"}),
        ],
    )
    def test_wrong_method(self, owner: Caller, method: str, path: str, allowed: set[str]) -> None:
        result = owner.send(method, path)
        assert (result.status_code, result.json) == (405, refused("Method not allowed."))
        assert set(result.headers["allow"].split(", ")) == allowed

    def test_wrong_method_of_a_stranger(self, stranger: Caller) -> None:
        assert stranger.send("POST", "/api/handshake").status_code == 401
        assert stranger.send("GET", "/api/authenticate").status_code == 405

    def test_head(self, stranger: Caller) -> None:
        result = stranger.send("HEAD", "/api/getDashboardVersion")
        assert (result.status_code, result.content) == (200, b"")
        assert stranger.send("HEAD", "/").status_code == 200
        assert stranger.send("HEAD", "/api/handshake").status_code == 401

    @pytest.mark.parametrize("path", ["/api/handshake", "/api/nothing", "/", "/nothing", "/api/authenticate"])
    def test_options(self, stranger: Caller, path: str) -> None:
        result = stranger.send("OPTIONS", path)
        assert (result.status_code, result.json) == (200, OK)

    @pytest.mark.parametrize("host", ["x:y", "[::1", "", "a:99999", "a b", "[::1]:10086", "\u00e4", "127.0.0.1:"])
    def test_odd_host(self, new_app: Any, host: str) -> None:
        caller = Caller(new_app, headers={"Host": host})
        assert caller.send("GET", "/api/handshake").status_code == 401
        assert (
            caller.send("POST", "/api/authenticate", json={"username": "admin", "password": "x"}).json is not None
        )
        assert caller.send("GET", "/").status_code == 200


class TestPrefix:
    @pytest.fixture
    def caller(self, app: Any, make_app: Any, settings: DashboardSettings) -> Caller:
        settings.set("server.prefix", "/wgd")
        return Caller(make_app())

    def test_everything_moves(self, caller: Caller) -> None:
        assert caller.send("GET", "/wgd/api/getDashboardVersion").json == answer(data="v4.0.4", ok=True)
        assert caller.send("GET", "/wgd/api/handshake").status_code == 401
        assert caller.send("POST", "/wgd/api/authenticate", json=CREDENTIALS).json == answer(False, ok=True)
        assert caller.send("GET", "/wgd/api/handshake").json == OK
        assert caller.send("GET", "/wgd/").status_code == 200
        assert caller.send("GET", "/wgd/api/openapi.json").status_code == 200

    @pytest.mark.parametrize("path", ["/", "/api/getDashboardVersion", "/api/handshake", "/wgdx/"])
    def test_nothing_is_left(self, caller: Caller, path: str) -> None:
        assert caller.send("GET", path).status_code == 401

    @pytest.mark.parametrize("prefix", ["/static", "/static/x"])
    def test_a_prefix_that_looks_like_a_file_opens_nothing(
        self, app: Any, make_app: Any, settings: DashboardSettings, prefix: str
    ) -> None:
        settings.set("server.prefix", prefix)
        stranger = Caller(make_app())
        assert stranger.send("GET", f"{prefix}/api/handshake").status_code == 401
        assert stranger.send("GET", f"{prefix}/api/getDashboardConfiguration").status_code == 401
        assert stranger.send("GET", f"{prefix}/api/getDashboardVersion").status_code == 200

    def test_page_is_told_where_it_is(self, caller: Caller) -> None:
        result = caller.send("GET", "/wgd")
        assert result.status_code == 308
        assert result.headers["location"] == f"http://{HOST}/wgd/"

    def test_cookies_stay_at_the_root(self, caller: Caller) -> None:
        result = caller.send("POST", "/wgd/api/authenticate", json=CREDENTIALS)
        assert {each.path for each in result.cookies.values()} == {"/"}

    def test_cors(self, caller: Caller) -> None:
        result = caller.send("GET", "/wgd/api/handshake")
        assert result.headers["access-control-allow-origin"] == "*"


ORIGIN = "http://other.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "wg-dashboard-apikey, content-type, x-more",
}


class TestCors:
    def test_preflight(self, stranger: Caller) -> None:
        for path in ("/api/handshake", "/api/authenticate", "/api/nothing"):
            headers = stranger.send("OPTIONS", path, headers=PREFLIGHT).headers
            assert headers["access-control-allow-origin"] == ORIGIN
            assert headers["access-control-allow-methods"] == "DELETE, POST, GET, OPTIONS"
            assert headers["access-control-allow-headers"] == "content-type, wg-dashboard-apikey"
            assert headers["vary"] == "Origin"
            assert "access-control-allow-credentials" not in headers
            assert "access-control-max-age" not in headers

    def test_only_below_api(self, stranger: Caller) -> None:
        headers = stranger.send("OPTIONS", "/", headers=PREFLIGHT).headers
        assert not [name for name in headers if name.startswith("access-control")]

    def test_origin_is_echoed(self, stranger: Caller) -> None:
        for path in ("/api/getDashboardVersion", "/api/handshake"):
            headers = stranger.send("GET", path, headers={"Origin": ORIGIN}).headers
            assert headers["access-control-allow-origin"] == ORIGIN
            assert headers["vary"] == "Origin, Cookie"

    def test_without_origin(self, stranger: Caller) -> None:
        assert stranger.send("GET", "/api/handshake").headers["access-control-allow-origin"] == "*"

    def test_allow_list(self, stranger: Caller, settings: DashboardSettings) -> None:
        settings.set("server.cors_origins", ["https://panel.example"])
        headers = stranger.send("OPTIONS", "/api/handshake", headers=PREFLIGHT).headers
        assert not [name for name in headers if name.startswith("access-control")]
        assert "access-control-allow-origin" not in stranger.send("GET", "/api/handshake").headers
        allowed = {**PREFLIGHT, "Origin": "https://panel.example"}
        headers = stranger.send("OPTIONS", "/api/handshake", headers=allowed).headers
        assert headers["access-control-allow-origin"] == "https://panel.example"


class TestCrossSite:
    CROSS = refused("This request came from another web site. Open the dashboard itself and repeat.")

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "whatever"},
            {"Origin": ORIGIN},
            {"Origin": "null"},
            {"Referer": f"{ORIGIN}/page"},
            {"Accept": "text/html,application/xhtml+xml"},
            {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},  # a link in a mail
            {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"},
            {"Origin": f"http://{HOST}.evil.example"},
            {"Origin": "http://127.0.0.1"},
            {"Origin": "http://[::1"},
            {"Referer": "nonsense"},
        ],
    )
    def test_is_refused(self, owner: Caller, headers: dict[str, str]) -> None:
        assert owner.send("GET", "/api/signout", headers=headers).json == self.CROSS
        body = {"section": "Server", "key": "dashboard_theme", "value": "light"}
        result = owner.send("POST", "/api/updateDashboardConfigurationItem", json=body, headers=headers)
        assert result.json == self.CROSS
        assert owner.get("getDashboardTheme")["data"] == "dark"
        assert owner.get("handshake") == OK

    @pytest.mark.parametrize("accept", ["image/avif,image/*,*/*;q=0.8", "*/*", "text/css,*/*;q=0.1", ""])
    def test_what_a_page_embeds_changes_nothing(self, owner: Caller, accept: str) -> None:
        headers = {"User-Agent": BROWSER, "Accept": accept, "Content-Type": ""}
        assert owner.send("GET", "/api/signout", headers=headers).json == self.CROSS
        assert owner.get("handshake") == OK

    def test_sign_in_is_refused_too(self, stranger: Caller) -> None:
        headers = {"Sec-Fetch-Site": "cross-site"}
        assert stranger.send("POST", "/api/authenticate", json=CREDENTIALS, headers=headers).json == self.CROSS

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Accept": "*/*"},
            {"User-Agent": "curl/8.5.0", "Content-Type": ""},
            {"User-Agent": BROWSER, "Content-Type": "application/json"},
            {"User-Agent": BROWSER, "Content-Type": "", "Referer": f"http://{HOST}/"},
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
            {"Sec-Fetch-Site": "none", "Accept": "text/html"},
            {"Origin": f"http://{HOST}"},
            {"Referer": f"http://{HOST}/#/settings"},
        ],
    )
    def test_own_page_and_programs_pass(self, owner: Caller, headers: dict[str, str]) -> None:
        assert owner.send("GET", "/api/signout", headers=headers).json == answer("", ok=True)

    def test_reading_is_left_to_cors(self, owner: Caller) -> None:
        assert owner.send("GET", "/api/handshake", headers={"Sec-Fetch-Site": "cross-site"}).json == OK

    def test_keys_are_exempt(self, owner: Caller, settings: DashboardSettings) -> None:
        settings.set("server.api_keys", True)
        key = owner.post("newDashboardAPIKey", {"neverExpire": True})["data"][0]["Key"]
        headers = {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN, "wg-dashboard-apikey": key}
        program = Caller(owner.app, ELSEWHERE, headers)
        assert program.post("authenticate", {"host": "x"})["status"]
        assert program.get("signout")["status"]

    def test_sites_of_the_allow_list_are_exempt(self, owner: Caller, settings: DashboardSettings) -> None:
        settings.set("server.cors_origins", [ORIGIN])
        headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
        assert owner.send("GET", "/api/signout", headers=headers).json == answer("", ok=True)


class TestBodies:
    URL = "/api/updateDashboardConfigurationItem"

    def post(self, caller: Caller, body: bytes | str, content_type: str = "application/json") -> Any:
        result = caller.send("POST", self.URL, body=body, headers={"Content-Type": content_type})
        assert result.status_code == 200
        assert result.headers["content-type"] == "application/json"
        return result.json

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("", "Invalid request."),
            ("  \n", "Invalid request."),
            ("{}", "Invalid request."),
            ("[]", "The body is not a JSON object."),
            ("null", "The body is not a JSON object."),
            ('"x"', "The body is not a JSON object."),
            ("5", "The body is not a JSON object."),
            (
                "{oops",
                "The body is not JSON: Expecting property name enclosed in double quotes, line 1, column 2.",
            ),
            ("a=b", "The body is not JSON: Expecting value, line 1, column 1."),
            ("{} {}", "The body is not JSON: Extra data, line 1, column 4."),
            (b"\xff\xfe", "The body is not JSON: it is not UTF-8."),
            ('{"value": NaN}', "The body is not JSON: NaN is no number."),
            ('{"value": -Infinity}', "The body is not JSON: -Infinity is no number."),
            ('{"value": 1e999}', "The body is not JSON: a number is out of range."),
            ('{"value": ' + "9" * 5000 + "}", "The body is not JSON: a number is out of range."),
            ('{"key": 1, "key": 2}', "key: stands twice in one object"),
            ('{"value": {"a": 1, "a": 1}}', "a: stands twice in one object"),
            ('{"value": ' + "[" * 17 + "]" * 17 + "}", "The body is nested deeper than 16 levels."),
            ('{"value": ' + "[" * 100_000 + "]" * 100_000 + "}", "The body is nested deeper than 16 levels."),
            ('{"a":' * 100_000 + "1" + "}" * 100_000, "The body is nested deeper than 16 levels."),
            ('{"x": "' + "x" * 1024 * 1024 + '"}', "The body is larger than 1024 KiB."),
            ('{"section": "a\\u0000"}', "section: contains a control character"),
            ('{"section": "a\\r\\nb"}', "section: contains a control character"),
            ('{"section": "a\\u2028b"}', "section: contains a control character"),
            ('{"section": "\\ud800"}', "section: contains a control character"),
            ('{"value": {"\\u001b[2J": 1}}', "value: contains a control character"),
        ],
        ids=range(26),
    )
    def test_refused_in_an_envelope(self, owner: Caller, body: bytes | str, message: str) -> None:
        assert self.post(owner, body) == refused(message)

    @pytest.mark.parametrize(
        "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""]
    )
    def test_content_type_does_not_matter(self, owner: Caller, content_type: str) -> None:
        body = '{"section": "Server", "key": "dashboard_theme", "value": "light"}'
        assert self.post(owner, body, content_type) == OK

    def test_fields_nobody_knows_are_not_looked_at(self, owner: Caller) -> None:
        body = {"section": "Server", "key": "dashboard_theme", "value": "light", "x": "a\nb", "y": [{}], "": None}
        assert self.post(owner, json.dumps(body)) == OK

    def test_strangers_are_turned_away_before_their_body_is_read(self, stranger: Caller) -> None:
        assert stranger.send("POST", self.URL, body="{oops").status_code == 401

    def test_control_characters_in_the_query(self, owner: Caller) -> None:
        result = owner.send("GET", "/api/ping/execute", query_string="ipAddress=1.1.1.1%0a&count=1")
        assert result.json == refused("ipAddress: contains a control character")
        result = owner.send("GET", "/api/ping/execute", query_string="%00=1")
        assert result.json == refused("The query: contains a control character")

    def test_first_value_of_a_parameter_counts(self, owner: Caller) -> None:
        result = owner.send("GET", "/api/ping/execute", query_string="ipAddress=192.0.2.1&count=1&count=x")
        assert result.json["data"]["package_sent"] == 1

    def test_a_comma_is_no_list(self, owner: Caller) -> None:
        result = owner.send("GET", "/api/ping/execute", query_string="ipAddress=1.1.1.1,2.2.2.2&count=1")
        assert result.json["status"] is False
        assert owner.send("GET", "/api/handshake?").json == OK


def failing(error: Exception) -> Route:
    def handler(_services: Services, _request: Request) -> None:
        raise error

    return Route("GET", "/api/fail", handler, "Fails.")


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "message", "retry"),
        [
            (Refusal("No.", "ListenPort"), "No.", None),
            (Refusal("Later.", retry_after=7), "Later.", "7"),
            (
                StateError([Fault("wg0.yaml", 3, "mtu", "is odd", "make it even")]),
                "wg0.yaml:3: mtu: is odd; make it even",
                None,
            ),
            (UnsafePlanError("would remove all peers"), "would remove all peers", None),
            (BusyError("another run holds the lock"), "another run holds the lock", "1"),
            (ConvergenceError("wg0 still differs"), "wg0 still differs", None),
            (ConflictError("someone else was first"), "someone else was first", None),
            (DependencyError("`wg` is not installed"), "`wg` is not installed", None),
            (CommandError(["wg-quick", "up", "wg0"], 1, "line 1\nline 2\n"), "line 1\nline 2", None),
            (CommandError(["wg"], 1, ""), "`wg` ended with status 1: no message", None),
            (
                OSError(errno.ENOSPC, "No space left on device", "/etc/wgreconcile/state"),
                "The server cannot read or write its files: /etc/wgreconcile/state: No space left on device. "
                "Mend that and repeat.",
                None,
            ),
            (
                PermissionError(errno.EPERM, "Not permitted"),
                "The server cannot read or write its files: Not permitted. Mend that and repeat.",
                None,
            ),
            (
                sqlite3.OperationalError("database is locked"),
                "The server cannot use its runtime database: database is locked. Mend that and repeat.",
                None,
            ),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_errors_are_answers(
        self, make_app: Any, owner: Caller, error: Exception, message: str, retry: str | None
    ) -> None:
        caller = Caller(make_app(routes=[failing(error)]), cookies=owner.cookies)
        result = caller.send("GET", "/api/fail")
        assert result.status_code == 200
        assert result.json == refused(message, getattr(error, "data", None))
        assert result.headers.get("retry-after") == retry

    @pytest.mark.parametrize(
        "error", [KeyError("private key"), OSError("private key"), RecursionError("private key")]
    )
    def test_the_unexpected_is_logged_without_its_text(
        self, make_app: Any, owner: Caller, error: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        caller = Caller(make_app(routes=[failing(error)]), cookies=owner.cookies)
        with caplog.at_level(logging.ERROR):
            result = caller.send("GET", "/api/fail", query_string="id=secret")
        assert (result.status_code, result.json) == (500, refused("Internal server error."))
        assert f"unexpected {type(error).__name__}" in caplog.text
        assert "handler" in caplog.text
        assert "private key" not in caplog.text and "secret" not in caplog.text

    def test_nan_is_never_sent(self, make_app: Any, owner: Caller) -> None:
        route = Route("GET", "/api/nan", lambda *_: float("nan"), "NaN.")
        result = Caller(make_app(routes=[route]), cookies=owner.cookies).send("GET", "/api/nan")
        assert (result.status_code, result.json) == (500, refused("Internal server error."))

    def test_handlers_return_data_or_a_reply(self, make_app: Any, owner: Caller) -> None:
        routes = [
            Route("GET", "/api/data/{config}", lambda _, request: dict(request.path), "Data."),
            Route("POST", "/api/data/{config}", lambda *_: Reply([1], "done"), "Reply."),
        ]
        caller = Caller(make_app(routes=routes), cookies=owner.cookies)
        assert caller.send("GET", "/api/data/wg%200/").json == answer(data={"config": "wg 0"}, ok=True)
        assert caller.send("POST", "/api/data/wg0").json == answer("done", [1], ok=True)
        assert caller.send("GET", "/api/data/wg0%0a").json == refused("config: contains a control character")
        assert caller.send("GET", "/api/data/..%2f..%2fetc").status_code == 404


class TestAccessLog:
    def test_who_what_and_result(self, owner: Caller, stranger: Caller, runtime: Runtime) -> None:
        owner.get("handshake")
        stranger.send("POST", "/api/authenticate", json={**CREDENTIALS, "password": "wrong-secret"})
        stranger.send("GET", "/api/nothing?id=secret")
        owner.send("OPTIONS", "/api/handshake")
        owner.send("GET", "/")
        lines = runtime.access_log.newest(4)
        assert [(e.method, e.path, e.http_status, bool(e.ok), e.address) for e in lines] == [
            ("OPTIONS", "/api/handshake", 200, True, "127.0.0.1"),
            ("GET", "/api/nothing", 401, False, ELSEWHERE),
            ("POST", "/api/authenticate", 200, False, ELSEWHERE),
            ("GET", "/api/handshake", 200, True, "127.0.0.1"),
        ]
        assert lines[3].caller.startswith("session ") and lines[2].caller == ""

    def test_holds_no_secret(
        self, owner: Caller, runtime: Runtime, settings: DashboardSettings, tmp_path: Path
    ) -> None:
        settings.set("server.api_keys", True)
        key = owner.post("newDashboardAPIKey", {"neverExpire": True})["data"][0]["Key"]
        Caller(owner.app, ELSEWHERE, {"wg-dashboard-apikey": key}).get("handshake", id="query-secret")
        owner.set(
            "Account", "password", {"currentPassword": PASSWORD, "newPassword": "n" * 9, "repeatNewPassword": "x"}
        )
        runtime.access_log.flush()
        content = b"".join(each.read_bytes() for each in (tmp_path / "var").iterdir())
        for secret in (key, PASSWORD, "n" * 9, "query-secret", *owner.cookies.values()):
            assert secret.encode() not in content
        assert runtime.access_log.newest(2)[1].caller == "key 1"

    def test_hostile_path_is_one_short_printable_line(self, stranger: Caller, runtime: Runtime) -> None:
        stranger.send("GET", "/api/a%0d%0ab%1b[2J" + "x" * 5000)
        (line,) = runtime.access_log.newest(1)
        assert line.path.isprintable() and len(line.path) == 300

    def test_hostile_method_is_a_short_word(self, runtime: Runtime) -> None:
        runtime.access_log.record(Access(0.0, "1" * 99, "", "A" * 50_000, "/", 400, False))
        (line,) = runtime.access_log.newest(1)
        assert (len(line.method), len(line.address)) == (16, 64)
