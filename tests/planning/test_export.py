"""Plans for programs: plain data that the published schema describes, whole and without keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from wgreconcile.cli import plan_verbs
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome
from wgreconcile.planning.export import export_plan
from wgreconcile.planning.model import Action, Cause, Disruption, InterfacePlan, Place, Plan, Step
from wgreconcile.planning.plan import plan_interface

from ..observed.strategies import secret_key
from .builders import conf, many, peer, plan
from .cases import FOLDER, load
from .worlds import World, worlds

SCHEMA: dict[str, Any] = json.loads(files("wgreconcile.schemas").joinpath("plan.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def exported(*plans: InterfacePlan, **others: tuple[str, ...]) -> dict[str, Any]:
    """A plan as a program reads it, checked against the schema."""
    data: dict[str, Any] = json.loads(json.dumps(export_plan(Plan(plans, **others))))
    VALIDATOR.validate(data)
    return data


def test_an_empty_plan() -> None:
    assert exported(orphaned=("wg8",), unmanaged=("wg7",)) == {
        "version": 1,
        "changed": False,
        "disruption": "none",
        "interfaces": [],
        "orphaned": ["wg8"],
        "unmanaged": ["wg7"],
    }


def test_a_plan_of_one_peer() -> None:
    bob = peer("bob", "192.168.5.0/24", preshared_key=secret_key("psk"))
    (found,) = exported(plan(conf(peer("ann")), conf(peer("ann"), bob)))["interfaces"]
    changes = found.pop("changes")
    assert found == {
        "name": "wg0",
        "disruption": "none",
        "subjects": 3,
        "changed": 1,
        "steps": ["WriteFile", "SetPeers", "Adjust"],
    }
    common = {"peer": bob.public_key, "name": "bob", "cause": "changed in state", "disruption": "none"}
    settings = {
        "public_key": bob.public_key,
        "preshared_key": "(secret)",
        "allowed_ips": ["192.168.5.0/24"],
        "endpoint": None,
        "persistent_keepalive": None,
    }
    created = common | {"action": "create", "field": "", "before": None, "after": settings}
    routes = {"field": "routes", "before": [], "after": [{"network": "192.168.5.0/24", "table": "main"}]}
    expected = [created | {"place": "file"}, common | {"place": "live", "action": "update"} | routes]
    assert changes == [*expected, created | {"place": "live"}]


def test_nothing_is_left_out_of_a_big_plan() -> None:
    (found,) = exported(plan(conf(), conf(*many(200))))["interfaces"]
    assert found["changed"] == 200
    assert len({each["peer"] for each in found["changes"]}) == 200


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_every_plan_is_as_the_schema_says_and_holds_no_key(world: World) -> None:
    data = exported(plan_interface(world.goal, world.observed, world.baseline))
    text = json.dumps(data)
    assert not any(secret_key(label).reveal() in text for label in ("x", "y", "foreign"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_case_is_as_the_schema_says(path: Any) -> None:
    case = load(path)
    (found,) = exported(plan_interface(case.goal, case.observed, case.baseline))["interfaces"]
    assert (found["changes"] != []) or found["steps"] == []


def test_the_outcome_of_an_apply(capsys: pytest.CaptureFixture[str]) -> None:
    made = plan(conf(mtu=1400), conf(mtu=1380))
    outcomes = (InterfaceOutcome(made), InterfaceOutcome(made, "failed", "still differs", "full"))
    plan_verbs._show_outcome(Outcome(Plan((made,)), outcomes), "json", diff=False)
    data = json.loads(capsys.readouterr().out)
    VALIDATOR.validate(data)
    good = {
        **{"name": "wg0", "changed": 1, "failed": False},
        **{"error": "", "return_error": "", "record_error": ""},
    }
    bad = {
        **{"name": "wg0", "changed": 0, "failed": True},
        **{"error": "failed", "return_error": "still differs", "record_error": "full"},
    }
    assert data["outcome"] == [good, bad]


def test_the_schema_names_all_words() -> None:
    definitions = SCHEMA["$defs"]
    fields = definitions["change"]["properties"]
    assert definitions["disruption"]["enum"] == [str(each) for each in Disruption]
    for field, words in (("place", Place), ("action", Action), ("cause", Cause)):
        assert fields[field]["enum"] == [each.value for each in words]
    assert set(definitions["interface"]["properties"]["steps"]["items"]["enum"]) == {
        each.__name__ for each in get_args(Step)
    }


def nodes(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of the schema with its place."""
    for name, each in node.get("properties", {}).items():
        yield f"{at}/{name}", each
    for name, each in node.get("$defs", {}).items():
        yield from nodes(each, f"{at}/{name}")


def test_every_field_has_a_description_and_valid_examples() -> None:
    VALIDATOR.check_schema(SCHEMA)
    assert all(VALIDATOR.is_valid(each) for each in SCHEMA["examples"])
    found = dict(nodes(SCHEMA))
    assert len(found) > 30
    for where, each in found.items():
        assert each["description"].endswith((".", "…")), where
        validator = VALIDATOR.evolve(schema=each)
        assert each["examples"] and all(validator.is_valid(example) for example in each["examples"]), where


@pytest.mark.parametrize("place", ["", "interfaces/0", "interfaces/0/changes/0"])
def test_an_unknown_field_would_be_noticed(place: str) -> None:
    data: Any = exported(plan(conf(mtu=1400), conf(mtu=1380)))
    node = data
    for key in filter(None, place.split("/")):
        node = node[int(key) if key.isdigit() else key]
    node["new"] = 1
    assert not VALIDATOR.is_valid(data)
