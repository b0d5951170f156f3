"""The settings' document to values, checked by ``schemas/dashboard.schema.json`` and what no schema can say."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator

from wgreconcile.api.settings.model import Dashboard, Page, PeerDefaults, Server
from wgreconcile.desired.wording import example, show
from wgreconcile.errors import Fault, StateError

FILE = "settings.yaml"


def decode(data: Mapping[str, Any]) -> Dashboard:
    """The settings of a document. Raise StateError with all that is wrong with it."""
    faults = [*_schema_faults(data)] or [*_value_faults(data)]
    if faults:
        raise StateError(faults)
    parts = {"server": Server, "page": Page, "peers": PeerDefaults}
    values = {name: _read(kind, data.get(name, {})) for name, kind in parts.items()}
    plain = {name: data[name] for name in ("compat", "adopt", "api_hooks") if name in data}
    return Dashboard(**plain, **values)


@cache
def schema() -> dict[str, Any]:
    """The schema of the document."""
    text = resources.files("wgreconcile.schemas").joinpath("dashboard.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _read(kind: type[Any], data: Mapping[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return kind(**{name: value for name, value in given.items() if name in known})


def _schema_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    for error in Draft202012Validator(schema()).iter_errors(data):
        field = ".".join(map(str, error.absolute_path))
        if error.validator == "additionalProperties":
            for name in sorted(set(error.instance) - set(error.schema["properties"])):
                if not str(name).startswith("x-"):
                    place = f"{field}.{name}".lstrip(".")
                    yield Fault(FILE, 0, place, "unknown field", "remove it, or begin its name with x-")
        else:
            title = error.schema.get("title", "a value of the right kind")
            yield Fault(FILE, 0, field, f"{show(error.instance)} is not {title}", example(error.schema))


def _value_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    server, peers = data.get("server", {}), data.get("peers", {})
    for place, text in _texts(data, ""):
        if not text.isprintable():
            yield Fault(FILE, 0, place, "contains a control character", "remove it")
    checks = (
        ("server.address", [server["address"]] if "address" in server else [], ipaddress.ip_address),
        ("server.trusted_proxies", server.get("trusted_proxies", []), _network),
        ("peers.dns", peers.get("dns", []), ipaddress.ip_address),
        ("peers.allowed_ips", peers.get("allowed_ips", []), _network),
    )
    for field, values, parse in checks:
        for value in values:
            try:
                parse(value)
            except ValueError as error:
                yield Fault(FILE, 0, field, str(error))


def _texts(node: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text of a part of the document; a pattern's ``$`` lets a line break at the end pass."""
    if isinstance(node, str):
        yield place, node
    elif isinstance(node, list):
        for each in node:
            yield from _texts(each, place)
    elif isinstance(node, Mapping):
        for name, each in node.items():
            if not str(name).startswith("x-"):
                yield from _texts(each, f"{place}.{name}".lstrip("."))


def _network(text: str) -> object:
    return ipaddress.ip_network(text, strict=False)
