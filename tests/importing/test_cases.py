"""Files to import as data: ``tests/cases/import/*.yaml`` say what goes in and what becomes of it.

``conf`` is imported as wg0.conf of an interface that is up (``live``). Expected are ``documents`` and ``secrets``
with ``notes``, and the text ``left`` in the file where that changes; or else ``faults``, of which one that ends in
``…`` may go on otherwise, and nothing that has changed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from .samples import Place, shown_secrets, with_keys

FOLDER = Path(__file__).parents[1] / "cases" / "import"
CASES = {each.stem: yaml.safe_load(with_keys(each.read_text())) for each in sorted(FOLDER.glob("*.yaml"))}
GOOD = [name for name, case in CASES.items() if "faults" not in case]
BYTE_ORDER_MARK = "\ufeff"


def shown(place: Place, notes: tuple[str, ...]) -> list[str]:
    """Notes with the paths of the test left out."""
    return [each.replace(f"{place.conf_dir}/", "") for each in notes]


@pytest.mark.parametrize("name", GOOD)
def test_documents_secrets_and_notes(place: Place, name: str) -> None:
    case = CASES[name]
    path = place.write("wg0.conf", case["conf"])
    (result,) = place.run(path, live=("wg0",) if case.get("live", True) else ()).results
    assert result.faults == ()
    assert place.documents() == case["documents"]
    assert place.kept() == case["secrets"]
    assert shown(place, result.notes) == case.get("notes", [])
    assert path.read_text() == case.get("left", case["conf"])


@pytest.mark.parametrize("name", GOOD)
def test_the_plan_after_it_is_empty(place: Place, name: str) -> None:
    place.run(place.write("wg0.conf", CASES[name]["conf"], 0o644))
    plan = place.plan()
    assert [each.name for each in plan.interfaces] == ["wg0"]
    assert plan.is_empty, list(plan.changes)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("mark", ["", BYTE_ORDER_MARK])
def test_line_ends_of_windows_and_a_byte_order_mark_mean_nothing(place: Place, name: str, mark: str) -> None:
    case = CASES[name]
    path = place.write("wg0.conf", mark + case["conf"].replace("\n", "\r\n"))
    (result,) = place.run(path, live=("wg0",) if case.get("live", True) else ()).results
    assert place.documents() == case["documents"]
    assert path.read_bytes().decode() == case.get("left", case["conf"]).replace("\n", "\r\n")
    note = "taken out of wg0.conf: the byte order mark, which WireGuard cannot read"
    assert shown(place, result.notes)[: len(mark)] == [note][: len(mark)]
    assert place.plan().is_empty


@pytest.mark.parametrize("name", sorted(CASES.keys() - set(GOOD)))
def test_a_refused_file_changes_nothing(place: Place, name: str) -> None:
    path = place.write("wg0.conf", CASES[name]["conf"], 0o644)
    before = place.everything()
    (result,) = place.run(path).results
    for found, expected in zip(result.faults, CASES[name]["faults"], strict=True):
        told = str(found).removeprefix(f"{path}:")
        assert told == expected or (expected[-1] == "…" and told.startswith(expected[:-1]))
    assert place.everything() == before


@pytest.mark.parametrize("name", CASES)
def test_no_key_leaves_the_secret_folder(place: Place, name: str) -> None:
    report = place.run(place.write("wg0.conf", CASES[name]["conf"]))
    documents = "".join(each.read_text() for each in place.store.state.rglob("*.yaml"))
    assert shown_secrets(documents) == []
    assert (
        shown_secrets(repr(report) + "".join(str(each) for result in report.results for each in result.faults))
        == []
    )


def test_every_case_says_what_it_is_about() -> None:
    keys = {"about", "live", "conf", "documents", "secrets", "notes", "left", "faults"}
    assert all(case["about"] and case.keys() <= keys for case in CASES.values())
