"""Values to plain JSON and back, for the cache: what has been checked once is built again without checks.

A value that holds a literal key has no record, so that no key lands in the cache.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from wgreconcile.desired.model import Client, Hooks, Interface, Peer, Schedule, Secret, SecretEnv, SecretFile
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey

Record = list[Any]

_NO_CLIENT = Client()


def to_record(value: Interface | Peer) -> Record | None:
    """What :func:`interface_from` or :func:`peer_from` builds the value from; None when it holds a key."""
    try:
        return _peer(value) if isinstance(value, Peer) else _interface(value)
    except _HoldsKey:
        return None


def peer_from(record: Record, origin: str) -> Peer:
    """The peer of a record."""
    public_key, name, allowed_ips, rest = record
    networks = tuple(map(Network, allowed_ips))
    if not rest:
        return Peer(PublicKey(public_key), name, None, networks, origin=origin)
    rest = dict(rest)  # the record itself goes back into the cache
    if "preshared_key" in rest:
        rest["preshared_key"] = _secret_from(rest["preshared_key"])
    if "endpoint" in rest:
        rest["endpoint"] = Endpoint(rest["endpoint"])
    if "expires" in rest:
        rest["expires"] = datetime.fromisoformat(rest["expires"])
    if "tags" in rest:
        rest["tags"] = tuple(rest["tags"])
    if "client" in rest:
        rest["client"] = _client_from(rest["client"])
    if "schedules" in rest:
        rest["schedules"] = tuple(map(_schedule_from, rest["schedules"]))
    return Peer(PublicKey(public_key), name, allowed_ips=networks, origin=origin, **rest)


def interface_from(record: Record, name: str, origin: str) -> Interface:
    """The interface of a record, with the peers that its document lists."""
    address, port, key, mtu, dns, table, mark, hooks, enabled, description, client, peers = record
    return Interface(
        name=name,
        address=tuple(map(Address, address)),
        listen_port=port,
        private_key=_secret_from(key),
        mtu=mtu,
        dns=tuple(dns),
        table=table,
        fwmark=mark,
        hooks=Hooks(*map(tuple, hooks)),
        enabled=enabled,
        description=description,
        client_defaults=_client_from(client),
        peers=tuple(peer_from(each, origin) for each in peers),
        origin=origin,
    )


class _HoldsKey(Exception):
    pass


def _peer(peer: Peer) -> Record:
    rest = {
        "preshared_key": _secret(peer.preshared_key),
        "endpoint": peer.endpoint,
        "persistent_keepalive": peer.persistent_keepalive,
        "expires": peer.expires.isoformat() if peer.expires else None,
        "description": peer.description or None,
        "tags": peer.tags or None,
        "client": _client(peer.client),
        "schedules": [_schedule(each) for each in peer.schedules] or None,
        "enabled": None if peer.enabled else False,
    }
    kept = {key: value for key, value in rest.items() if value is not None}
    return [peer.public_key, peer.name, peer.allowed_ips, kept]


def _interface(each: Interface) -> Record:
    hooks = [each.hooks.pre_up, each.hooks.post_up, each.hooks.pre_down, each.hooks.post_down]
    return [
        each.address,
        each.listen_port,
        _secret(each.private_key),
        each.mtu,
        each.dns,
        each.table,
        each.fwmark,
        hooks,
        each.enabled,
        each.description,
        _client(each.client_defaults),
        [_peer(peer) for peer in each.peers],
    ]


def _client(client: Client) -> Record | None:
    if client == _NO_CLIENT:
        return None
    return [
        _secret(client.private_key),
        client.address,
        client.dns,
        client.allowed_ips,
        client.mtu,
        client.persistent_keepalive,
        client.endpoint,
    ]


def _client_from(record: Record | None) -> Client:
    if record is None:
        return _NO_CLIENT
    key, address, dns, allowed_ips, mtu, keepalive, endpoint = record
    return Client(
        private_key=_secret_from(key),
        address=tuple(map(Address, address)),
        dns=None if dns is None else tuple(dns),
        allowed_ips=tuple(map(Network, allowed_ips)),
        mtu=mtu,
        persistent_keepalive=keepalive,
        endpoint=None if endpoint is None else Endpoint(endpoint),
    )


def _schedule(each: Schedule) -> Record:
    value = each.value.isoformat() if isinstance(each.value, datetime) else str(each.value)
    created = each.created.isoformat() if each.created else None
    return [each.subject, each.comparison, value, each.action, each.id, created]


def _schedule_from(record: Record) -> Schedule:
    subject, comparison, text, action, name, created = record
    value = datetime.fromisoformat(text) if subject == "date" else Decimal(text)
    return Schedule(subject, comparison, value, action, name, datetime.fromisoformat(created) if created else None)


def _secret(secret: Secret | None) -> Record | None:
    if isinstance(secret, SecretKey):
        raise _HoldsKey
    if isinstance(secret, SecretFile):
        return [secret.name, secret.generate]
    return [secret.variable] if isinstance(secret, SecretEnv) else None


def _secret_from(record: Record | None) -> Secret | None:
    if record is None:
        return None
    return SecretFile(*record) if len(record) == 2 else SecretEnv(*record)
