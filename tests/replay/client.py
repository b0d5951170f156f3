"""Sends recorded requests again, with the cookies that our own server has set in the meantime."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from .recording import Step
from .variables import Variables

TIMEOUT = 60
_SIGNED = 2
"""Dots in a session cookie of the recorded server, at least: it is signed. One with fewer is made up."""
_PAGE_TOKEN = 64
"""Digits of the other cookie."""


@dataclass(frozen=True)
class Answer:
    """An answer as it came: headers with small names, ``body`` None when it is no JSON."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Any
    text: str


class Client:
    """Sends requests to ``base_url``.

    Which cookies go along is what the recorded request says. Their values are those that our server set where
    the recorded server set the recorded ones.
    """

    def __init__(self, base_url: str, variables: Variables) -> None:
        self.base_url = base_url.rstrip("/")
        self._variables = variables
        self._values: dict[tuple[str, str], str] = {}
        self._newest: dict[str, str] = {}

    def send(self, step: Step) -> Answer:
        """Send the request of a step."""
        data = step.data
        template = {**data, **(data.get("template") or {})}
        query = self._variables.fill(template.get("query"))
        path = quote(self._variables.fill(template["path"]), safe="/%?&=:@!$'()*+,;~")
        headers = {name.lower(): self._variables.fill(value) for name, value in template["headers"].items()}
        if cookies := self._cookies(headers.pop("cookie", "")):
            headers["cookie"] = cookies
        url = f"{path}?{urlencode(query)}" if query else path
        answer = self._request(data["method"], url, self._body(template), headers)
        self._learn(step, answer)
        return answer

    def sign_in(self) -> None:
        """Sign in unless that has been done; afterwards no cookie of the recording is an unknown one."""
        if "session" not in self._newest:
            answer = self.post("/api/authenticate", {"username": "${user}", "password": "${password}"})
            self._newest = dict(_cookie(value) for name, value in answer.headers if name == "set-cookie")

    def post(self, path: str, body: Any) -> Answer:
        """Send a request of our own, as whoever is signed in."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._newest.items())
        headers = {"content-type": "application/json", "cookie": cookies}
        return self._request("POST", path, json.dumps(self._variables.fill(body)).encode(), headers)

    def _body(self, template: Mapping[str, Any]) -> bytes | None:
        if template.get("raw_body") is not None:
            return str(template["raw_body"]).encode()
        body = self._variables.fill(template.get("body"))
        return None if body is None else json.dumps(body).encode()

    def _request(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        where = urlsplit(self.base_url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        with closing(kind(where.hostname or "", where.port, timeout=TIMEOUT)) as connection:
            connection.request(method, where.path + url, body, headers)
            response = connection.getresponse()
            content = response.read().decode(errors="replace")
        pairs = tuple((name.lower(), value) for name, value in response.getheaders())
        is_json = response.headers.get_content_type() == "application/json" and content
        return Answer(response.status, pairs, json.loads(content) if is_json else None, content)

    def _cookies(self, recorded: str) -> str:
        pairs = [each.partition("=") for each in recorded.split("; ") if each]
        return "; ".join(f"{name}={self._own_value(name, value)}" for name, _, value in pairs)

    def _own_value(self, name: str, recorded: str) -> str:
        """Our value for a recorded one. A session whose cookie the transcript does not show was merely renewed."""
        if (name, recorded) in self._values:
            return self._values[name, recorded]
        is_signed = recorded.count(".") >= _SIGNED if name == "session" else len(recorded) == _PAGE_TOKEN
        if is_signed and name in self._newest:
            return self._values.setdefault((name, recorded), self._newest[name])
        return recorded

    def _learn(self, step: Step, answer: Answer) -> None:
        """Note which cookies of ours stand for the recorded ones."""
        ours = dict(_cookie(value) for name, value in answer.headers if name == "set-cookie")
        if step.data["auth"] in ("session", "fresh"):
            self._newest.update((name, value) for name, value in ours.items() if value)
        for name, recorded in (_cookie(value) for key, value in _pairs(step) if key == "set-cookie"):
            if recorded and ours.get(name):
                self._values[name, recorded] = ours[name]


def _pairs(step: Step) -> list[tuple[str, str]]:
    return [(name, value) for name, value in step.data["response_headers"]]


def _cookie(header: str) -> tuple[str, str]:
    name, _, value = header.partition(";")[0].partition("=")
    return name, value
