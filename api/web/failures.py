"""The one table from errors to answers."""

from __future__ import annotations

import logging
import sqlite3
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import falcon

from wgreconcile.api.envelope import MEDIA_TYPE, envelope
from wgreconcile.api.refusal import Refusal, Unauthorized
from wgreconcile.errors import BusyError, CommandError, WgreconcileError

_log = logging.getLogger(__name__)

_HTTP_MESSAGES = {404: "Not found.", 405: "Method not allowed."}


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer with ``status: false``. Business errors are HTTP 200, as every client of v4.0 expects."""

    message: str | None
    data: Any = None
    http_status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def _refused(error: Refusal) -> Failure:
    headers = (("Retry-After", str(error.retry_after)),) if error.retry_after else ()
    return Failure(error.message, error.data, headers=headers)


def _unexpected(error: Exception) -> Failure:
    # The text of an unexpected error may hold what the caller sent, so only its kind and place are logged.
    place = "".join(traceback.format_tb(error.__traceback__ or sys.exc_info()[2]))
    _log.error("unexpected %s\n%s", type(error).__name__, place)
    return Failure("Internal server error.", http_status=500)


def _files(error: OSError) -> Failure:
    if error.errno is None:
        return _unexpected(error)
    _log.error("%s", error)
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return Failure(f"The server cannot read or write its files: {what}. Mend that and repeat.")


def _database(error: sqlite3.Error) -> Failure:
    # Its texts are about tables and disks; values stand in none of them.
    _log.error("the runtime database cannot be used: %s", error)
    return Failure(f"The server cannot use its runtime database: {error}. Mend that and repeat.")


def _http(error: falcon.HTTPError) -> Failure:
    headers = dict(error.headers or {})
    kept = tuple((name, value) for name, value in headers.items() if name.lower() != "content-type")
    message = _HTTP_MESSAGES.get(error.status_code) or error.title
    return Failure(message, http_status=error.status_code, headers=kept)


_Answer = Callable[[Any], Failure]

FAILURES: tuple[tuple[type[Exception], _Answer], ...] = (
    (Refusal, _refused),
    (Unauthorized, lambda error: Failure(str(error), http_status=401)),
    (BusyError, lambda error: Failure(str(error), headers=(("Retry-After", "1"),))),
    (CommandError, lambda error: Failure(error.stderr or str(error))),
    (WgreconcileError, lambda error: Failure(str(error))),
    (OSError, _files),
    (sqlite3.Error, _database),
    (falcon.HTTPError, _http),
    (Exception, _unexpected),
)
"""The most specific class decides."""


def register_failures(app: falcon.App[Any, Any]) -> None:
    """Make every error of the table an envelope."""
    for kind, answer in FAILURES:
        app.add_error_handler(kind, _handler(answer))


def _handler(answer: _Answer) -> Callable[..., None]:
    def handle(_req: falcon.Request, resp: falcon.Response, error: Exception, _params: dict[str, Any]) -> None:
        failure = answer(error)
        resp.status = falcon.code_to_http_status(failure.http_status)
        resp.content_type = MEDIA_TYPE
        resp.data = envelope(failure.data, failure.message, ok=False)
        resp.context.ok = False
        for name, value in failure.headers:
            resp.set_header(name, value)

    return handle
