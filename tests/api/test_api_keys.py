"""API keys (API.md 2.2 and 2.5, 10.9, 10.14)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard import api_keys

from .dashboard import ELSEWHERE, OK, PASSWORD, Caller, Clock, answer, refused

DISABLED = refused("Dashboard API Keys function is disabled")
UNKNOWN = refused("API Key does not exist")
FRESH = refused("Please sign out, sign in again and repeat: this change needs a recent sign-in.")
FOREVER = {"neverExpire": True, "ExpiredAt": ""}


@pytest.fixture(autouse=True)
def enabled(settings: DashboardSettings) -> None:
    settings.set("server.api_keys", True)


def date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def key(owner: Caller) -> str:
    return str(owner.post("newDashboardAPIKey", FOREVER)["data"][0]["Key"])


@pytest.fixture
def program(owner: Caller, key: str) -> Caller:
    """A caller with a key, from another host."""
    return Caller(owner.app, ELSEWHERE, {"wg-dashboard-apikey": key})


class TestCreate:
    def test_list_is_answered_newest_first(self, owner: Caller, clock: Clock) -> None:
        first = owner.post("newDashboardAPIKey", FOREVER)["data"]
        assert first == [{"Key": first[0]["Key"], "CreatedAt": date(clock.now), "ExpiredAt": None}]
        assert len(first[0]["Key"]) == 43
        clock.now += 1
        expiry = date(clock.now + 60)
        second = owner.post("newDashboardAPIKey", {"neverExpire": False, "ExpiredAt": expiry})["data"]
        assert [each["ExpiredAt"] for each in second] == [expiry, None]
        assert second[1:] == first
        assert owner.get("getDashboardAPIKeys") == answer(data=second, ok=True)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "'neverExpire'"),
            ({"neverExpire": False}, "'ExpiredAt'"),
            ({"neverExpire": ""}, "'ExpiredAt'"),
            ({"neverExpire": False, "ExpiredAt": None}, "strptime() argument 1 must be str, not None"),
            (
                {"neverExpire": False, "ExpiredAt": "tomorrow"},
                "time data 'tomorrow' does not match format '%Y-%m-%d %H:%M:%S'",
            ),
            (
                {"neverExpire": False, "ExpiredAt": "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="},
                "time data '(key)' does not match format '%Y-%m-%d %H:%M:%S'",
            ),
            ({"neverExpire": False, "ExpiredAt": ""}, "time data '' does not match format '%Y-%m-%d %H:%M:%S'"),
            ({"neverExpire": False, "ExpiredAt": 5}, "ExpiredAt: 5 is not a date such as 2030-01-31 18:00:00"),
            ({"neverExpire": []}, "neverExpire: a list is not true or false"),
        ],
    )
    def test_refuses(self, owner: Caller, body: dict[str, Any], message: str) -> None:
        assert owner.post("newDashboardAPIKey", body) == refused(message)
        assert owner.get("getDashboardAPIKeys") == answer(data=[], ok=True)

    @pytest.mark.parametrize("body", [{"neverExpire": "false"}, {"NeverExpire": True}, {"neverExpire": 1}])
    def test_whatever_is_truthy_is_never(self, owner: Caller, body: dict[str, Any]) -> None:
        assert owner.post("newDashboardAPIKey", body)["data"][0]["ExpiredAt"] is None

    def test_past_date_makes_a_key_that_never_works(self, owner: Caller) -> None:
        body = {"neverExpire": False, "ExpiredAt": "2020-01-01 00:00:00"}
        assert owner.post("newDashboardAPIKey", body) == answer(data=[], ok=True)

    def test_asks_for_a_recent_sign_in_or_the_password(self, owner: Caller, clock: Clock) -> None:
        clock.now += 31 * 60
        assert owner.post("newDashboardAPIKey", FOREVER) == FRESH
        wrong = {**FOREVER, "currentPassword": "wrong"}
        assert owner.post("newDashboardAPIKey", wrong) == refused("Current password does not match.")
        assert owner.post("newDashboardAPIKey", {**FOREVER, "currentPassword": PASSWORD})["status"]
        assert owner.post("newDashboardAPIKey", FOREVER)["status"], "the session is fresh again"

    def test_asks_for_credentials(self, stranger: Caller) -> None:
        assert stranger.send("POST", "/api/newDashboardAPIKey", json=FOREVER).status_code == 401


class TestDelete:
    def test_key_and_its_sessions_end_at_once(self, owner: Caller, program: Caller, key: str) -> None:
        assert program.post("authenticate", {"host": "http://other.example"})["status"]
        browser = Caller(owner.app, ELSEWHERE, cookies=program.cookies)
        assert browser.get("handshake") == OK
        assert owner.post("deleteDashboardAPIKey", {"Key": key}) == answer(data=[], ok=True)
        assert program.get("handshake") == UNKNOWN
        assert not browser.get("handshake")["status"]

    @pytest.mark.parametrize("text", ["nope", "", "x" * 256])
    def test_unknown(self, owner: Caller, key: str, text: str) -> None:
        assert owner.post("deleteDashboardAPIKey", {"Key": text}) == UNKNOWN
        assert len(owner.get("getDashboardAPIKeys")["data"]) == 1

    @pytest.mark.parametrize(
        ("body", "message"),
        [({}, "Key: is missing"), ({"Key": None}, "Key: the value is not an API key")],
    )
    def test_names_the_field(self, owner: Caller, body: dict[str, Any], message: str) -> None:
        assert owner.post("deleteDashboardAPIKey", body) == refused(message)

    def test_asks_for_a_recent_sign_in(self, owner: Caller, key: str, clock: Clock) -> None:
        clock.now += 31 * 60
        assert owner.post("deleteDashboardAPIKey", {"Key": key}) == FRESH
        owner.sign_in()
        assert owner.post("deleteDashboardAPIKey", {"Key": key}) == answer(data=[], ok=True)


class TestUse:
    def test_good_key_opens_everything(self, program: Caller) -> None:
        for path in ("handshake", "getDashboardConfiguration", "getDashboardVersion", "getDashboardAPIKeys"):
            assert program.get(path)["status"]

    def test_header_is_not_case_sensitive(self, owner: Caller, key: str) -> None:
        assert Caller(owner.app, ELSEWHERE, {"WG-Dashboard-APIKey": key}).get("handshake") == OK

    def test_bad_key_closes_everything(self, owner: Caller) -> None:
        owner.headers["wg-dashboard-apikey"] = "nope"
        for path in ("handshake", "getDashboardVersion", "validateAuthentication", "nothing"):
            result = owner.send("GET", f"/api/{path}")
            assert (result.status_code, result.json) == (401, UNKNOWN)
        assert owner.sign_in() == UNKNOWN

    def test_empty_header_is_no_header(self, owner: Caller) -> None:
        owner.headers["wg-dashboard-apikey"] = ""
        assert owner.get("handshake") == OK

    def test_keys_manage_keys(self, program: Caller, key: str) -> None:
        keys = program.post("newDashboardAPIKey", FOREVER)["data"]
        assert len(keys) == 2
        assert program.post("deleteDashboardAPIKey", {"Key": key})["status"]
        assert program.get("handshake") == UNKNOWN

    def test_expired_key_stops_at_once(self, owner: Caller, clock: Clock) -> None:
        body = {"neverExpire": False, "ExpiredAt": date(clock.now + 10)}
        (made,) = owner.post("newDashboardAPIKey", body)["data"]
        program = Caller(owner.app, ELSEWHERE, {"wg-dashboard-apikey": made["Key"]})
        program.post("authenticate", {})
        browser = Caller(owner.app, ELSEWHERE, cookies=program.cookies)
        clock.now += 9
        assert program.get("handshake") == OK
        clock.now += 1
        assert program.get("handshake") == UNKNOWN
        assert not browser.get("handshake")["status"], "its sessions stop as well"
        assert owner.get("getDashboardAPIKeys") == answer(data=[], ok=True)

    def test_sign_in_with_a_key_needs_no_password(self, program: Caller, clock: Clock) -> None:
        assert program.post("authenticate", {"host": "http://other.example"}) == answer(False, ok=True)
        browser = Caller(program.app, ELSEWHERE, cookies=program.cookies)
        assert browser.get("validateAuthentication") == OK
        assert browser.post("newDashboardAPIKey", FOREVER) == FRESH, "no password was shown"

    def test_good_key_of_one_request_is_none_of_another(self, program: Caller, stranger: Caller) -> None:
        assert program.get("handshake") == OK
        assert stranger.post("authenticate", {"host": "x"}) == refused("username: is missing")

    def test_key_does_not_switch_the_second_factor_off(self, program: Caller, runtime: Runtime) -> None:
        runtime.accounts.verify_totp()
        body = {"section": "Account", "key": "enable_totp", "value": "false"}
        result = program.send("POST", "/api/updateDashboardConfigurationItem", json=body)
        assert (result.status_code, result.json) == (200, FRESH), "signing in again would not help a key"
        assert program.set("Account", "totp_verified", "false") == FRESH
        assert program.set("Account", "enable_totp", "false", currentPassword=PASSWORD) == OK


class TestSwitchedOff:
    @pytest.fixture(autouse=True)
    def disabled(self, key: str, settings: DashboardSettings) -> None:
        settings.set("server.api_keys", False)

    def test_keys_are_not_looked_at(self, program: Caller, owner: Caller) -> None:
        assert program.get("handshake") == refused("Unauthorized access.")
        assert program.get("getDashboardVersion")["status"]
        owner.headers["wg-dashboard-apikey"] = "nope"
        assert owner.get("handshake") == OK

    def test_what_a_key_has_opened_is_closed_until_they_are_on_again(
        self, program: Caller, owner: Caller, settings: DashboardSettings
    ) -> None:
        settings.set("server.api_keys", True)
        assert program.post("authenticate", {"host": "x"})["status"]
        browser = Caller(owner.app, cookies=program.cookies)
        assert browser.get("handshake") == OK
        settings.set("server.api_keys", False)
        assert browser.get("handshake") == refused("Unauthorized access.")
        assert browser.get("validateAuthentication") == refused("Invalid authentication.")
        assert owner.get("handshake") == OK

    def test_keys_are_not_managed(self, owner: Caller, key: str) -> None:
        assert owner.get("getDashboardAPIKeys") == DISABLED
        assert owner.post("newDashboardAPIKey", FOREVER) == DISABLED
        assert owner.post("deleteDashboardAPIKey", {"Key": key}) == DISABLED

    def test_page_asks_for_the_list_right_before_it_switches_keys_on(
        self, owner: Caller, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_keys, "_IN_THE_SAME_BREATH", 60.0)
        other = Caller(owner.app, cookies=owner.cookies)
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(other.get, "getDashboardAPIKeys")
            wait([asked], timeout=0.2)
            assert owner.set("Server", "dashboard_api_key", True) == OK
            assert [each["Key"] for each in asked.result()["data"]] == [key]

    def test_faults_of_the_request_come_first(self, owner: Caller) -> None:
        assert owner.post("newDashboardAPIKey", {}) == refused("'neverExpire'")


def test_stolen_database_yields_no_key(owner: Caller, key: str, tmp_path: Path) -> None:
    for each in (tmp_path / "var").iterdir():
        assert key.encode() not in each.read_bytes()
        assert each.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets" / "runtime.key").stat().st_mode & 0o777 == 0o600
