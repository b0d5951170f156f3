"""The two cookies of a session."""

from __future__ import annotations

from datetime import datetime, timezone

from wgreconcile.api.request import Cookie, Remote
from wgreconcile.api.runtime.sessions import LIFETIME, NewSession

SESSION_COOKIE = "session"
PAGE_COOKIE = "authToken"
"""The cookie that the page's own JavaScript reads; it authorises nothing."""


def cookies_of(session: NewSession) -> tuple[Cookie, Cookie]:
    """What a browser keeps of a new session."""
    page = Cookie(PAGE_COOKIE, session.page_token, readable_by_page=True)
    return page, Cookie(SESSION_COOKIE, session.token, LIFETIME)


def expired_cookies() -> tuple[Cookie, Cookie]:
    """What makes a browser forget a session."""
    return Cookie(PAGE_COOKIE, "", 0, readable_by_page=True), Cookie(SESSION_COOKIE, "", 0)


def cookie_header(cookie: Cookie, now: float, remote: Remote) -> str:
    """The value of ``Set-Cookie``."""
    parts = [f"{cookie.name}={cookie.value}"]
    if cookie.lifetime is not None:
        end = now + cookie.lifetime if cookie.lifetime > 0 else 0
        parts.append(datetime.fromtimestamp(end, timezone.utc).strftime("Expires=%a, %d %b %Y %H:%M:%S GMT"))
        parts += [] if cookie.lifetime > 0 else ["Max-Age=0"]
    parts += [] if cookie.readable_by_page else ["HttpOnly"]
    parts += ["Secure"] if remote.is_secure else []
    return "; ".join([*parts, "Path=/", "SameSite=Lax"])
