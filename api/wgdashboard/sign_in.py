"""Sign in, sign out, and the question whether one is signed in."""

from __future__ import annotations

import hmac
from typing import Any

from wgreconcile.api.auth import totp
from wgreconcile.api.auth.confirm import admit_attempt
from wgreconcile.api.auth.cookies import cookies_of, expired_cookies
from wgreconcile.api.auth.first_run import DEFAULT_PASSWORD
from wgreconcile.api.auth.passwords import needs_new_hash, verify_password
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Reply, Request
from wgreconcile.api.runtime.accounts import Account
from wgreconcile.api.runtime.sessions import NewSession
from wgreconcile.api.services import Services
from wgreconcile.api.web.schema import missing

_WRONG = "Sorry, your username or password is incorrect."
_WRONG_WITH_CODE = "Sorry, your username, password or OTP is incorrect."


def handshake(_services: Services, _request: Request) -> None:
    """Nothing, for whoever may call."""


def validate_authentication(_services: Services, request: Request) -> None:
    """Whether both cookies are there and belong together; an API key does not help."""
    if not request.caller.has_page_token:
        raise Refusal("Invalid authentication.")


def is_totp_enabled(services: Services, _request: Request) -> bool:
    """Whether sign-in will ask for a code."""
    account = services.runtime.accounts.require()
    return account.totp_enabled and account.totp_verified


def authenticate(services: Services, request: Request) -> Reply:
    """Open a session, for a password or for the good API key of this very request."""
    runtime, caller = services.runtime, request.caller
    account = runtime.accounts.require()
    if caller.key is None:
        _check_credentials(services, request, account)
    if caller.session:
        runtime.sessions.close(caller.session)
    key = caller.key.id if caller.key else None
    session = runtime.sessions.open(request.now, confirmed=caller.key is None, api_key=key)
    if caller.key is None:
        _refuse_old_password(services, request, account, session)
    return Reply(message=account.is_new, cookies=cookies_of(session))


def _refuse_old_password(services: Services, request: Request, account: Account, session: NewSession) -> None:
    """Close a session that began while the password was changed, which ends all others."""
    runtime = services.runtime
    now = runtime.accounts.require()
    if now.password_hash == account.password_hash or verify_password(now.password_hash, request.body["password"]):
        return
    if opened := runtime.sessions.find(session.token, request.now):
        runtime.sessions.close(opened)
    raise Refusal(_WRONG)


def sign_out(services: Services, request: Request) -> Reply:
    """End the session, here and in the browser."""
    if request.caller.session:
        services.runtime.sessions.close(request.caller.session)
    return Reply(message="", cookies=expired_cookies())


def _check_credentials(services: Services, request: Request, account: Account) -> None:
    for field in ("username", "password"):
        if not isinstance(request.body.get(field), str):
            raise missing(field)
    code = request.body.get("totp")
    wrong = Refusal(_WRONG_WITH_CODE if account.totp_enabled else _WRONG)
    if account.totp_enabled and not (isinstance(code, str) and code):
        raise wrong  # nothing was guessed, so nothing is counted
    admit_attempt(services, request)
    if not _is_password_good(services, request, account):
        raise wrong
    if account.totp_enabled and not _use_code(services, code, request.now):
        raise wrong
    services.runtime.throttle.succeeded(request.remote.address, request.now)


def _is_password_good(services: Services, request: Request, account: Account) -> bool:
    # Name and password are both looked at whatever the other one is, so that the time tells nothing.
    username, password = request.body["username"], request.body["password"]
    same_name = hmac.compare_digest(username.encode(), account.username.encode())
    same_password = verify_password(account.password_hash, password)
    if same_name and same_password and needs_new_hash(account.password_hash):
        services.runtime.accounts.renew_hash(account, password)
    takes_default = account.has_default_password and request.remote.is_local
    return same_name and (same_password or (takes_default and password == DEFAULT_PASSWORD))


def _use_code(services: Services, code: Any, now: float) -> bool:
    accounts = services.runtime.accounts
    step = totp.matching_step(accounts.totp_secret(), code, now)
    return step is not None and accounts.use_totp_step(step)
