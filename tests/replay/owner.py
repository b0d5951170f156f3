"""Somebody who may do everything with a served host."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from .served import Served

USERNAME = "operator"
PASSWORD = "correct-horse-1"


class Owner:
    """Makes the account of a server that was just installed, and an API key; sends requests with that key."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._headers: dict[str, str] = {}
        account = {"username": USERNAME, "newPassword": PASSWORD, "repeatNewPassword": PASSWORD}
        self._sign_in("admin", "admin")
        self.must("Welcome_Finish", account)
        self.must(
            "updateDashboardConfigurationItem", {"section": "Server", "key": "dashboard_api_key", "value": True}
        )
        self.key: str = self.must("newDashboardAPIKey", {"neverExpire": True, "ExpiredAt": ""})[0]["Key"]
        self._headers = {"wg-dashboard-apikey": self.key}

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET."""
        return self._send("GET", f"{path}?{urlencode(query)}")

    def post(self, path: str, body: Any) -> Any:
        """The answer to a POST."""
        return self._send("POST", path, body)

    def must(self, path: str, body: Any) -> Any:
        """The data of a POST; anything but a good answer fails the test."""
        return _data(path, self.post(path, body))

    def see(self, path: str, **query: Any) -> Any:
        """The data of a GET; anything but a good answer fails the test."""
        return _data(path, self.get(path, **query))

    def info(self, name: str = "wg0") -> Any:
        """All of an interface."""
        return self.see("getWireguardConfigurationInfo", configurationName=name)

    def peer(self, key: str, name: str = "wg0") -> Any:
        """A peer that is not restricted."""
        return next(each for each in self.info(name)["configurationPeers"] if each["id"] == key)

    def _sign_in(self, username: str, password: str) -> None:
        body = {"username": username, "password": password}
        _, headers, content = self._served.send("POST", "/api/authenticate", body)
        _data("authenticate", json.loads(content))
        cookies = [each.partition(";")[0] for each in headers["set-cookie"]]
        self._headers = {"cookie": "; ".join(cookies)}

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        status, _, content = self._served.send(method, f"/api/{path}", body, self._headers)
        assert status == 200, f"{path}: {status}: {content!r}"
        return json.loads(content)


def _data(path: str, answer: Any) -> Any:
    assert answer["status"] is True, f"{path}: {answer}"
    return answer["data"]
