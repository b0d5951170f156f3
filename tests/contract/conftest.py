"""A server on a test host that clients nobody here wrote are pointed at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ..hosts import testhost
from ..hosts.testhost import STATE_FOLDER, Host
from ..replay.served import Served

WG0 = """\
[Interface]
Address = 10.7.0.1/24, fd00:7::1/64
ListenPort = 51820
PrivateKey = {private}

[Peer]
#Name# = ann
PublicKey = {peer}
AllowedIPs = 10.7.0.2/32
"""

Serve = Callable[[str], Served]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Starts a server that answers as a version of WGDashboard: ``serve("v4.3")``. It has adopted wg0."""
    if reason := testhost.missing():
        pytest.fail(reason, pytrace=False)
    with ExitStack() as stack:

        def start(compat: str) -> Served:
            host = stack.enter_context(Host(compat.replace(".", "")))
            host.write(
                f"{STATE_FOLDER}/settings.yaml", f"compat: {compat}\npeers: {{endpoint: vpn.example.com}}\n"
            )
            keys = {"private": testhost.key_pair("wg0")[0], "peer": testhost.key_pair("ann")[1]}
            host.write("/etc/wireguard/wg0.conf", WG0.format(**keys))
            return stack.enter_context(Served(host))

        yield start
