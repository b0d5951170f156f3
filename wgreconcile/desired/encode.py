"""Values to the data of a document, as a person would write it: without what is the default anyway."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from wgreconcile.desired.model import Client, Interface, Peer, Schedule, Secret, SecretEnv, SecretFile
from wgreconcile.values import SecretKey

Document = dict[str, Any]


def to_document(value: Interface | Peer) -> Document:
    """The data of the document that reads as ``value``; an interface lists its peers.

    A literal key stands in it as it is: who does not want that in Git stores the key and a reference first.
    """
    return _peer(value) if isinstance(value, Peer) else _interface(value)


def _interface(each: Interface) -> Document:
    return _said(
        description=each.description,
        enabled=None if each.enabled else False,
        address=each.address,
        listen_port=each.listen_port,
        private_key=_secret(each.private_key),
        mtu=each.mtu,
        dns=each.dns,
        table=None if each.table == "auto" else _number(each.table),
        fwmark=each.fwmark,
        pre_up=each.hooks.pre_up,
        post_up=each.hooks.post_up,
        pre_down=each.hooks.pre_down,
        post_down=each.hooks.post_down,
        client_defaults=_client(each.client_defaults),
        peers=tuple(map(_peer, each.peers)),
    )


def _peer(each: Peer) -> Document:
    return _said(
        name=each.name,
        description=each.description,
        enabled=None if each.enabled else False,
        expires=each.expires.isoformat() if each.expires else None,
        tags=each.tags,
        public_key=str(each.public_key),
        preshared_key=_secret(each.preshared_key),
        allowed_ips=each.allowed_ips,
        endpoint=each.endpoint,
        persistent_keepalive=each.persistent_keepalive,
        client=_client(each.client),
        schedules=tuple(map(_schedule, each.schedules)),
    )


def _schedule(each: Schedule) -> Document:
    return _said(
        id=each.id,
        subject=each.subject,
        **{"is": each.comparison},
        value=each.value.isoformat() if isinstance(each.value, datetime) else _amount(each.value),
        action=each.action,
        created=each.created.isoformat() if each.created else None,
    )


def _amount(value: Decimal) -> int | float | str:
    """A number when that says the very same, digit for digit, as clients of the API read it back."""
    for plain in (int(value), float(value)):
        if str(plain) == str(value):
            return plain
    return str(value)


def _client(each: Client) -> Document:
    said = _said(
        private_key=_secret(each.private_key),
        address=each.address,
        dns=each.dns,
        allowed_ips=each.allowed_ips,
        mtu=each.mtu,
        persistent_keepalive="off" if each.persistent_keepalive == 0 else each.persistent_keepalive,
        endpoint=each.endpoint,
    )
    # No name server at all is something else than nothing said about name servers.
    return said if each.dns != () else {**said, "dns": []}


def _secret(secret: Secret | None) -> Document | str | None:
    if isinstance(secret, SecretFile):
        return {"file": secret.name, **({"generate": True} if secret.generate else {})}
    if isinstance(secret, SecretEnv):
        return {"env": secret.variable}
    return secret.reveal() if isinstance(secret, SecretKey) else None


def _number(table: str) -> int | str:
    return int(table) if table.isdigit() else table


def _said(**fields: Any) -> Document:
    """The fields that say something, in plain types: the values' own classes mean nothing to YAML or JSON."""
    return {
        name: _plain(value) for name, value in fields.items() if value is not None and value not in ("", (), {})
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value
