"""What is no endpoint: the web page and its files, the OpenAPI document, the reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

import falcon

from wgreconcile.api.route import Route
from wgreconcile.api.web.frontend import Frontend
from wgreconcile.api.web.openapi import openapi
from wgreconcile.api.web.reference import page, reference

_HTML = "text/html; charset=utf-8"
_OWN_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


class IndexPage:
    """``P/``: the web page, or a few words on what this is."""

    def __init__(self, prefix: str, frontend: Frontend | None, reference_path: str) -> None:
        self._prefix = prefix
        self._frontend = frontend
        self._own = page(
            "wgreconcile",
            "<h1>wgreconcile</h1><p>This server keeps WireGuard interfaces on their desired state, and "
            "speaks the HTTP API of WGDashboard v4.0. It was started without a web page.</p>"
            f'<p><a href="{escape(reference_path)}">Reference of the HTTP API</a></p>',
        ).encode()

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        # The framework has dropped the slash that tells the page where it is.
        if self._prefix and not req.env["PATH_INFO"].endswith("/"):
            raise falcon.HTTPPermanentRedirect(f"{req.prefix}{self._prefix}/")
        if self._frontend:
            _send(resp, self._frontend.index(), _HTML)
        else:
            _send(resp, self._own, _HTML, _OWN_PAGE_POLICY)

    on_head = on_get


class OpenApiPage:
    """``P/api/openapi.json``."""

    def __init__(self, prefix: str, routes: Sequence[Route]) -> None:
        self._content = json.dumps(openapi(prefix, routes), indent=2).encode()

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        _send(resp, self._content, falcon.MEDIA_JSON)

    on_head = on_get


class ReferencePage:
    """``P/api/reference``."""

    def __init__(self, prefix: str, routes: Sequence[Route]) -> None:
        self._content = reference(openapi(prefix, routes), f"{prefix}/api/openapi.json").encode()

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        _send(resp, self._content, _HTML, _OWN_PAGE_POLICY)

    on_head = on_get


class StaticFiles:
    """``/static/…``, without the prefix, as the built page expects it."""

    def __init__(self, frontend: Frontend) -> None:
        self._frontend = frontend

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        found = self._frontend.find(name)
        if found is None:
            raise falcon.HTTPNotFound
        # WGDashboard v4.0's build calls its script index.js whatever is in it, so a name promises nothing.
        resp.set_header("Cache-Control", "no-cache")
        resp.set_header("ETag", found.tag)
        if found.tag in (req.get_header("IF-NONE-MATCH") or ""):
            resp.status = falcon.HTTP_304
        else:
            resp.content_type = found.media_type
            resp.data = found.content

    on_head = on_get


def _send(resp: falcon.Response, content: bytes, media_type: str, policy: str = "frame-ancestors 'none'") -> None:
    resp.content_type = media_type
    resp.data = content
    resp.set_header("Cache-Control", "no-cache")
    resp.set_header("Content-Security-Policy", policy)
    resp.set_header("Referrer-Policy", "same-origin")
