"""Sign in, sign out, sessions (API.md 2.1 to 2.3, 10.5, 10.14)."""

from __future__ import annotations

from typing import Any

import bcrypt
import pyotp
import pytest

from wgreconcile.api.auth.first_run import prepare_account
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.runtime.sessions import LIFETIME
from wgreconcile.api.wgdashboard import sign_in

from .dashboard import ELSEWHERE, OK, PASSWORD, USERNAME, Caller, Clock, answer, refused

WRONG = refused("Sorry, your username or password is incorrect.")
WRONG_WITH_CODE = refused("Sorry, your username, password or OTP is incorrect.")
UNAUTHORIZED = refused("Unauthorized access.")


@pytest.fixture
def secret(runtime: Runtime, app: Any) -> str:
    """The second factor, switched on."""
    runtime.accounts.verify_totp()
    return runtime.accounts.totp_secret()


def code_of(secret: str, now: float) -> str:
    return pyotp.TOTP(secret).at(int(now))


class TestAuthenticate:
    @pytest.mark.parametrize(
        ("username", "password"),
        [(USERNAME, "wrong"), ("nobody", PASSWORD), ("admin", "admin"), (USERNAME, ""), ("", ""), ("ünï", "cödé")],
    )
    def test_wrong(self, stranger: Caller, username: str, password: str) -> None:
        assert stranger.sign_in(username, password) == WRONG
        assert stranger.cookies == {}

    def test_right(self, stranger: Caller) -> None:
        assert stranger.sign_in() == answer(False, ok=True)
        assert stranger.get("handshake") == OK

    def test_message_true_leads_to_the_welcome_page(self, new_app: Any) -> None:
        assert Caller(new_app).sign_in("admin", "one-time-password") == answer(True, ok=True)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "username: is missing"),
            ({"username": USERNAME}, "password: is missing"),
            ({"password": PASSWORD}, "username: is missing"),
            ({"username": 5, "password": PASSWORD}, "username: 5 is not text of at most 256 characters"),
            (
                {"username": USERNAME, "password": ["x"]},
                "password: the value is not text of at most 1024 characters",
            ),
            ({"username": "a\nb", "password": PASSWORD}, "username: contains a control character"),
        ],
    )
    def test_names_the_field(self, stranger: Caller, body: dict[str, Any], message: str) -> None:
        assert stranger.post("authenticate", body) == refused(message)

    def test_cookies(self, app: Any) -> None:
        body = {"username": USERNAME, "password": PASSWORD}
        result = Caller(app).send("POST", "/api/authenticate", json=body)
        page, session = result.cookies["authToken"], result.cookies["session"]
        assert len(page.value) == 64 and int(page.value, 16)
        assert not page.http_only and session.http_only
        assert (page.path, session.path) == ("/", "/")
        assert (page.same_site, session.same_site) == ("Lax", "Lax")
        assert page.expires is None and session.expires is not None
        assert not page.secure and not session.secure

    def test_cookies_are_secure_behind_tls(self, make_app: Any, app: Any, settings: Any) -> None:
        settings.set("server.trusted_proxies", ["127.0.0.1"])
        body = {"username": USERNAME, "password": PASSWORD}
        for headers, secure in [({"X-Forwarded-Proto": "https"}, True), ({"X-Forwarded-Proto": "http"}, False)]:
            cookies = Caller(app).send("POST", "/api/authenticate", json=body, headers=headers).cookies
            assert cookies["session"].secure is secure
        settings.set("server.trusted_proxies", [])
        headers = {"X-Forwarded-Proto": "https"}
        cookies = Caller(app).send("POST", "/api/authenticate", json=body, headers=headers).cookies
        assert not cookies["session"].secure, "anybody may claim to be a proxy"

    def test_tokens_are_new_each_time_and_not_in_the_database(
        self, app: Any, runtime: Runtime, tmp_path: Any
    ) -> None:
        first, second = Caller(app), Caller(app)
        first.sign_in()
        second.sign_in()
        assert first.cookies != second.cookies
        content = b"".join(each.read_bytes() for each in (tmp_path / "var").iterdir())
        assert all(token.encode() not in content for token in first.cookies.values())

    def test_hash_of_wgdashboard_verifies_and_is_renewed(self, new_app: Any, runtime: Runtime) -> None:
        long = "p" * 80
        hashed = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
        runtime.accounts.adopt(USERNAME, hashed)
        caller = Caller(new_app, ELSEWHERE)
        assert caller.sign_in(USERNAME, "wrong") == WRONG
        assert caller.sign_in(USERNAME, long) == answer(False, ok=True)
        assert runtime.accounts.require().password_hash.startswith("$argon2id$")
        assert caller.sign_in(USERNAME, long) == answer(False, ok=True)

    def test_a_password_that_is_changed_at_the_same_moment_opens_nothing(
        self, owner: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verify, value = (
            sign_in.verify_password,
            dict.fromkeys(("newPassword", "repeatNewPassword"), "another-one-2"),
        )

        def verify_slowly(*arguments: str) -> bool:
            found = verify(*arguments)
            monkeypatch.undo()
            assert owner.set("Account", "password", {"currentPassword": PASSWORD, **value})["status"]
            return found

        monkeypatch.setattr(sign_in, "verify_password", verify_slowly)
        assert stranger.sign_in() == WRONG
        assert stranger.get("handshake") == UNAUTHORIZED
        assert owner.get("handshake") == OK
        assert stranger.sign_in(password="another-one-2") == answer(False, ok=True)

    def test_ends_the_session_it_replaces(self, owner: Caller) -> None:
        before = Caller(owner.app, cookies=dict(owner.cookies))
        owner.sign_in()
        assert before.get("handshake") == UNAUTHORIZED


class TestDefaultPassword:
    def test_from_this_host(self, new_app: Any) -> None:
        assert Caller(new_app).sign_in("admin", "admin") == answer(True, ok=True)

    @pytest.mark.parametrize(
        ("address", "headers"),
        [
            (ELSEWHERE, {}),
            ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
            ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
            ("127.0.0.1", {"X-Real-IP": ELSEWHERE}),
            ("127.0.0.1", {"Host": "rebound.example"}),
            ("192.168.1.5", {"Host": "localhost"}),
        ],
    )
    def test_from_anywhere_else(self, new_app: Any, address: str, headers: dict[str, str]) -> None:
        caller = Caller(new_app, address, headers)
        assert caller.sign_in("admin", "admin") == WRONG
        assert caller.sign_in("admin", "one-time-password") == answer(True, ok=True)

    def test_ends_with_the_first_password_of_ones_own(self, owner: Caller) -> None:
        assert Caller(owner.app).sign_in(USERNAME, "admin") == WRONG
        assert Caller(owner.app).sign_in("admin", "admin") == WRONG

    def test_never_begins_when_a_password_was_given(self, make_app: Any, runtime: Runtime) -> None:
        prepare_account(runtime.accounts, {"WGRECONCILE_PASSWORD": "given-password"}, pytest.fail)
        caller = Caller(make_app())
        assert caller.sign_in("admin", "admin") == WRONG
        assert caller.sign_in("admin", "given-password") == answer(True, ok=True)


class TestSecondFactor:
    def test_is_told_before_sign_in(self, stranger: Caller, runtime: Runtime) -> None:
        assert stranger.get("isTotpEnabled") == answer(data=False, ok=True)
        runtime.accounts.enable_totp(True)
        assert stranger.get("isTotpEnabled") == answer(data=False, ok=True)
        runtime.accounts.verify_totp()
        assert stranger.get("isTotpEnabled") == answer(data=True, ok=True)

    def test_right(self, stranger: Caller, secret: str, clock: Clock) -> None:
        assert stranger.sign_in(totp=code_of(secret, clock.now)) == answer(False, ok=True)

    @pytest.mark.parametrize("code", ["", "000000x", "12345", None, 123456, "\uff11" * 6])
    def test_wrong(self, stranger: Caller, secret: str, code: Any) -> None:
        assert stranger.sign_in(totp=code) == WRONG_WITH_CODE

    def test_missing(self, stranger: Caller, secret: str) -> None:
        assert stranger.sign_in() == WRONG_WITH_CODE

    def test_number_never_matches(self, stranger: Caller, secret: str, clock: Clock) -> None:
        assert stranger.sign_in(totp=int(code_of(secret, clock.now))) == WRONG_WITH_CODE

    def test_wrong_password_does_not_use_the_code_up(self, stranger: Caller, secret: str, clock: Clock) -> None:
        code = code_of(secret, clock.now)
        assert stranger.sign_in(USERNAME, "wrong", totp=code) == WRONG_WITH_CODE
        assert stranger.sign_in(totp=code) == answer(False, ok=True)

    def test_works_once(self, stranger: Caller, secret: str, clock: Clock) -> None:
        code = code_of(secret, clock.now)
        assert stranger.sign_in(totp=code) == answer(False, ok=True)
        assert stranger.sign_in(totp=code) == WRONG_WITH_CODE
        clock.now += 30
        assert stranger.sign_in(totp=code) == WRONG_WITH_CODE

    @pytest.mark.parametrize(("drift", "good"), [(-60, False), (-30, True), (30, True), (60, False)])
    def test_drift(self, stranger: Caller, secret: str, clock: Clock, drift: int, good: bool) -> None:
        assert stranger.sign_in(totp=code_of(secret, clock.now + drift))["status"] is good

    def test_clock_that_was_set_back_does_not_lock_out(self, stranger: Caller, secret: str, clock: Clock) -> None:
        assert stranger.sign_in(totp=code_of(secret, clock.now))["status"]
        clock.now -= 365 * 24 * 3600
        code = code_of(secret, clock.now)
        assert stranger.sign_in(totp=code)["status"]
        assert not stranger.sign_in(totp=code)["status"], "a code works once then, too"

    def test_older_code_is_spent_with_a_newer_one(self, stranger: Caller, secret: str, clock: Clock) -> None:
        assert stranger.sign_in(totp=code_of(secret, clock.now + 30))["status"]
        assert not stranger.sign_in(totp=code_of(secret, clock.now))["status"]


class TestValidateAuthentication:
    def test_both_cookies(self, owner: Caller) -> None:
        assert owner.get("validateAuthentication") == OK

    @pytest.mark.parametrize("lacking", ["authToken", "session"])
    def test_one_cookie(self, owner: Caller, lacking: str) -> None:
        del owner.cookies[lacking]
        assert owner.get("validateAuthentication") == refused("Invalid authentication.")

    @pytest.mark.parametrize("cookies", [{}, {"authToken": "nonsense"}, {"authToken": "", "session": "\x7f"}])
    def test_nonsense(self, stranger: Caller, cookies: dict[str, str]) -> None:
        stranger.cookies = cookies
        assert stranger.get("validateAuthentication") == refused("Invalid authentication.")

    def test_cookies_of_two_sessions(self, owner: Caller) -> None:
        other = Caller(owner.app)
        other.sign_in()
        owner.cookies["authToken"] = other.cookies["authToken"]
        assert owner.get("validateAuthentication") == refused("Invalid authentication.")


class TestSession:
    def test_page_cookie_alone_opens_nothing(self, owner: Caller) -> None:
        del owner.cookies["session"]
        result = owner.send("GET", "/api/handshake")
        assert (result.status_code, result.json) == (401, UNAUTHORIZED)

    def test_session_cookie_alone_opens_everything(self, owner: Caller) -> None:
        del owner.cookies["authToken"]
        assert owner.get("handshake") == OK

    def test_outlives_a_restart(self, owner: Caller, make_app: Any) -> None:
        assert Caller(make_app(), cookies=owner.cookies).get("handshake") == OK

    def test_slides(self, owner: Caller, clock: Clock) -> None:
        for _ in range(3):
            clock.now += LIFETIME - 10
            assert owner.get("handshake") == OK
        clock.now += LIFETIME + 1
        assert owner.get("handshake") == UNAUTHORIZED

    def test_cookie_is_sent_again_with_every_answer(self, owner: Caller) -> None:
        for path, status in [("/api/handshake", 200), ("/api/nothing", 404), ("/api/authenticate", 405)]:
            result = owner.send("GET", path)
            assert result.status_code == status
            assert result.cookies["session"].value == owner.cookies["session"]

    def test_sign_out_ends_it(self, owner: Caller) -> None:
        before = dict(owner.cookies)
        result = owner.send("GET", "/api/signout")
        assert result.json == answer("", ok=True)
        deleted = {each for each in result.headers["set-cookie"].split(", authToken") if "Max-Age=0" in each}
        assert deleted and owner.cookies == {}
        assert Caller(owner.app, cookies=before).get("handshake") == UNAUTHORIZED
        assert Caller(owner.app, cookies=before).get("validateAuthentication")["status"] is False

    def test_sign_out_asks_for_one(self, stranger: Caller) -> None:
        assert stranger.get("signout") == UNAUTHORIZED


class TestThrottle:
    def fail(self, caller: Caller, times: int) -> None:
        for _ in range(times):
            assert caller.sign_in(USERNAME, "wrong") == WRONG

    def test_delay_grows_and_ends(self, stranger: Caller, clock: Clock) -> None:
        self.fail(stranger, 5)
        for delay in (1, 2, 4, 8):
            body = {"username": USERNAME, "password": PASSWORD}
            result = stranger.send("POST", "/api/authenticate", json=body)
            assert result.status_code == 200
            assert result.json == refused(f"Too many attempts. Please try again in {delay} second(s).")
            assert result.headers["Retry-After"] == str(delay)
            clock.now += delay
            self.fail(stranger, 1)
        clock.now += 300
        assert stranger.sign_in()["status"]
        self.fail(stranger, 5)

    def test_refused_attempts_do_not_prolong_it(self, stranger: Caller, clock: Clock) -> None:
        self.fail(stranger, 5)
        for _ in range(100):
            assert "Too many" in stranger.sign_in()["message"]
        clock.now += 1
        assert stranger.sign_in()["status"]

    def test_other_addresses_may_sign_in(self, stranger: Caller) -> None:
        self.fail(stranger, 5)
        assert Caller(stranger.app, "203.0.113.9").sign_in()["status"]

    def test_many_addresses_slow_strangers_down_but_not_the_owner(self, stranger: Caller, clock: Clock) -> None:
        known = Caller(stranger.app, "203.0.113.9")
        assert known.sign_in()["status"]
        for number in range(20):
            self.fail(Caller(stranger.app, f"2001:db8:{number:x}::1"), 1)
        assert "Too many" in stranger.sign_in()["message"]
        assert known.sign_in()["status"]
        assert Caller(stranger.app).sign_in()["status"], "this host itself is never slowed down by strangers"

    def test_one_host_of_ipv6_has_one_count(self, stranger: Caller) -> None:
        for number in range(5):
            self.fail(Caller(stranger.app, f"2001:db8::{number:x}"), 1)
        assert "Too many" in Caller(stranger.app, "2001:db8::99").sign_in()["message"]
