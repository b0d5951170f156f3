"""What every request passes: who asks, may they, and a line in the access log."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import falcon

from wgreconcile.api.auth.cookies import PAGE_COOKIE, SESSION_COOKIE, cookie_header
from wgreconcile.api.auth.remote import remote_of
from wgreconcile.api.envelope import MEDIA_TYPE, envelope
from wgreconcile.api.refusal import Unauthorized
from wgreconcile.api.request import Caller, Cookie
from wgreconcile.api.runtime.access_log import Access
from wgreconcile.api.runtime.sessions import LIFETIME, Session
from wgreconcile.api.services import Services
from wgreconcile.api.settings.model import Dashboard
from wgreconcile.api.web.cors import set_cors

KEY_HEADER = "WG-DASHBOARD-APIKEY"
STATIC = "/static"


class Gate:
    """Falcon middleware. ``public`` are the exact paths that need no credentials, with the prefix."""

    def __init__(self, services: Services, prefix: str, public: Collection[str]) -> None:
        self._services = services
        self._api = f"{prefix}/api/"
        self._public = frozenset(public)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer OPTIONS at once; name the caller of all else, or raise Unauthorized."""
        services = self._services
        req.context.now = services.clock()
        resp.context.cookies = ()
        resp.context.ok = True
        settings = req.context.settings = services.settings.get()
        req.context.remote = remote_of(req, settings.server.trusted_proxies)
        req.context.caller = Caller()
        if req.method == "OPTIONS":
            resp.content_type = MEDIA_TYPE
            resp.data = envelope()
            resp.complete = True
            return
        caller = req.context.caller = self._caller(req, settings)
        if not caller.may_call_everything and not self._is_public(req.path):
            raise Unauthorized
        resp.context.cookies = _renewed(req, caller)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: Any, _succeeded: bool
    ) -> None:
        """Headers that every answer has, whatever became of it."""
        if not hasattr(req.context, "caller"):
            return  # something unexpected came before anything was known of the request
        if (req.path + "/").startswith(self._api):
            set_cors(req, resp, req.context.settings.server.cors_origins)
            resp.set_header("Cache-Control", "no-store")
            self._log(req, resp)
        if req.method != "OPTIONS":
            resp.append_header("Vary", "Cookie")
        resp.set_header("X-Content-Type-Options", "nosniff")
        for cookie in {each.name: each for each in resp.context.cookies}.values():
            resp.append_header("Set-Cookie", cookie_header(cookie, req.context.now, req.context.remote))

    def _caller(self, req: falcon.Request, settings: Dashboard) -> Caller:
        runtime, now = self._services.runtime, req.context.now
        key_text = req.get_header(KEY_HEADER)
        if settings.server.auth_required and settings.server.api_keys and key_text:
            key = runtime.keys.find(key_text, now)
            if key is None:
                raise Unauthorized("API Key does not exist")
            session = self._session(req, settings)
            return Caller(f"key {key.id}", session, key, has_page_token=_has_page_token(req, session))
        session = self._session(req, settings)
        name = f"{'key' if session.api_key else 'session'} {session.token.hex()[:8]}" if session else ""
        is_open = not settings.server.auth_required
        return Caller(name, session, has_page_token=_has_page_token(req, session), is_open=is_open)

    def _session(self, req: falcon.Request, settings: Dashboard) -> Session | None:
        tokens = req.get_cookie_values(SESSION_COOKIE)
        session = self._services.runtime.sessions.find(tokens[0], req.context.now) if tokens else None
        # What a key has opened is as good as the key: nothing while keys are switched off.
        return session if session is None or session.api_key is None or settings.server.api_keys else None

    def _is_public(self, path: str) -> bool:
        # The prefix may be /static, too.
        is_file = path.startswith(f"{STATIC}/") and not path.startswith(self._api)
        return is_file or path in self._public

    def _log(self, req: falcon.Request, resp: falcon.Response) -> None:
        line = Access(
            at=req.context.now,
            address=req.context.remote.address,
            caller=req.context.caller.name,
            method=req.method,
            path=req.path,
            http_status=resp.status_code,
            ok=resp.context.ok,
        )
        self._services.runtime.access_log.record(line)


def _has_page_token(req: falcon.Request, session: Session | None) -> bool:
    tokens = req.get_cookie_values(PAGE_COOKIE)
    return bool(session and tokens and session.has_page_token(tokens[0]))


def _renewed(req: falcon.Request, caller: Caller) -> tuple[Cookie, ...]:
    """The session's cookie again, whose end has moved; a handler's own cookie of that name comes before it."""
    tokens = req.get_cookie_values(SESSION_COOKIE)
    return (Cookie(SESSION_COOKIE, tokens[0], LIFETIME),) if caller.session and tokens else ()
