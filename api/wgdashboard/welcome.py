"""The first visit: name, password and, if wanted, a second factor."""

from __future__ import annotations

from wgreconcile.api.auth import totp
from wgreconcile.api.auth.confirm import require_fresh
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Reply, Request
from wgreconcile.api.services import Services

_SHORTEST_PASSWORD = 8


def finish(services: Services, request: Request) -> None:
    """Set name and password, together or not at all. Once that is done the call is accepted and does nothing."""
    runtime, body = services.runtime, request.body
    if not runtime.accounts.require().is_new:
        return
    if not body["username"]:
        raise Refusal("Username cannot be blank.")
    if len(body["newPassword"]) < _SHORTEST_PASSWORD:
        raise Refusal("Password must be at least 8 characters")
    if body["newPassword"] != body["repeatNewPassword"]:
        raise Refusal("New passwords does not match")
    if not runtime.accounts.set_up(body["username"], body["newPassword"]):
        raise Refusal("Current password does not match.")  # the password is the owner's own already
    runtime.sessions.close_others(request.caller.session)


def totp_link(services: Services, _request: Request) -> str:
    """What an authenticator app reads, while the second factor is not verified yet."""
    accounts = services.runtime.accounts
    if accounts.require().totp_verified:
        raise Refusal(None)
    return totp.link(accounts.enrolment_secret())


def verify_totp(services: Services, request: Request) -> Reply:
    """Switch the second factor on with a good code, which sign-in takes once more."""
    accounts = services.runtime.accounts
    if not accounts.require().totp_verified:
        require_fresh(services, request)  # or a session that was left open could keep the owner out
    matches = totp.matching_step(accounts.totp_secret(), request.body["totp"], request.now) is not None
    if matches:
        accounts.verify_totp()
    return Reply(ok=matches)
