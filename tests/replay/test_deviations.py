"""What declares a difference and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import deviations
from .compare import MISSING, Difference
from .recording import Step

STEP = Step("peers-045", "peers", "http", "", {"status": 500})
FOUND = Difference("response.data.c_pub.endpoint", "N/A", "(none)")


def declares(tmp_path: Path, entry: str, difference: Difference = FOUND) -> bool:
    path = tmp_path / "deviations.yaml"
    path.write_text(f"- {{{entry}, bug: '1: x'}}\n")
    return deviations.read(path).find(STEP, difference) is not None


@pytest.mark.parametrize(
    "ids", ["'*'", "peers-045", "peers-*", "peers-043..045", "peers-045..046", "[x, peers-045]"]
)
def test_exchanges(tmp_path: Path, ids: str) -> None:
    assert declares(tmp_path, f"exchanges: {ids}, differs: {{response.data.c_pub.endpoint: (none)}}")


@pytest.mark.parametrize("ids", ["peers", "peers-04", "peers-046..050", "jobs-040..050", "[]"])
def test_other_exchanges(tmp_path: Path, ids: str) -> None:
    assert not declares(tmp_path, f"exchanges: {ids}, differs: {{response.data.c_pub.endpoint: (none)}}")


@pytest.mark.parametrize(
    "value",
    [
        "(none)",
        "{matches: '.n.*'}",
        "{one_of: [x, (none)]}",
        "{anything: true}",
        "{was: N/A, is: (none)}",
        "{was: {one_of: [N/A]}, is: {matches: .none.}}",
    ],
)
def test_values(tmp_path: Path, value: str) -> None:
    assert declares(tmp_path, f"exchanges: '*', differs: {{response.*.endpoint: {value}}}")


@pytest.mark.parametrize(
    "value",
    [
        "none",
        "{matches: none}",
        "{one_of: [x, y]}",
        "{absent: true}",
        "{was: x, is: (none)}",
        "{was: N/A, is: x}",
    ],
)
def test_other_values(tmp_path: Path, value: str) -> None:
    assert not declares(tmp_path, f"exchanges: '*', differs: {{response.*.endpoint: {value}}}")


def test_types_count(tmp_path: Path) -> None:
    entry = "exchanges: '*', differs: {x: 1}"
    assert declares(tmp_path, entry, Difference("x", 0, 1))
    assert not declares(tmp_path, entry, Difference("x", 0, True))
    assert not declares(tmp_path, entry, Difference("x", 0, "1"))


def test_nothing(tmp_path: Path) -> None:
    entry = "exchanges: '*', differs: {x: {absent: true}}"
    assert declares(tmp_path, entry, Difference("x", 0, MISSING))
    assert not declares(tmp_path, "exchanges: '*', differs: {x: {anything: true}}", Difference("x", 0, MISSING))


def test_only_where_the_recorded_exchange_is_so(tmp_path: Path) -> None:
    entry = "exchanges: '*', differs: {response.*: (none)}, recorded: "
    assert declares(tmp_path, entry + "{status: 500}")
    assert declares(tmp_path, entry + "{status: {one_of: [400, 500]}}")
    assert not declares(tmp_path, entry + "{status: 404}")


def test_requests_that_make_up_for_it(tmp_path: Path) -> None:
    path = tmp_path / "deviations.yaml"
    path.write_text(
        "- {exchanges: peers-045, bug: a, differs: {response.*: (none)}, afterwards: [{post: /a, body: {b: 1}}]}\n"
        "- {exchanges: peers-045, bug: b, afterwards: [{post: /always, body: {}}]}\n"
        "- {exchanges: peers-046, bug: c, afterwards: [{post: /other, body: {}}]}\n"
    )
    declared = deviations.read(path)
    found = declared.find(STEP, FOUND)
    assert found and [*declared.make_up(STEP, [found])] == [("/a", {"b": 1}), ("/always", {})]
    assert [*declared.make_up(STEP, [])] == [("/always", {})]


@pytest.mark.parametrize(
    "entry",
    [
        "{exchanges: x, differs: {a: b}}",
        "{exchanges: x, differs: {a: b}, bug: x, because: y}",
        "{exchanges: x, bug: x}",
        "{exchanges: x, differs: {a: b}, bug: x, typo: y}",
    ],
)
def test_what_is_no_deviation(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "deviations.yaml"
    path.write_text(f"- {entry}\n")
    with pytest.raises(ValueError, match="without a reason"):
        deviations.read(path)


def test_the_declared_ones_are_well_formed() -> None:
    assert len(deviations.read().needless()) > 100
