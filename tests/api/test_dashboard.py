"""The settings over HTTP (API.md 4, 10.2, 10.8, 10.15)."""

from __future__ import annotations

from typing import Any

import pytest

from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.document import InMemory
from wgreconcile.api.settings.settings import DashboardSettings

from .dashboard import ELSEWHERE, OK, PASSWORD, USERNAME, Caller, Clock, answer, refused

FRESH = refused("Please sign out, sign in again and repeat: this change needs a recent sign-in.")
NEW = "another-pass-1"

DEFAULTS: dict[str, dict[str, Any]] = {
    "Account": {"username": USERNAME, "password": "(hidden)", "enable_totp": False, "totp_verified": False},
    "Database": {"type": "sqlite"},
    "Other": {"welcome_session": False},
    "Peers": {
        "peer_display_mode": "grid",
        "peer_endpoint_allowed_ip": "0.0.0.0/0",
        "peer_global_dns": "1.1.1.1",
        "peer_keep_alive": "21",
        "peer_mtu": "1420",
        "remote_endpoint": "192.0.2.10",
    },
    "Server": {
        "app_ip": "127.0.0.1",
        "app_port": "10086",
        "app_prefix": "",
        "auth_req": True,
        "dashboard_api_key": False,
        "dashboard_refresh_interval": "60000",
        "dashboard_sort": "status",
        "dashboard_theme": "dark",
        "version": "v4.0.4",
        "wg_conf_path": "/etc/wireguard",
    },
}


class TestConfiguration:
    def test_all_sections(self, owner: Caller) -> None:
        assert owner.get("getDashboardConfiguration") == answer(data=DEFAULTS, ok=True)

    def test_is_for_those_who_signed_in(self, stranger: Caller) -> None:
        result = stranger.send("GET", "/api/getDashboardConfiguration")
        assert (result.status_code, result.json) == (401, refused("Unauthorized access."))

    def test_public_settings(self, stranger: Caller) -> None:
        assert stranger.get("getDashboardTheme") == answer(data="dark", ok=True)
        assert stranger.get("getDashboardVersion") == answer(data="v4.0.4", ok=True)


