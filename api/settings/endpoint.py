"""Where clients reach this host when the settings do not say."""

from __future__ import annotations

import socket
from functools import cache

from wgreconcile.api.settings.model import Dashboard

# Addresses of documentation: nothing is sent, the kernel only looks which way it would go.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def peer_endpoint(settings: Dashboard) -> str:
    """The host part of ``Endpoint`` in client files; empty when there is no default route."""
    return settings.peers.endpoint or _default_route_address()


@cache
def _default_route_address() -> str:
    for family, address in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((address, 9))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return ""
