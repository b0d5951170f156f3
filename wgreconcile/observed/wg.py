"""Live peers from one ``wg show all dump``: a pure parser of its tab-separated lines."""

from __future__ import annotations

from operator import attrgetter

from wgreconcile.errors import DependencyError
from wgreconcile.observed.conf import NO_KEY
from wgreconcile.observed.model import LiveInterface, LivePeer
from wgreconcile.values import Endpoint, Network, PublicKey, SecretKey


def parse_dump(text: str) -> tuple[LiveInterface, ...]:
    """Read ``wg show all dump``: 5 fields for an interface, 9 for a peer, each line led by the interface's name.

    Absent is ``(none)``, ``off`` or ``0`` (wireguard-tools: show.c, dump_print). Networks come masked and in
    inet_ntop's spelling, so only those that two spellings exist of are parsed again. Raise DependencyError for
    anything else.
    """
    interfaces: list[tuple[list[str], list[LivePeer]]] = []
    for line in text.splitlines():
        values = line.split("\t")
        if len(values) == 5:
            interfaces.append((values, []))
        elif len(values) == 9 and interfaces:
            interfaces[-1][1].append(_peer(values))
        else:
            problem = f"`wg show all dump` printed a line of {len(values)} fields, neither 5 nor 9"
            raise DependencyError(f"{problem}; install the wireguard-tools that your system comes with")
    return tuple(_interface(values, peers) for values, peers in interfaces)


def _interface(values: list[str], peers: list[LivePeer]) -> LiveInterface:
    name, private_key, public_key, port, mark = values
    return LiveInterface(
        name=name,
        private_key=SecretKey(private_key) if private_key != "(none)" else None,
        public_key=PublicKey(public_key) if public_key != "(none)" else None,
        listen_port=int(port),
        fwmark=0 if mark == "off" else int(mark, 0),
        peers=tuple(sorted(peers, key=attrgetter("public_key"))),
    )


def _peer(values: list[str]) -> LivePeer:
    _, public_key, preshared_key, endpoint, networks, handshake, received, sent, keepalive = values
    return LivePeer(
        PublicKey(public_key),
        None if preshared_key in ("(none)", NO_KEY.reveal()) else SecretKey(preshared_key),
        _networks(networks),
        None if endpoint == "(none)" else Endpoint(endpoint),
        None if keepalive in ("off", "0") else int(keepalive),
        int(handshake),
        int(received),
        int(sent),
    )


def _networks(text: str) -> tuple[Network, ...]:
    if text == "(none)":
        return ()
    if "," not in text and ":" not in text:
        return (Network(text),)
    return tuple(sorted(map(_network, text.split(","))))


def _network(text: str) -> Network:
    return Network.parse(text) if ":" in text and "." in text else Network(text)
