"""Which web sites may read answers. Cookies never travel across sites: such pages show an API key."""

from __future__ import annotations

from collections.abc import Sequence

import falcon

_METHODS = "DELETE, POST, GET, OPTIONS"
_HEADERS = ("content-type", "wg-dashboard-apikey")


def set_cors(req: falcon.Request, resp: falcon.Response, allowed: Sequence[str]) -> None:
    """The headers of v4.0, for the allowed origins."""
    origin = req.get_header("ORIGIN")
    if origin is None:
        if "*" in allowed:
            resp.set_header("Access-Control-Allow-Origin", "*")
        return
    resp.append_header("Vary", "Origin")
    if "*" not in allowed and origin not in allowed:
        return
    resp.set_header("Access-Control-Allow-Origin", origin)
    if req.method == "OPTIONS" and req.get_header("ACCESS-CONTROL-REQUEST-METHOD"):
        resp.set_header("Access-Control-Allow-Methods", _METHODS)
        asked = {
            each.strip().lower() for each in (req.get_header("ACCESS-CONTROL-REQUEST-HEADERS") or "").split(",")
        }
        if granted := [each for each in _HEADERS if each in asked]:
            resp.set_header("Access-Control-Allow-Headers", ", ".join(granted))