class TestUpdate:
    @pytest.mark.parametrize(
        ("section", "key", "value"),
        [
            ("Server", "dashboard_theme", "light"),
            ("Server", "dashboard_theme", "purple"),
            ("Server", "dashboard_sort", "name"),
            ("Server", "dashboard_refresh_interval", "5000"),
            ("Server", "app_port", "10087"),
            ("Server", "app_ip", "::1"),
            ("Server", "app_prefix", "/wgd"),
            ("Server", "wg_conf_path", "/etc/wireguard"),
            ("Server", "version", "v9.9.9"),
            ("Peers", "peer_global_dns", "8.8.8.8"),
            ("Peers", "peer_global_dns", "8.8.8.8,9.9.9.9"),
            ("Peers", "peer_global_dns", "2606:4700::1111"),
            ("Peers", "peer_endpoint_allowed_ip", "0.0.0.0/0,::/0"),
            ("Peers", "peer_endpoint_allowed_ip", "10.0.0.5/8"),
            ("Peers", "peer_endpoint_allowed_ip", "10.0.0.5"),
            ("Peers", "peer_mtu", "1280"),
            ("Peers", "peer_mtu", "0"),
            ("Peers", "peer_keep_alive", "1"),
            ("Peers", "peer_keep_alive", "0"),
            ("Peers", "remote_endpoint", "vpn.example.org"),
            ("Peers", "remote_endpoint", "2001:db8::1"),
            ("Peers", "peer_display_mode", "list"),
            ("Account", "username", "oper2"),
            ("Database", "type", "sqlite"),
        ],
    )
    def test_what_is_written_is_read_back(self, owner: Caller, section: str, key: str, value: str) -> None:
        assert owner.set(section, key, value) == OK
        assert owner.get("getDashboardConfiguration")["data"][section][key] == value

    @pytest.mark.parametrize(
        ("key", "value", "read"),
        [
            ("dashboard_refresh_interval", 10000, "10000"),
            ("app_port", 8080, "8080"),
            ("dashboard_api_key", True, True),
            ("dashboard_api_key", "true", True),
            ("dashboard_api_key", "on", True),
            ("dashboard_api_key", False, False),
            ("auth_req", "true", True),
        ],
    )
    def test_types(self, owner: Caller, key: str, value: Any, read: Any) -> None:
        assert owner.set("Server", key, value) == OK
        assert owner.get("getDashboardConfiguration")["data"]["Server"][key] == read

    @pytest.mark.parametrize(
        ("section", "key", "value", "message"),
        [
            ("Server", "dashboard_theme", "", "Field cannot be empty!"),
            ("Server", "app_prefix", "", "Field cannot be empty!"),
            ("Account", "username", "", "Field cannot be empty!"),
            ("Account", "password", "", "Field cannot be empty!"),
            ("Nowhere", "x", "", "Field cannot be empty!"),
            ("Account", "totp_key", "JBSWY3DPEHPK3PXP", None),
            ("Account", "totp_key", "", None),
            (
                "Peers",
                "peer_global_dns",
                "8.8.8.8, 9.9.9.9",
                "' 9.9.9.9' does not appear to be an IPv4 or IPv6 address",
            ),
            ("Peers", "peer_global_dns", "a.b", "'a.b' does not appear to be an IPv4 or IPv6 address"),
            ("Peers", "peer_global_dns", "fe80::1%x", "'fe80::1%x' does not appear to be an IPv4 or IPv6 address"),
            ("Peers", "peer_global_dns", "1.1.1.1,", "'' does not appear to be an IPv4 or IPv6 address"),
            (
                "Peers",
                "peer_endpoint_allowed_ip",
                "0.0.0.0/0, ::/0",
                "' ::/0' does not appear to be an IPv4 or IPv6 network",
            ),
            (
                "Peers",
                "peer_endpoint_allowed_ip",
                "300.0.0.0/8",
                "'300.0.0.0/8' does not appear to be an IPv4 or IPv6 network",
            ),
            ("Peers", "peer_mtu", "abc", "peer_mtu: 'abc' is not a number from 0 to 1460"),
            ("Peers", "peer_mtu", "1500", "peer_mtu: 1500 is not a number from 0 to 1460"),
            ("Peers", "peer_mtu", 12.5, "peer_mtu: '12.5' is not a number from 0 to 1460"),
            ("Peers", "peer_keep_alive", "-5", "peer_keep_alive: '-5' is not a number of seconds from 0 to 65535"),
            (
                "Peers",
                "remote_endpoint",
                "not a host!",
                "remote_endpoint: 'not a host!' is not a host name or address",
            ),
            ("Server", "app_port", "0", "app_port: 0 is not a port from 1 to 65535"),
            ("Server", "app_ip", "localhost", "app_ip: 'localhost' does not appear to be an IPv4 or IPv6 address"),
            (
                "Server",
                "app_prefix",
                "../x",
                "app_prefix: '../x' is not a path that begins with / and does not end with one, or nothing",
            ),
            ("Server", "dashboard_theme", "a\nb = c", "value: contains a control character"),
            (
                "Server",
                "dashboard_theme",
                '"><script>',
                "dashboard_theme: '\"><script>' is not a word such as dark or light",
            ),
            ("Server", "dashboard_theme", None, "value: the value is not text, true or false"),
            ("Server", "dashboard_theme", ["dark"], "value: the value is not text, true or false"),
            ("Server", "dashboard_theme", {"a": 1}, "value: an object is not text, true or false"),
            ("Server", "dashboard_api_key", "maybe", "dashboard_api_key: 'maybe' is not true or false"),
            ("Server", "wg_conf_path", "/no/such/folder", "/no/such/folder is not a valid path"),
            ("Server", "wg_conf_path", "/etc", "/etc is not a valid path"),
            ("Server", "version", "v" * 33, "version: is longer than 32 characters"),
            ("Server", "unknown_key", "zzz", "unknown_key does not exist under Server"),
            ("Peers", "peer_global_DNS", "junk", "peer_global_DNS does not exist under Peers"),
            ("Nowhere", "some_key", "some value", "Section does not exist"),
            ("Account", "enable_totp", "maybe", "enable_totp: 'maybe' is not true or false"),
            ("Account", "totp_verified", "true", "totp_verified: show a code to Welcome_VerifyTotpLink"),
            ("Account", "username", "x" * 65, "username: is longer than 64 characters"),
            ("Database", "type", "mysql", "type: 'mysql' is not sqlite"),
            ("Other", "welcome_session", "x", "welcome_session: 'x' is not true or false"),
            (5, "x", "y", "section: 5 is not text of at most 64 characters"),
        ],
    )
    def test_refuses(
        self, owner: Caller, document: InMemory, section: Any, key: str, value: Any, message: str | None
    ) -> None:
        assert owner.set(section, key, value) == refused(message)
        assert owner.get("getDashboardConfiguration")["data"] == DEFAULTS
        assert document.load() == {"peers": {"endpoint": "192.0.2.10"}}

    @pytest.mark.parametrize("field", ["section", "key", "value"])
    def test_missing_field(self, owner: Caller, field: str) -> None:
        body = {"section": "Server", "key": "dashboard_theme", "value": "dark"}
        del body[field]
        assert owner.post("updateDashboardConfigurationItem", body) == refused("Invalid request.")
        assert owner.post("updateDashboardConfigurationItem", {}) == refused("Invalid request.")

    def test_is_for_those_who_signed_in(self, stranger: Caller) -> None:
        body = {"section": "Server", "key": "dashboard_theme", "value": "dark"}
        assert stranger.send("POST", "/api/updateDashboardConfigurationItem", json=body).status_code == 401

    def test_goes_into_the_document_in_words_of_the_project(self, owner: Caller, document: InMemory) -> None:
        owner.set("Peers", "peer_global_dns", "8.8.8.8,9.9.9.9")
        owner.set("Server", "dashboard_api_key", True)
        assert document.load() == {
            "peers": {"endpoint": "192.0.2.10", "dns": ["8.8.8.8", "9.9.9.9"]},
            "server": {"api_keys": True},
        }

    def test_version_is_told_until_the_next_start(self, owner: Caller, document: InMemory) -> None:
        assert owner.set("Server", "version", "v9.9.9") == OK
        assert owner.get("getDashboardVersion")["data"] == "v9.9.9"
        assert DashboardSettings(document).version == "v4.0.4"

    def test_version_follows_compat(self, owner: Caller, settings: DashboardSettings) -> None:
        settings.set("compat", "v4.2")
        assert owner.get("getDashboardVersion")["data"] == "v4.2.5"


