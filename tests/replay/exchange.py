"""The parts of an exchange that are compared, in one shape for what was recorded and what came."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any

from .client import Answer
from .recording import Step
from .variables import Variables

_LISTS = frozenset({"vary", "allow", "access-control-allow-headers", "access-control-allow-methods"})
_TEXTS = frozenset(
    {
        "content-type",
        "location",
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-max-age",
    }
)
_RECORDED_AT = "http://127.0.0.1:10086"


def recorded(step: Step, variables: Variables) -> dict[str, Any]:
    """What was recorded, with our values. Of a page, what counts is that it is one."""
    pairs = [(name, value) for name, value in step.data["response_headers"]]
    response = variables.translate(step.data.get("response") or {})
    return {"status": step.data["status"], "headers": _headers(pairs, _RECORDED_AT), "response": response}


def received(answer: Answer, base_url: str) -> dict[str, Any]:
    """The same parts of our answer."""
    return {"status": answer.status, "headers": _headers(answer.headers, base_url), "response": answer.body or {}}


def _headers(pairs: Iterable[tuple[str, str]], base_url: str) -> dict[str, Any]:
    """Headers that clients look at; lists sorted, addresses without the server's."""
    view: dict[str, Any] = {}
    cookies: dict[str, Any] = {}
    for name, value in pairs:
        if name in _LISTS:
            view[name] = sorted({*view.get(name, []), *(each.strip().lower() for each in value.split(","))})
        elif name == "content-type":
            view[name] = value.partition(";")[0]
        elif name == "location":
            view[name] = value.removeprefix(base_url)
        elif name in _TEXTS:
            view[name] = value
        elif name == "set-cookie":
            cookies.update([_cookie(value)])
    return {**view, **({"set-cookie": cookies} if cookies else {})}


def _cookie(header: str) -> tuple[str, dict[str, Any]]:
    """A cookie's name and attributes. Its value is made up; whether it has one and when it ends is not."""
    (name, _, value), *attributes = (part.strip().partition("=") for part in header.split(";"))
    view: dict[str, Any] = {key.lower(): text or True for key, _, text in attributes}
    if "expires" in view:
        view["expires"] = "past" if parsedate_to_datetime(view["expires"]).year == 1970 else "later"
    return name, {"value": bool(value), **view}
