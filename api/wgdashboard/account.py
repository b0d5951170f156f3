"""The settings of the section ``Account``, which belong to the account and not into Git."""

from __future__ import annotations

from typing import Any

from wgreconcile.api.auth.confirm import confirm_password, require_fresh
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Request
from wgreconcile.api.services import Services
from wgreconcile.api.web.schema import missing
from wgreconcile.api.wgdashboard.setting_items import boolean

HIDDEN_PASSWORD = "(hidden)"
"""What is shown in place of the password's hash."""

_LONGEST_NAME = 64


def rename(services: Services, request: Request, text: str) -> None:
    """Change the name to sign in with; sessions go on."""
    if len(text) > _LONGEST_NAME:
        raise Refusal("username: is longer than 64 characters")
    if text != services.runtime.accounts.require().username:
        require_fresh(services, request)  # or a session that was left open could keep the owner out
    services.runtime.accounts.rename(text)


def change_password(services: Services, request: Request, value: Any) -> None:
    """Change the password with the current one, and end all other sessions."""
    if not isinstance(value, dict):
        raise Refusal("value: is not an object with currentPassword, newPassword and repeatNewPassword")
    for field in ("currentPassword", "newPassword", "repeatNewPassword"):
        if not isinstance(value.get(field), str):
            raise missing(f"value.{field}")
    confirm_password(services, request, value["currentPassword"])
    if value["newPassword"] != value["repeatNewPassword"]:
        raise Refusal("New passwords does not match")
    if not value["newPassword"]:
        raise Refusal("Field cannot be empty!")
    services.runtime.accounts.set_password(value["newPassword"])
    services.runtime.sessions.close_others(request.caller.session)


def set_totp_enabled(services: Services, request: Request, text: str) -> None:
    """Whether sign-in asks for a code."""
    enabled = boolean("enable_totp", text)
    if not enabled and services.runtime.accounts.require().totp_enabled:
        require_fresh(services, request)
    services.runtime.accounts.enable_totp(enabled)


def set_totp_verified(services: Services, request: Request, text: str) -> None:
    """Take the second factor's secret out of use, which makes way for a new enrolment."""
    verified, before = boolean("totp_verified", text), services.runtime.accounts.require().totp_verified
    if verified and not before:
        raise Refusal("totp_verified: show a code to Welcome_VerifyTotpLink")
    if not verified and before:
        require_fresh(services, request)
        services.runtime.accounts.forget_totp()


def set_new(services: Services, _request: Request, text: str) -> None:
    """Whether sign-in leads to the welcome page."""
    services.runtime.accounts.set_new(boolean("welcome_session", text))