class TestPassword:
    def change(self, caller: Caller, current: str, new: str, repeated: str | None = None) -> Any:
        repeat = new if repeated is None else repeated
        value = {"currentPassword": current, "newPassword": new, "repeatNewPassword": repeat}
        return caller.set("Account", "password", value)

    @pytest.mark.parametrize(
        ("current", "new", "repeated", "message"),
        [
            ("wrong", NEW, NEW, "Current password does not match."),
            ("wrong", NEW, "other", "Current password does not match."),
            (PASSWORD, NEW, "other", "New passwords does not match"),
            (PASSWORD, "", "", "Field cannot be empty!"),
        ],
    )
    def test_refuses(self, owner: Caller, current: str, new: str, repeated: str, message: str) -> None:
        assert self.change(owner, current, new, repeated) == refused(message)
        assert Caller(owner.app).sign_in()["status"]

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"currentPassword": PASSWORD}, "value.newPassword: is missing"),
            ({"newPassword": NEW, "repeatNewPassword": NEW}, "value.currentPassword: is missing"),
            ("text", "value: is not an object with currentPassword, newPassword and repeatNewPassword"),
            (True, "value: is not an object with currentPassword, newPassword and repeatNewPassword"),
            ({"currentPassword": 5}, "value.currentPassword: the value is not text of at most 1024 characters"),
        ],
    )
    def test_names_the_field(self, owner: Caller, value: Any, message: str) -> None:
        assert owner.set("Account", "password", value) == refused(message)

    def test_ends_the_other_sessions(self, owner: Caller) -> None:
        other = Caller(owner.app)
        other.sign_in()
        assert self.change(owner, PASSWORD, NEW) == OK
        assert owner.get("handshake") == OK
        assert not other.get("handshake")["status"]
        assert not Caller(owner.app).sign_in()["status"]
        assert Caller(owner.app).sign_in(password=NEW)["status"]

    def test_guessing_the_current_one_is_slowed_down(self, owner: Caller) -> None:
        for _ in range(5):
            assert self.change(owner, "wrong", NEW) == refused("Current password does not match.")
        assert "Too many" in self.change(owner, PASSWORD, NEW)["message"]


