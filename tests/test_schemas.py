"""What holds for every schema: sound, documented, and its examples are examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from wgreconcile.desired.model import Client, Interface, Peer
from wgreconcile.desired.schema import Kind, check, document_schema

FOLDER = Path(__file__).parents[1] / "schemas"
FILES = sorted(each for each in FOLDER.rglob("*.json"))
KINDS: tuple[Kind, ...] = get_args(Kind)


def properties(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema, at whatever depth, with its place."""
    if isinstance(node, list):
        for index, each in enumerate(node):
            yield from properties(each, f"{at}/{index}")
    elif isinstance(node, dict):
        for keyword in ("properties", "patternProperties"):
            for name, each in node.get(keyword, {}).items():
                yield f"{at}/{name}", each
        for name, each in node.items():
            # What an example or a default holds is data and no schema.
            if name not in ("examples", "default", "const", "enum"):
                yield from properties(each, f"{at}/{name}")


@pytest.mark.parametrize("file", FILES, ids=lambda each: each.name)
def test_a_schema_is_a_schema(file: Path) -> None:
    schema = json.loads(file.read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["description"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_description_and_an_example(kind: Kind) -> None:
    found = list(properties(document_schema(kind)))
    assert found
    assert [where for where, each in found if not (each.get("description") and each.get("examples"))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_valid(kind: Kind) -> None:
    schema = document_schema(kind)
    assert [example for example in schema["examples"] if check(kind, example)] == []
    for where, each in properties(schema):
        validator = Draft202012Validator(each)
        assert [example for example in each["examples"] if not validator.is_valid(example)] == [], where


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_is_valid(kind: Kind) -> None:
    for where, each in properties(document_schema(kind)):
        assert "default" not in each or Draft202012Validator(each).is_valid(each["default"]), where


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_are_refused_everywhere_but_ones_own(kind: Kind) -> None:
    assert check(kind, {"x-owner": "alice", "nonsense": 1, **_required(kind)})[0].path == ("nonsense",)
    assert check(kind, {"x-owner": {"any": ["thing"]}, **_required(kind)}) == []


@pytest.mark.parametrize(
    ("kind", "model", "elsewhere"),
    [
        ("peer", Peer, {"origin"}),
        ("interface", Interface, {"origin", "name", "hooks", "pre_up", "post_up", "pre_down", "post_down"}),
    ],
)
def test_schema_and_model_name_the_same_fields(kind: Kind, model: type, elsewhere: set[str]) -> None:
    of_schema, of_model = set(document_schema(kind)["properties"]), set(model.__dataclass_fields__)
    assert of_schema - elsewhere == of_model - elsewhere
    client = document_schema("peer")["properties"]["client"]["properties"]
    assert set(client) == set(Client.__dataclass_fields__)


def _required(kind: Kind) -> dict[str, Any]:
    schema = document_schema(kind)
    return {name: schema["properties"][name]["examples"][0] for name in schema.get("required", ())}
