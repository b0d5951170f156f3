"""A plan as plain data for programs; ``schemas/plan.schema.json`` describes it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from wgreconcile.observed.conf import ConfPeer
from wgreconcile.observed.model import Route, Rule
from wgreconcile.planning.model import Change, InterfacePlan, Plan, Step
from wgreconcile.values import SecretKey

VERSION = 1


def export_plan(plan: Plan) -> dict[str, Any]:
    """The whole plan. Secrets read ``(secret)``."""
    return {
        "version": VERSION,
        "changed": not plan.is_empty,
        "disruption": str(plan.disruption),
        "interfaces": [_interface(each) for each in plan.interfaces],
        "orphaned": list(plan.orphaned),
        "unmanaged": list(plan.unmanaged),
    }


def _interface(plan: InterfacePlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "disruption": str(plan.disruption),
        "subjects": plan.subjects,
        "changed": plan.changed_subjects,
        "changes": [_change(each) for each in plan.changes],
        "steps": [_step(each) for each in plan.steps],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "place": change.place.value,
        "action": change.action.value,
        "peer": change.peer,
        "name": change.name,
        "field": change.field,
        "before": _value(change.before),
        "after": _value(change.after),
        "cause": change.cause.value,
        "disruption": str(change.disruption),
    }


def _step(step: Step) -> str:
    return type(step).__name__


def _value(value: object) -> Any:
    if isinstance(value, SecretKey):
        return str(value)
    if isinstance(value, ConfPeer | Route | Rule):
        return {each.name: _value(getattr(value, each.name)) for each in fields(value) if each.compare}
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return value
