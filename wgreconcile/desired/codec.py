"""Documents that passed their schema to values: what a schema cannot say is said here, all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from wgreconcile.desired import fields
from wgreconcile.desired.model import Client, Hooks, Interface, Peer, Schedule
from wgreconcile.desired.places import FieldPath, Problem

T = TypeVar("T")
Data = Mapping[str, Any]

HOOKS = ("pre_up", "post_up", "pre_down", "post_down")
_NO_CLIENT = Client()


def interface_of(data: Data, name: str, origin: str) -> tuple[Interface, list[Problem]]:
    """The interface of a document, with the peers that it lists.

    Fields that are wrong are left out of the value and named in the problems.
    """
    read = _Reader(data)
    interface = Interface(
        name=name,
        address=read.each("address", fields.address),
        listen_port=read.one("listen_port", int),
        private_key=read.one("private_key", fields.secret),
        mtu=read.one("mtu", int),
        dns=read.each("dns", fields.name_server),
        table=read.one("table", fields.table) or "auto",
        fwmark=read.one("fwmark", fields.mark),
        hooks=Hooks(**{field: read.commands(field) for field in HOOKS}),
        enabled=data.get("enabled", True),
        description=read.one("description", fields.text) or "",
        client_defaults=_client(read, "client_defaults"),
        peers=_inline_peers(read, origin),
        origin=origin,
    )
    return interface, read.problems


def peer_of(data: Data, name: str, origin: str, at: FieldPath = ()) -> tuple[Peer | None, list[Problem]]:
    """The peer of a document, or of the item ``at`` of a document; ``name`` is its name by default.

    None without a sound public key, because the peer has no identity then.
    """
    read = _Reader(data, at)
    public_key = read.one("public_key", fields.public_key)
    values: dict[str, Any] = {
        "name": read.one("name", fields.label) or name,
        "preshared_key": read.one("preshared_key", fields.secret),
        "allowed_ips": read.each("allowed_ips", fields.network),
        "endpoint": read.one("endpoint", fields.endpoint),
        "persistent_keepalive": read.one("persistent_keepalive", fields.seconds) or None,
        "enabled": data.get("enabled", True),
        "expires": read.one("expires", fields.moment),
        "description": read.one("description", fields.text) or "",
        "tags": tuple(sorted(set(read.each("tags", fields.label)))),
        "client": _client(read, "client"),
        "schedules": _schedules(read),
        "origin": origin,
    }
    return (Peer(public_key, **values) if public_key else None), read.problems


class _Reader:
    """Reads the fields of one mapping and collects what is wrong with them."""

    def __init__(self, data: Data, at: FieldPath = ()) -> None:
        self.data = data
        self.at = at
        self.problems: list[Problem] = []

    def one(self, field: str, parse: Callable[[Any], T]) -> T | None:
        value = self.data.get(field)
        return None if value is None else self._parsed((*self.at, field), value, parse)

    def each(self, field: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """A list, or text separated by commas."""
        value = self.data.get(field)
        if not value:
            return ()
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")] if value.strip() else ()
        return self._all(field, value, parse)

    def commands(self, field: str) -> tuple[str, ...]:
        """A list, or one command: a comma is part of it."""
        value = self.data.get(field, ())
        return self._all(field, [value] if isinstance(value, str) else value, fields.command)

    def _all(self, field: str, items: Any, parse: Callable[[str], T]) -> tuple[T, ...]:
        # None stands where the schema refused an item, so that the others keep their index.
        parsed = (
            self._parsed((*self.at, field, index), item, parse)
            for index, item in enumerate(items)
            if item is not None
        )
        return tuple(each for each in parsed if each is not None)

    def _parsed(self, path: FieldPath, value: Any, parse: Callable[[Any], T]) -> T | None:
        try:
            return parse(value)
        except fields.Wrong as wrong:
            self.problems.append(Problem(path, wrong.problem, wrong.remedy))
            return None


def _client(parent: _Reader, field: str) -> Client:
    data = parent.data.get(field)
    if not data:
        return _NO_CLIENT
    read = _Reader(data, (*parent.at, field))
    client = Client(
        private_key=read.one("private_key", fields.client_secret),
        address=read.each("address", fields.address),
        dns=None if data.get("dns") is None else read.each("dns", fields.name_server),
        allowed_ips=read.each("allowed_ips", fields.network),
        mtu=read.one("mtu", int),
        persistent_keepalive=read.one("persistent_keepalive", fields.seconds),
        endpoint=read.one("endpoint", fields.endpoint),
    )
    parent.problems += read.problems
    return client


def _schedules(parent: _Reader) -> tuple[Schedule, ...]:
    read = [
        _Reader(item, (*parent.at, "schedules", index))
        for index, item in enumerate(parent.data.get("schedules", ()))
        if item is not None
    ]
    schedules = tuple(each for each in map(_schedule, read) if each)
    for each in read:
        parent.problems += each.problems
    return schedules


def _schedule(read: _Reader) -> Schedule | None:
    """None when the schema refused a part of it: half a condition is none."""
    data = read.data
    if not {"subject", "is", "value", "action"} <= data.keys():
        return None
    is_date = data["subject"] == "date"
    value = read.one("value", fields.date) if is_date else read.one("value", fields.amount)
    name, created = read.one("id", fields.label) or "", read.one("created", fields.date)
    if value is None:
        return None
    return Schedule(data["subject"], data["is"], value, data["action"], name, created)


def _inline_peers(read: _Reader, origin: str) -> tuple[Peer, ...]:
    peers = []
    for index, item in enumerate(read.data.get("peers", ())):
        if item is None:
            continue
        peer, problems = peer_of(item, "", origin, ("peers", index))
        read.problems += problems
        peers += [peer] if peer else []
    return tuple(peers)
