"""Names of endpoints, looked up before an interface goes down: it may be the only way to the name server."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from wgreconcile.errors import ConvergenceError
from wgreconcile.observed.conf import Conf
from wgreconcile.planning.model import BringUp, Step, TakeDown
from wgreconcile.values import Endpoint

_AT_ONCE = 16


def looked_up(steps: Sequence[Step]) -> list[Step]:
    """The steps, with addresses in place of names where an interface goes down to come up again.

    ``wg`` would ask for a name again and again for a minute, with the interface down, and then give up. Raise
    ConvergenceError when there is a name without an address.
    """
    if not any(isinstance(each, TakeDown) for each in steps):
        return list(steps)
    return [BringUp(_with_addresses(each.conf)) if isinstance(each, BringUp) else each for each in steps]


def _with_addresses(conf: Conf) -> Conf:
    names = sorted({each.endpoint for each in conf.peers if each.endpoint and is_name(each.endpoint)})
    if not names:
        return conf
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(names, pool.map(_address_of, names), strict=True))
    if unknown := sorted({each.host for each, address in found.items() if address is None}):
        problem = f"was not begun, because no address was found for {', '.join(unknown)}"
        raise ConvergenceError(f"{problem}; correct the endpoint, or see to the name server, and apply again")
    peers = (replace(each, endpoint=found.get(each.endpoint or Endpoint(), each.endpoint)) for each in conf.peers)
    return replace(conf, peers=tuple(peers))


def is_name(endpoint: Endpoint) -> bool:
    """Whether the host of an endpoint is a name, and no address."""
    try:
        ipaddress.ip_address(endpoint.host)
    except ValueError:
        return True
    return False


def _address_of(endpoint: Endpoint) -> Endpoint | None:
    """What ``wg`` would take (wireguard-tools: parse_endpoint): the first address, whatever its version."""
    try:
        (*_, address), *_ = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return None
    host = str(address[0])
    return Endpoint(f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}")