class TestWhatNeedsARecentSignIn:
    @pytest.fixture
    def stale(self, owner: Caller, clock: Clock, runtime: Runtime) -> Caller:
        runtime.accounts.verify_totp()
        clock.now += 31 * 60
        return owner

    @pytest.mark.parametrize(
        ("section", "key", "value"),
        [
            ("Account", "totp_verified", "false"),
            ("Account", "enable_totp", "false"),
            ("Account", "username", "mallory"),
            ("Server", "auth_req", "false"),
            ("Server", "dashboard_api_key", True),
        ],
    )
    def test_is_refused_to_an_old_session(self, stale: Caller, section: str, key: str, value: Any) -> None:
        before = stale.get("getDashboardConfiguration")
        body = {"section": section, "key": key, "value": value}
        result = stale.send("POST", "/api/updateDashboardConfigurationItem", json=body)
        assert (result.status_code, result.json) == (401, FRESH), "the page asks to sign in"
        assert stale.set(section, key, value, currentPassword="wrong") == refused(
            "Current password does not match."
        )
        assert stale.get("getDashboardConfiguration") == before
        assert stale.set(section, key, value, currentPassword=PASSWORD) == OK

    def test_time_is_a_setting(self, stale: Caller, settings: DashboardSettings) -> None:
        settings.set("server.fresh_minutes", 60)
        assert stale.set("Account", "enable_totp", "false") == OK

    def test_other_settings_do_not(self, stale: Caller) -> None:
        assert stale.set("Server", "dashboard_theme", "light") == OK
        assert stale.set("Account", "username", USERNAME) == OK, "it is that already"


class TestAuthentication:
    def test_cannot_be_switched_off_from_elsewhere(self, app: Any, settings: DashboardSettings) -> None:
        caller = Caller(app, ELSEWHERE)
        caller.sign_in()
        message = "auth_req: can be switched off from this host only, or in settings.yaml"
        for value in ("false", False, "0", "off", "FALSE"):
            assert caller.set("Server", "auth_req", value) == refused(message)
        assert settings.get().server.auth_required

    def test_switched_off(self, owner: Caller, stranger: Caller) -> None:
        assert owner.set("Server", "auth_req", "false") == OK
        assert stranger.get("handshake") == OK
        stranger.headers["wg-dashboard-apikey"] = "nope"
        assert stranger.get("handshake") == OK, "keys are not looked at"
        assert stranger.get("validateAuthentication") == refused("Invalid authentication.")
        assert not stranger.sign_in(password="wrong")["status"]
        assert stranger.send("GET", "/api/nothing").status_code == 404
        assert stranger.set("Account", "enable_totp", "true") == OK
        assert stranger.set("Account", "enable_totp", "false") == FRESH
