"""A client of the application, as a browser or a program is one, and what it expects to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import falcon.testing

from wgreconcile.api.reconciler import Outcome, Snapshot

NOW = 1_800_000_000.0
USERNAME = "operator"
PASSWORD = "correct-horse-1"
HOST = "127.0.0.1:10086"
ELSEWHERE = "198.51.100.7"


class Idle:
    """A reconciler with nothing to do."""

    def converge(self, names: Sequence[str], *, force: bool = False) -> Outcome:
        return Outcome()

    def observed(self, *, anew: bool = False) -> Snapshot:
        return Snapshot()


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Caller:
    """Sends requests and keeps cookies as a browser does."""

    app: Any
    address: str = "127.0.0.1"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **options: Any) -> falcon.testing.Result:
        headers = {"Host": HOST, "Content-Type": "application/json", **self.headers, **options.pop("headers", {})}
        client = falcon.testing.TestClient(self.app)
        result = client.simulate_request(
            method, path, headers=headers, cookies=self.cookies, remote_addr=self.address, **options
        )
        for name, cookie in result.cookies.items():
            if cookie.max_age == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = cookie.value
        return result

    def get(self, path: str, **params: Any) -> Any:
        return self.send("GET", f"/api/{path}", params=params).json

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.send("POST", f"/api/{path}", json={} if body is None else body, **options).json

    def sign_in(self, username: str = USERNAME, password: str = PASSWORD, **more: Any) -> Any:
        return self.post("authenticate", {"username": username, "password": password, **more})

    def set(self, section: str, key: str, value: Any, **more: Any) -> Any:
        body = {"section": section, "key": key, "value": value, **more}
        return self.post("updateDashboardConfigurationItem", body)


def answer(message: str | bool | None = None, data: Any = None, *, ok: bool) -> dict[str, Any]:
    """The envelope as a client reads it."""
    return {"data": data, "message": message, "status": ok}


OK = answer(ok=True)


def refused(message: str | None, data: Any = None) -> dict[str, Any]:
    return answer(message, data, ok=False)
