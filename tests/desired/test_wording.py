from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.desired.wording import example, nearest, show, show_text

from .samples import SECRET, shows_secret


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1500x", "'1500x'"),
        (17, "17"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        ([1], "a list"),
        ({"a": 1}, "a mapping"),
        ("a\nb\x07", "'a?b?'"),
        ("abc " * 50, f"'{'abc ' * 14}abc…'"),
    ],
)
def test_a_value_is_quoted_on_one_short_line(value: Any, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize("text", [SECRET, f"key={SECRET}", SECRET[:-1], SECRET[:36], SECRET.replace("+", " ")])
def test_what_looks_like_a_key_is_hidden(text: str) -> None:
    assert "(hidden)" in show_text(text)
    assert not shows_secret(show(text))


@given(st.text())
def test_shown_text_is_always_one_printable_line(text: str) -> None:
    assert show_text(text).isprintable()
    assert len(show_text(text)) <= 60


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({}, ""),
        ({"examples": [51820]}, "write a number such as 51820"),
        ({"examples": [False]}, "write true or false"),
        ({"examples": ["auto", "off"]}, "write it like 'auto'"),
        ({"examples": [["a", "b"]]}, "write it like ['a', 'b']"),
        ({"examples": [{"file": "k", "generate": True}]}, "write it like {file: k, generate: true}"),
    ],
)
def test_an_example_is_written_as_yaml(context: dict[str, Any], words: str) -> None:
    assert example(context) == words


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("tabel", "did you mean table?"),
        ("Listen-Port", "did you mean listen_port?"),
        ("colour", "remove it, or begin its name with x-"),
    ],
)
def test_an_unknown_name_is_answered_with_the_one_it_resembles(name: str, remedy: str) -> None:
    assert nearest(name, ["listen_port", "table", "mtu"]) == remedy
