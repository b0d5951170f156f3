"""How an interface with thousands of peers comes up without an ``ip`` process for each of them.

wg-quick reads its file line by line in bash and starts ``ip`` for every allowed IP. It is therefore given a file
with only what its own decisions need, and two commands of one process each add the rest before the user's hooks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import Route
from wgreconcile.planning.routes import default_routes, expected_routes

FEW_NETWORKS = 32
"""Up to so many peers and allowed IPs wg-quick does it all by itself."""
ENDPOINTS_FOR_MTU = 32
"""Of so many endpoints wg-quick looks up the path's MTU (one ``ip route get`` each) when the state sets none."""


@dataclass(frozen=True, slots=True)
class BringUpParts:
    """``first`` for wg-quick itself, then ``peers`` by ``wg addconf`` and ``routes`` by ``ip -batch``."""

    first: Conf
    peers: tuple[ConfPeer, ...] = ()
    routes: tuple[Route, ...] = ()


def split(conf: Conf) -> BringUpParts:
    """Split a configuration; a small one stays whole.

    wg-quick keeps the default routes, which it serves with policy routing, and the endpoints, from which it
    derives the MTU (wg-quick: add_default, set_mtu_up).
    """
    if len(conf.peers) + sum(len(each.allowed_ips) for each in conf.peers) <= 2 * FEW_NETWORKS:
        return BringUpParts(conf)
    defaults = default_routes(conf)
    endpoints = 0 if conf.mtu is not None else ENDPOINTS_FOR_MTU
    first = []
    for peer in conf.peers:
        kept = tuple(each for each in peer.allowed_ips if each in defaults)
        measured = peer.endpoint is not None and endpoints > 0
        if kept or measured:
            endpoints -= measured
            first.append(replace(peer, allowed_ips=kept))
    routes = sorted(expected_routes(conf, 0), key=lambda each: (each.table, each.network))
    return BringUpParts(replace(conf, peers=tuple(first)), conf.peers, tuple(routes))
