from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.desired.documents import parse
from wgreconcile.desired.emit import dump, inline

from .samples import canonical
from .strategies import data, texts_of_yaml


@pytest.mark.parametrize(
    "text",
    [
        "alice",
        "Alice's laptop",
        "10.7.0.2",
        "10.7.0.2/32",
        "fd00::1/64",
        "vpn.example.com:51820",
        "a, b",
        "/x",
        "é",
    ],
)
def test_a_text_that_nobody_misreads_stays_plain(text: str) -> None:
    assert inline(text) == text


MISREAD = [
    "no",
    "Yes",
    "on",
    "y",
    "N",
    "true",
    "null",
    "~",
    "1",
    "017",
    "0x1f",
    "0o17",
    "1_000",
    "10:20",
    "1e3",
    "2030-01-31",
    "::/0",
    "::1",
    "-x",
    "#a",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a",
    "[a",
    "{a",
    "a:",
    "<<",
    "=",
    ".5",
    ".inf",
    "+1",
    "|",
    ">",
    "'a'",
    '"a"',
    "...",
    "---",
]


@pytest.mark.parametrize("text", [*MISREAD, "", "- x", "? x", "a: b", "a #b", " a", "a ", "a\tb"])
def test_a_text_that_someone_misreads_is_quoted(text: str) -> None:
    assert inline(text)[0] in "'\""
    assert parse(f"a: {inline(text)}", "f") == {"a": text}
    assert yaml.safe_load(f"a: {inline(text)}") == {"a": text}


@pytest.mark.parametrize("text", ["fd00::1", "a:b", "a,b", "[", "a#b", "it's"])
def test_in_brackets_more_is_quoted(text: str) -> None:
    assert inline([text])[1] in "'\""
    assert parse(f"a: {inline([text])}", "f") == {"a": [text]}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (True, "true"), (None, "null"), (1.5, "1.5"), (1e16, "1.0e+16"), ([], "[]"), ({}, "{}")],
)
def test_what_is_no_text_is_never_quoted(value: Any, text: str) -> None:
    assert inline(value) == text
    assert yaml.safe_load(inline(value)) == value


def test_a_quote_is_kept() -> None:
    assert inline("alice", style='"') == '"alice"'
    assert inline("it's", style="'") == "'it''s'"
    assert inline(5, style="'") == "5"


def test_a_document_reads_as_a_person_would_write_it() -> None:
    document = {
        "description": "Two\nlines\n",
        "address": ["10.7.0.1/24", "::1"],
        "peers": [{"name": "alice", "client": {"dns": ["1.1.1.1"]}, "tags": []}, {"name": "no"}],
        "x-more": {"a": [["b"]], "c": {}},
    }
    assert (
        dump(document)
        == """description: |
  Two
  lines
address:
  - 10.7.0.1/24
  - '::1'
peers:
  - name: alice
    client:
      dns:
        - 1.1.1.1
    tags: []
  - name: 'no'
x-more:
  a:
    - - b
  c: {}
"""
    )
    assert parse(dump(document), "f") == document
    assert dump({}) == "{}\n"


@given(data)
def test_a_document_reads_as_what_it_was_made_from(document: dict[str, Any]) -> None:
    assert canonical(parse(dump(document), "f")) == canonical(document)


@given(data)
def test_readers_of_yaml_1_1_agree(document: dict[str, Any]) -> None:
    assert canonical(yaml.safe_load(dump(document))) == canonical(document)


@given(texts_of_yaml, st.sampled_from([None, "'", '"']), st.booleans())
def test_any_text_survives_on_one_line(text: str, style: str | None, in_flow: bool) -> None:
    written = inline(text, in_flow=in_flow, style=style)
    assert "\n" not in written
    assert parse(f"a: [{written}]" if in_flow else f"a: {written}", "f") in ({"a": text}, {"a": [text]})
