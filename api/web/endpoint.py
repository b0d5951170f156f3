"""From the framework's request to a handler and back, the same few lines for every route."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import falcon

from wgreconcile.api.auth.remote import refuse_cross_site
from wgreconcile.api.envelope import MEDIA_TYPE
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Request
from wgreconcile.api.route import Route
from wgreconcile.api.services import Services
from wgreconcile.api.web.answers import Answer, answering
from wgreconcile.api.web.body import read_body
from wgreconcile.api.web.schema import check_body

_LARGE = 256 * 1024


class Endpoint:
    """All routes of one path, as the framework wants them: one responder per method, HEAD where GET is."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def add(self, route: Route) -> None:
        """Answer one more method."""
        responder = self._responder(route)
        setattr(self, f"on_{route.method.lower()}", responder)
        if route.method == "GET":
            self.on_head = responder

    def _responder(self, route: Route) -> Callable[..., None]:
        answer = answering(self._services, route)

        def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
            caller = req.context.caller
            if route.changes_state and caller.key is None:
                refuse_cross_site(req, req.context.settings.server.cors_origins)
            request = Request(
                caller=caller,
                remote=req.context.remote,
                now=req.context.now,
                body=check_body(route.body, read_body(req)) if route.body else {},
                query=_query(req),
                path={name: _printable(name, value) for name, value in path.items()},
            )
            _write(resp, answer(request))

        return respond


def _write(resp: falcon.Response, answer: Answer) -> None:
    resp.content_type = MEDIA_TYPE
    if len(answer.body) < _LARGE:
        resp.data = answer.body
    else:
        # Else waitress copies it into a file of its own, private keys and all, and sends it from there.
        resp.set_stream(io.BytesIO(answer.body), len(answer.body))
    resp.context.ok = answer.ok
    resp.context.cookies = (*resp.context.cookies, *answer.cookies)


def _query(req: falcon.Request) -> dict[str, str]:
    """The first value of each parameter."""
    values = {name: value[0] if isinstance(value, list) else value for name, value in req.params.items()}
    return {_printable("The query", name): _printable(name, value) for name, value in values.items()}


def _printable(field: str, text: Any) -> str:
    if not isinstance(text, str) or not text.isprintable():
        raise Refusal(f"{field}: contains a control character")
    return text
