"""Request bodies against ``schemas/requests/*.json``, with messages that name the field.

Five annotations make v4.0's clients at home: ``x-aliases`` are other spellings of a field's name; ``x-missing``
and ``x-invalid`` are the messages that v4.0 gave (for one field, or in the root for all of them); a field
with ``x-multiline`` may hold line breaks; ``x-data`` in the root puts the name of the field into ``data``, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from wgreconcile.api.refusal import Refusal
from wgreconcile.desired.wording import show

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL_BUT_BREAKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@cache
def request_schema(name: str) -> dict[str, Any]:
    """The schema ``schemas/requests/<name>.json``."""
    path = resources.files("wgreconcile.schemas") / "requests" / f"{name}.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def check_body(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with its fields under their first names. Raise Refusal for the first fault, naming the field.

    Fields that the schema does not know are kept and not looked at: clients post whole objects.
    """
    schema = request_schema(name)
    data = _under_first_names(schema, body)
    _refuse_control_characters(schema, data)
    for error in sorted(_validator(name).iter_errors(data), key=_order_in(schema)):
        raise Refusal(_message(schema, error), _named(schema, str(next(iter(error.absolute_path), ""))))
    return data


def missing(field: str) -> Refusal:
    """What to raise when a handler, not the schema, finds that a field is missing."""
    return Refusal(f"{field}: is missing")


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(request_schema(name))


def _under_first_names(schema: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    data = dict(body)
    for field, its in schema.get("properties", {}).items():
        for alias in its.get("x-aliases", ()):
            if field not in data and alias in data:
                data[field] = data[alias]
    return data


def _refuse_control_characters(schema: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    for field, its in schema.get("properties", {}).items():
        refused = _CONTROL_BUT_BREAKS if its.get("x-multiline") else _CONTROL
        if field in data and any(refused.search(text) for text in _texts(data[field])):
            raise Refusal(f"{field}: contains a control character", _named(schema, field))


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield name
            yield from _texts(value)
    elif isinstance(node, list):
        for each in node:
            yield from _texts(each)


def _order_in(schema: Mapping[str, Any]) -> Any:
    """Faults in the order in which the schema names its fields; what is missing comes first."""
    order = {field: number for number, field in enumerate(schema.get("properties", {}))}

    def key(error: ValidationError) -> tuple[bool, int, str]:
        path = list(error.absolute_path)
        field = _missing_field(error) if not path else str(path[0])
        return error.validator != "required", order.get(field, len(order)), field

    return key


def _message(schema: Mapping[str, Any], error: ValidationError) -> str:
    path = [str(step) for step in error.absolute_path]
    field = path[0] if path else ""
    if error.validator == "required":
        lacking = _missing_field(error)
        said = _said(schema, path[0] if path else lacking, "x-missing")
        return said or f"{'.'.join([*path, lacking])}: is missing"
    if said := _said(schema, field, "x-invalid"):
        return said
    title = error.schema.get("title", "of the right kind") if isinstance(error.schema, dict) else "allowed"
    secret = isinstance(error.schema, dict) and error.schema.get("writeOnly")
    value = "the value" if secret else show(error.instance)
    return f"{'.'.join(path)}: {value} is not {title}"


def _said(schema: Mapping[str, Any], field: str, annotation: str) -> str | None:
    its = schema.get("properties", {}).get(field, {})
    found: str | None = its.get(annotation) or schema.get(annotation)
    return found


def _named(schema: Mapping[str, Any], field: str) -> str | None:
    """What goes into ``data``."""
    return field if field and schema.get("x-data") == "field" else None


def _missing_field(error: ValidationError) -> str:
    """The field that a ``required`` error is about: it stands in its message only."""
    fields: Any = error.validator_value if error.validator == "required" else ()
    return next((each for each in fields if error.message.startswith(repr(each))), "")
