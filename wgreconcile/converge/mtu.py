"""The MTU that wg-quick chooses when none is set (wg-quick: set_mtu_up)."""

from __future__ import annotations

import json

from wgreconcile.command import run
from wgreconcile.errors import CommandError
from wgreconcile.planning.bringup import ENDPOINTS_FOR_MTU
from wgreconcile.values import Endpoint

OVERHEAD = 80
"""Bytes of IPv6, UDP and WireGuard headers around each packet."""


def automatic_mtu(name: str) -> int:
    """The largest MTU of the paths to the endpoints, or of the default route, or 1500, less the overhead."""
    endpoints = (line.split("\t")[1] for line in run(["wg", "show", name, "endpoints"]).splitlines())
    known = [Endpoint(each).host for each in endpoints if each != "(none)"][:ENDPOINTS_FOR_MTU]
    paths = [_path_mtu(["get", host]) for host in known] or [0]
    return (max(paths) or _path_mtu(["show", "default"]) or 1500) - OVERHEAD


def _path_mtu(query: list[str]) -> int:
    """The MTU of a route or of its device; 0 when there is no such route."""
    try:
        routes = json.loads(run(["ip", "-json", "route", *query]) or "[]")
        for route in routes:
            for metric in route.get("metrics", ()):
                if "mtu" in metric:
                    return int(metric["mtu"])
            if "dev" in route:
                link = json.loads(run(["ip", "-json", "link", "show", "dev", route["dev"]]))
                return int(link[0]["mtu"])
    except CommandError:
        return 0
    return 0
