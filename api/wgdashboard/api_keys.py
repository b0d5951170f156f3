"""API keys: list, make, delete."""

from __future__ import annotations

from typing import Any

from wgreconcile.api.auth.confirm import require_fresh
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Request
from wgreconcile.api.services import Services
from wgreconcile.api.wgdashboard.dates import date_text, parse_date

_IN_THE_SAME_BREATH = 0.5
"""Seconds in which the request to switch keys on arrives that the page has sent right before."""


def list_keys(services: Services, request: Request) -> list[dict[str, Any]]:
    """All keys that work, the newest first."""
    # v4.0's page asks at the moment it switches keys on, by another connection, and so may be the first to arrive.
    services.settings.wait_for(lambda settings: settings.server.api_keys, _IN_THE_SAME_BREATH)
    _require_enabled(services)
    return _listed(services, request)


def create_key(services: Services, request: Request) -> list[dict[str, Any]]:
    """Make a key; the list shows it."""
    expires_at = _expiry(request)
    _require_enabled(services)
    _require_right(services, request)
    services.runtime.keys.create(request.now, expires_at)
    return _listed(services, request)


def delete_key(services: Services, request: Request) -> list[dict[str, Any]]:
    """Delete a key, and end the sessions that were opened with it."""
    _require_enabled(services)
    _require_right(services, request)
    if not services.runtime.keys.delete(request.body["Key"]):
        raise Refusal("API Key does not exist")
    return _listed(services, request)


def _expiry(request: Request) -> int | None:
    """In the words of v4.0 when it is missing or wrong."""
    if request.body["neverExpire"]:
        return None
    if "ExpiredAt" not in request.body:
        raise Refusal("'ExpiredAt'")
    expires = request.body["ExpiredAt"]
    if expires is None:
        raise Refusal("strptime() argument 1 must be str, not None")
    return parse_date(expires)


def _require_enabled(services: Services) -> None:
    if not services.settings.get().server.api_keys:
        raise Refusal("Dashboard API Keys function is disabled")


def _require_right(services: Services, request: Request) -> None:
    # A key is shown anew with every request, which is as fresh as it gets; keys manage keys, as in v4.0.
    if request.caller.key is None:
        require_fresh(services, request)


def _listed(services: Services, request: Request) -> list[dict[str, Any]]:
    return [
        {
            "Key": key.text,
            "CreatedAt": date_text(key.created_at),
            "ExpiredAt": None if key.expires_at is None else date_text(key.expires_at),
        }
        for key in services.runtime.keys.active(request.now)
    ]
