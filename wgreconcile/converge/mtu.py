"""The MTU that wg-quick chooses when none is set (wg-quick: set_mtu_up)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice

from wgreconcile.command import run
from wgreconcile.converge.names import is_name
from wgreconcile.errors import CommandError
from wgreconcile.observed.conf import Conf
from wgreconcile.planning.bringup import ENDPOINTS_FOR_MTU
from wgreconcile.values import Endpoint

OVERHEAD = 80
"""Bytes of IPv6, UDP and WireGuard headers around each packet."""


def automatic_mtu(name: str) -> int:
    """The largest MTU of the paths to the endpoints, or of the default route, or 1500, less the overhead."""
    endpoints = (line.split("\t")[1] for line in run(["wg", "show", name, "endpoints"]).splitlines())
    return _mtu_of_paths(Endpoint(each).host for each in endpoints if each != "(none)")


def foreseen_mtu(conf: Conf) -> int | None:
    """What :func:`automatic_mtu` will be of an interface that comes up with ``conf``.

    None when it cannot be told: hooks may change the paths, names are not looked up, and of many endpoints it
    depends on which ones wg-quick gets to see.
    """
    endpoints = [each.endpoint for each in conf.peers if each.endpoint]
    if conf.pre_up or len(endpoints) > ENDPOINTS_FOR_MTU or any(map(is_name, endpoints)):
        return None
    return _mtu_of_paths(each.host for each in endpoints)


def _mtu_of_paths(hosts: Iterable[str]) -> int:
    paths = (_path_mtu(["get", each]) for each in islice(hosts, ENDPOINTS_FOR_MTU))
    return (max(paths, default=0) or _path_mtu(["show", "default"]) or 1500) - OVERHEAD


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
