"""Passwords checked with a limit, and what asks for one that was shown a short while ago."""

from __future__ import annotations

from wgreconcile.api.auth.first_run import DEFAULT_PASSWORD
from wgreconcile.api.auth.passwords import verify_password
from wgreconcile.api.refusal import Refusal, Unauthorized
from wgreconcile.api.request import Request
from wgreconcile.api.services import Services

WRONG_PASSWORD = "Current password does not match."

_NOT_RECENT = "Please sign out, sign in again and repeat: this change needs a recent sign-in."


def admit_attempt(services: Services, request: Request) -> None:
    """Count an attempt with a password. Raise Refusal while earlier failures demand a pause."""
    remote = request.remote
    wait = services.runtime.throttle.admit(remote.address, is_local=remote.is_local, now=request.now)
    if wait:
        raise Refusal(f"Too many attempts. Please try again in {wait} second(s).", retry_after=wait)


def confirm_password(services: Services, request: Request, password: str) -> None:
    """Check the account's password again and make the caller's session fresh. Raise Refusal when it is wrong."""
    runtime = services.runtime
    admit_attempt(services, request)
    account = runtime.accounts.require()
    default = account.has_default_password and request.remote.is_local and password == DEFAULT_PASSWORD
    if not verify_password(account.password_hash, password) and not default:
        raise Refusal(WRONG_PASSWORD)
    runtime.throttle.succeeded(request.remote.address, request.now)
    if request.caller.session:
        runtime.sessions.confirm(request.caller.session, request.now)


def require_fresh(services: Services, request: Request) -> None:
    """Let pass who signed in a short while ago, or sends ``currentPassword`` along.

    A session that was left open, or a stolen key, is then not enough to take the second factor away. A session
    that is too old is Unauthorized, upon which clients sign in again: v4.0's page leads there, while it would
    pass over a Refusal without a word. Raise Refusal for a key, which will not grow any fresher.
    """
    password = request.body.get("currentPassword")
    if isinstance(password, str):
        confirm_password(services, request, password)
        return
    session, minutes = request.caller.session, services.settings.get().server.fresh_minutes
    if session is None or request.caller.key:
        raise Refusal(_NOT_RECENT)
    if not session.is_fresh(request.now, minutes):
        raise Unauthorized(_NOT_RECENT)
