"""The reference pages: as new as the schemas and the parser, and true in each example and link."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from wgreconcile.api.settings.codec import decode
from wgreconcile.cli.main import VERBS
from wgreconcile.desired.documents import parse
from wgreconcile.desired.reading import read
from wgreconcile.desired.schema import check_settings
from wgreconcile.errors import Fault

REPOSITORY = Path(__file__).parents[1]
REFERENCE = REPOSITORY / "docs" / "reference"
DOCUMENTS = ("interface", "peer", "settings", "dashboard")
PUBLIC_KEY = "public_key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("examples/*.md")])

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_ANCHOR = re.compile(r'^#+ (.+)$|<a id="([^"]+)">', re.MULTILINE)
_CODE = re.compile(r"^```.*?^```|^    .*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


@pytest.fixture
def script() -> ModuleType:
    loader = SourceFileLoader("reference", str(REPOSITORY / "script" / "reference"))
    loader.set_data = lambda *_, **__: None  # no bytecode beside the script
    spec = spec_from_loader("reference", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--check"]) == 0, capsys.readouterr().out


def test_a_page_that_is_out_of_date_is_named_and_then_mended(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "REFERENCE", tmp_path)
    assert script.main([]) == 0
    (tmp_path / "peer.md").write_text("old\n")
    capsys.readouterr()
    assert script.main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/reference/peer.md is out of date: run script/reference\n"
    assert (tmp_path / "peer.md").read_text() == "old\n"
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0


def test_no_page_is_left_over(script: ModuleType) -> None:
    assert {each.stem for each in REFERENCE.glob("*.md")} == {name for name, _ in script.pages()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_field_has_its_section(name: str) -> None:
    schema = json.loads((REPOSITORY / "schemas" / f"{name}.schema.json").read_text())
    text = (REFERENCE / f"{name}.md").read_text()
    for field, own in schema["properties"].items():
        section = text.partition(f"\n## `{field}`\n")[2].partition("\n## ")[0]
        assert own["description"] in section
        assert section.count(f"{field}:") >= len(own["examples"])
        assert all(f"| `{inner}` |" in section for inner in own.get("properties", ()))


def test_every_kind_of_thing_in_a_plan_has_its_section_with_its_fields() -> None:
    schema = json.loads((REPOSITORY / "schemas" / "plan.schema.json").read_text())
    text = (REFERENCE / "plan.md").read_text()
    for kind, own in {"": schema, **schema["$defs"]}.items():
        section = text.partition(f"\n## {kind}\n")[2].partition("\n## ")[0] if kind else text.partition("\n## ")[0]
        assert own["description"] in section
        assert all(f"| `{field}` |" in section for field in own.get("properties", ()))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb.name))
def test_every_verb_has_its_section_with_its_options(script: ModuleType, verb: object) -> None:
    name = verb.name
    text = (REFERENCE / "command-line.md").read_text()
    section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    parser = script.verbs_of(script.command_line.parser_of_all())[name]
    shared = {"-h", "--help", *(word for each in script.where_options(parser) for word in each.option_strings)}
    for option in {word for each in parser._actions for word in each.option_strings} - shared:
        assert f"`{option}" in section


def examples() -> Iterator[tuple[str, str]]:
    for name in DOCUMENTS:
        for block in re.findall(r"```yaml\n(.*?)```", (REFERENCE / f"{name}.md").read_text(), re.DOTALL):
            yield from ((name, each) for each in block.split("# or\n"))


@pytest.mark.parametrize(("name", "text"), list(examples()))
def test_every_example_is_one_that_wgreconcile_takes(name: str, text: str) -> None:
    assert list(faults_of(name, text)) == []


def faults_of(name: str, text: str) -> tuple[Fault, ...]:
    if name == "settings":
        check_settings(parse(text, name), text, name)  # raises StateError
        return ()
    if name == "dashboard":
        decode(parse(text, name))  # raises StateError
        return ()
    whole = text if name == "interface" or text.startswith("public_key:") else PUBLIC_KEY + text
    return tuple(read("peer" if name == "peer" else "interface", whole, name, name=name, origin=name).faults)


def test_the_state_in_the_readme_is_one_that_wgreconcile_takes() -> None:
    interface, peer = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    assert faults_of("interface", interface) == ()
    assert faults_of("peer", peer) == ()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(_CODE.sub("", page.read_text())):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name} links to {target}, which does not exist"
        assert not anchor or anchor in anchors(path), f"{page.name} links to {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them of its headings, and those written out."""
    found = _ANCHOR.findall(page.read_text())
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading, _ in found if heading}
    return slugs | {written for _, written in found if written}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_module_that_a_page_names_is_there(page: Path) -> None:
    for path in re.findall(r"`((?:api|\w+ed|planning|converge|importing|agent|cli)/\w+\.py)`", page.read_text()):
        assert (REPOSITORY / "wgreconcile" / path).exists(), f"{page.name} names {path}"
