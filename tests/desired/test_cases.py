"""The states of tests/cases/desired and what is said about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wgreconcile.desired.documents import parse
from wgreconcile.errors import StateError

from .samples import Folder, shows_secret

CASES = sorted((Path(__file__).parents[1] / "cases" / "desired").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.stem)
def test_case(case: Path, folder: Folder) -> None:
    expected: dict[str, Any] = parse(case.read_text(), case.name)
    for path, text in expected["files"].items():
        folder.write(path, text)
    faults, warnings = verdict(folder)
    assert faults == expected.get("faults", [])
    assert warnings == expected.get("warnings", [])
    assert not shows_secret("".join(faults + warnings))
    assert verdict(folder) == (faults, warnings), "what is remembered changes no verdict"


def verdict(folder: Folder) -> tuple[list[str], list[str]]:
    try:
        warnings = folder.load().warnings
    except StateError as error:
        return [str(each).removeprefix(f"{folder.path}/") for each in error.faults], []
    return [], [str(each).removeprefix(f"{folder.path}/") for each in warnings]
