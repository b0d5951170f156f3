"""Documents against their JSON Schema, answered in words for people.

Most documents are sound, which jsonschema-rs tells eighty times as fast; jsonschema, whose errors say more, looks
at the others. Neither is imported by a run over a state that has been checked before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from wgreconcile.desired.places import FieldPath, Problem, faults
from wgreconcile.desired.wording import example, nearest, show
from wgreconcile.errors import StateError

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

Kind = Literal["interface", "peer", "settings"]


def check(kind: Kind, data: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with a document's structure, in the order of its fields; values of keys stay unsaid."""
    if _quick_validator(kind).is_valid(data):
        return []
    errors = list(_validator(kind).iter_errors(data))
    problems = dict.fromkeys(each for error in errors for each in _explain(kind, error))
    return sorted(problems, key=lambda each: [str(step) for step in each.path])


def check_settings(data: Mapping[str, Any], text: str, file: str) -> None:
    """Raise StateError with all that is wrong with a settings file's structure."""
    problems = check("settings", data)
    if problems:
        raise StateError(faults(file, text, problems))


@cache
def document_schema(kind: Kind) -> dict[str, Any]:
    """The schema of a kind of document, with every ``$ref`` replaced by what it names."""
    name = f"{kind}.schema.json"
    schema: dict[str, Any] = _resolve(_read(name), name)
    return schema


@cache
def _quick_validator(kind: Kind) -> jsonschema_rs.Validator:
    import jsonschema_rs

    validator: jsonschema_rs.Validator = jsonschema_rs.validator_for(document_schema(kind))
    return validator


@cache
def _validator(kind: Kind) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_for_python(document_schema(kind)))


@cache
def _read(name: str) -> dict[str, Any]:
    text = resources.files("wgreconcile.schemas").joinpath(name).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _resolve(node: Any, home: str) -> Any:
    if isinstance(node, list):
        return [_resolve(each, home) for each in node]
    if not isinstance(node, dict):
        return node
    target: dict[str, Any] = {}
    if "$ref" in node:
        name, _, pointer = node["$ref"].partition("#")
        found: Any = _read(name or home)
        for step in filter(None, pointer.split("/")):
            found = found[step]
        target = _resolve(found, name or home)
    # What stands beside a `$ref` describes the field, what it names only the kind of value.
    own = {key: _resolve(value, home) for key, value in node.items() if key not in ("$ref", "$id", "$defs")}
    return {**target, **own}


def _for_python(node: Any) -> Any:
    """The schema with patterns that Python reads as ECMAScript does: there, `$` is the very end of the text."""
    if isinstance(node, list):
        return [_for_python(each) for each in node]
    if not isinstance(node, dict):
        return node
    python = {key: _for_python(value) for key, value in node.items()}
    if isinstance(python.get("pattern"), str):
        python["pattern"] = re.sub(r"\$$", r"\\Z", python["pattern"])
    return python


def _explain(kind: Kind, error: ValidationError) -> Iterator[Problem]:
    path: FieldPath = tuple(error.absolute_path)
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        yield from _unknown_fields(path, instance, error.schema)
    elif error.validator == "required":
        yield from _missing_fields(path, instance, error.schema)
    elif error.validator in ("dependentRequired", "oneOf"):
        yield Problem(path, "names neither or both of `file` and `env`", "write {file: NAME} or {env: VARIABLE}")
    elif error.validator == "anyOf" and (branch := _branch(error.context or ())):
        for each in branch:
            yield from _explain(kind, each)
    else:
        yield Problem(path, *_wrong_value(instance, _context(kind, error.absolute_schema_path)))


def _unknown_fields(path: FieldPath, instance: Any, schema: Any) -> Iterator[Problem]:
    known = schema["properties"]
    for key in instance:
        if key not in known and not key.startswith("x-"):
            yield Problem((*path, key), "unknown field", nearest(key, known))


def _missing_fields(path: FieldPath, instance: Any, schema: Any) -> Iterator[Problem]:
    for key in schema["required"]:
        if key not in instance:
            yield Problem((*path, key), "is missing", f"write {schema['properties'][key]['title']}")


def _branch(errors: Iterable[ValidationError]) -> list[ValidationError]:
    """The errors of the one alternative that the value meant: the one that takes values of its type."""
    branches: dict[Any, list[ValidationError]] = {}
    for error in errors:
        branches.setdefault(error.relative_schema_path[0], []).append(error)
    meant = [each for each in branches.values() if not any(_is_other_type(error) for error in each)]
    return meant[0] if len(meant) == 1 else []


def _is_other_type(error: ValidationError) -> bool:
    return error.validator in ("type", "const") and not error.relative_path


def _wrong_value(instance: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    title = context.get("title", "a value of the right kind")
    hint = example(context)
    if context.get("writeOnly"):
        return f"is not {title}", hint
    if instance is None:
        return "has no value", f"remove the field, or {hint}"
    if isinstance(instance, (int, float)) and context.get("is_text"):
        return f"{show(instance)} is not text", f"quote it: '{show(instance)}'"
    return f"{show(instance)} is not {title}", hint


def _context(kind: Kind, schema_path: Iterable[str | int]) -> dict[str, Any]:
    """What the schemas on the way to an error say about the field, the innermost last."""
    node: Any = document_schema(kind)
    context: dict[str, Any] = {}
    for step in schema_path:
        node = node[step]
        if isinstance(node, dict):
            if "properties" in node or step == "items":
                context = {"writeOnly": context.get("writeOnly", False)}
            kept = ("title", "examples", "writeOnly")
            context.update({key: node[key] for key in kept if key in node})
            context["is_text"] = node.get("type") == "string"
    return context
