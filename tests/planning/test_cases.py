"""Plans as data: every file of tests/cases/plan says what is found and what is expected of the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgreconcile.planning.model import InterfacePlan
from wgreconcile.planning.plan import plan_interface

from .cases import FOLDER, Case, Labels, finished, load
from .model_host import ModelHost

CASES = sorted(FOLDER.glob("*.yaml"))


def plan_of(case: Case) -> InterfacePlan:
    return plan_interface(case.goal, case.observed, case.baseline, interrupted=case.interrupted)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = load(path)
    plan, labels = plan_of(case), Labels(case)
    assert [labels.change(each) for each in plan.changes] == case.expected["changes"]
    assert [labels.step(each) for each in plan.steps] == case.expected["steps"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case_is_settled_by_its_steps(path: Path) -> None:
    case = load(path)
    host = ModelHost(case.observed)
    for step in plan_of(case).steps:
        host.perform(step)
    settled = finished(case, host.observed)
    assert Labels(case) and plan_of(settled).changes == ()


def test_there_are_cases() -> None:
    assert len(CASES) > 40
