"""What a handler is given and what it gives back: small values, without the web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wgreconcile.api.runtime.keys import ApiKey
from wgreconcile.api.runtime.sessions import Session

Clock = Callable[[], float]
"""Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a request comes from.

    ``is_local``: from this very host, with no proxy in between and no other host's name in the address bar.
    ``is_secure``: over TLS, as far as this server or a trusted proxy can tell.
    """

    address: str
    is_local: bool = False
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by a good API key or a session. ``name`` is for the access log."""

    name: str = ""
    session: Session | None = None
    key: ApiKey | None = None
    has_page_token: bool = False
    """Whether the cookie that the page reads came along and belongs to the session."""
    is_open: bool = False
    """Whether authentication is switched off, so that anybody may call everything."""

    @property
    def may_call_everything(self) -> bool:
        return self.is_open or self.session is not None or self.key is not None


@dataclass(frozen=True, slots=True)
class Request:
    """A checked request.

    ``body`` passed its JSON Schema, ``query`` holds the first value of each parameter, ``path`` the fields of
    the route's template. ``now`` is in seconds since 1970.
    """

    caller: Caller
    remote: Remote
    now: float
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set. ``lifetime`` in seconds; None ends with the browser, 0 deletes it."""

    name: str
    value: str
    lifetime: int | None = None
    readable_by_page: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than its data. A handler that returns anything else returns ``Reply(data)``."""

    data: Any = None
    message: str | bool | None = None
    ok: bool = True
    cookies: tuple[Cookie, ...] = ()
