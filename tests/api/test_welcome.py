"""The first visit (API.md 2.4)."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from wgreconcile.api.runtime.runtime import Runtime

from .dashboard import OK, PASSWORD, USERNAME, Caller, Clock, answer, refused

CHOICE = {"username": USERNAME, "newPassword": PASSWORD, "repeatNewPassword": PASSWORD, "enable_totp": True}


@pytest.fixture
def visitor(new_app: Any) -> Caller:
    caller = Caller(new_app)
    assert caller.sign_in("admin", "admin") == answer(True, ok=True)
    return caller


class TestFinish:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"username": ""}, "Username cannot be blank."),
            ({"newPassword": "short", "repeatNewPassword": "short"}, "Password must be at least 8 characters"),
            ({"newPassword": "", "repeatNewPassword": ""}, "Password must be at least 8 characters"),
            ({"repeatNewPassword": "different11"}, "New passwords does not match"),
            ({"username": 7}, "username: 7 is not text of at most 64 characters"),
            ({"username": "x" * 65}, f"username: '{'(hidden)'}' is not text of at most 64 characters"),
            ({"username": "a\x00"}, "username: contains a control character"),
            ({"newPassword": None}, "newPassword: the value is not text of at most 1024 characters"),
        ],
    )
    def test_refuses_and_changes_nothing(self, visitor: Caller, change: dict[str, Any], message: str) -> None:
        assert visitor.post("Welcome_Finish", {**CHOICE, **change}) == refused(message)
        account = visitor.get("getDashboardConfiguration")["data"]["Account"]
        assert account["username"] == "admin"
        assert Caller(visitor.app).sign_in("admin", "admin")["status"]

    @pytest.mark.parametrize("field", ["username", "newPassword", "repeatNewPassword"])
    def test_names_what_is_missing(self, visitor: Caller, field: str) -> None:
        body = {name: value for name, value in CHOICE.items() if name != field}
        assert visitor.post("Welcome_Finish", body) == refused(f"{field}: is missing")

    def test_sets_name_and_password_and_ends_other_sessions(self, visitor: Caller) -> None:
        other = Caller(visitor.app)
        other.sign_in("admin", "admin")
        assert visitor.post("Welcome_Finish", CHOICE) == OK
        assert visitor.get("validateAuthentication") == OK
        assert not other.get("handshake")["status"]
        assert not Caller(visitor.app).sign_in("admin", "admin")["status"]
        assert Caller(visitor.app).sign_in() == answer(False, ok=True)

    def test_does_nothing_the_second_time(self, visitor: Caller) -> None:
        visitor.post("Welcome_Finish", CHOICE)
        again = {"username": "again", "newPassword": "correct-horse-2", "repeatNewPassword": "correct-horse-2"}
        assert visitor.post("Welcome_Finish", again) == OK
        assert Caller(visitor.app).sign_in() == answer(False, ok=True)

    def test_is_no_way_around_the_current_password(self, owner: Caller) -> None:
        assert owner.set("Other", "welcome_session", "true") == OK
        assert owner.post("Welcome_Finish", CHOICE) == refused("Current password does not match.")

    def test_asks_for_a_session(self, stranger: Caller) -> None:
        assert stranger.send("POST", "/api/Welcome_Finish", json=CHOICE).status_code == 401


class TestTotp:
    def link(self, caller: Caller) -> str:
        return str(caller.get("Welcome_GetTotpLink")["data"])

    def test_link(self, owner: Caller, runtime: Runtime) -> None:
        secret = runtime.accounts.totp_secret()
        link = f"otpauth://totp/WGDashboard:Secret?secret={secret}&issuer=WGDashboard"
        assert len(secret) == 32
        assert self.link(owner) == self.link(owner) == link

    def test_wrong_code(self, owner: Caller, runtime: Runtime, clock: Clock) -> None:
        code = pyotp.TOTP(runtime.accounts.totp_secret()).at(int(clock.now))
        for wrong in (int(code), "", "12", code + "0"):
            assert owner.post("Welcome_VerifyTotpLink", {"totp": wrong}) == refused(None)
        assert owner.post("Welcome_VerifyTotpLink", {}) == refused("totp: is missing")
        assert owner.get("isTotpEnabled")["data"] is False

    def test_asks_for_a_recent_sign_in(self, owner: Caller, clock: Clock, runtime: Runtime) -> None:
        clock.now += 31 * 60
        code = pyotp.TOTP(runtime.accounts.enrolment_secret()).at(int(clock.now))
        result = owner.send("POST", "/api/Welcome_VerifyTotpLink", json={"totp": code})
        assert (result.status_code, result.json["status"]) == (401, False), "it would keep the owner out"
        assert not runtime.accounts.require().totp_enabled
        assert owner.post("Welcome_VerifyTotpLink", {"totp": code, "currentPassword": PASSWORD}) == OK

    def test_verified_secret_is_never_shown_and_never_used_again(
        self, owner: Caller, runtime: Runtime, clock: Clock
    ) -> None:
        first = self.link(owner)
        code = pyotp.parse_uri(first).at(int(clock.now))
        assert owner.post("Welcome_VerifyTotpLink", {"totp": code}) == OK
        assert owner.get("isTotpEnabled")["data"] is True
        assert owner.get("Welcome_GetTotpLink") == refused(None)
        assert owner.set("Account", "totp_verified", "false") == OK
        assert Caller(owner.app).sign_in(totp=code)["status"], "the owner is not locked out halfway"
        assert owner.set("Account", "enable_totp", "false") == OK
        assert self.link(owner) != first
        assert Caller(owner.app).sign_in()["status"]

    def test_secret_is_not_in_the_database(self, owner: Caller, runtime: Runtime, tmp_path: Any) -> None:
        secret = runtime.accounts.totp_secret().encode()
        assert all(secret not in each.read_bytes() for each in (tmp_path / "var").iterdir())
