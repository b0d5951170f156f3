from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.desired import syntax
from wgreconcile.desired.documents import parse, scalar
from wgreconcile.errors import StateError

from .samples import SECRET, shows_secret


def faults(text: str) -> list[str]:
    with pytest.raises(StateError) as caught:
        parse(text, "wg0.yaml")
    return [str(each) for each in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("+7", 7),
        ("0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        # Strings for YAML 1.2, and something else for YAML 1.1.
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("10:20", "10:20"),
        ("2030-01-31", "2030-01-31"),
        ("2030-01-31 10:00:00", "2030-01-31 10:00:00"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0x", "0x"),
        ("-", "-"),
        (".", "."),
        ("10.7.0.1", "10.7.0.1"),
        ("10.7.0.1/24", "10.7.0.1/24"),
        ("::/0", "::/0"),
        ("fd00::1/64", "fd00::1/64"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_a_plain_scalar_is_what_the_core_schema_of_yaml_1_2_says(text: str, value: Any) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_not_a_number_and_infinity_are_numbers() -> None:
    assert scalar(".nan") != scalar(".nan")
    assert (scalar(".inf"), scalar("-.INF")) == (float("inf"), float("-inf"))


def test_a_number_too_long_to_convert_stays_harmless() -> None:
    assert isinstance(scalar("9" * 5000), (str, float))


@pytest.mark.parametrize("style", ["'{}'", '"{}"', "|-\n  {}", ">-\n  {}"])
@pytest.mark.parametrize("text", ["no", "1", "true", "null", "017"])
def test_whatever_is_quoted_is_text(style: str, text: str) -> None:
    assert parse(f"name: {style.format(text)}\n", "f") == {"name": text}


def test_collections_are_lists_and_dicts() -> None:
    assert parse("a: [1, {b: c}]\nd:\n- e: f\n  g:\n", "f") == {"a": [1, {"b": "c"}], "d": [{"e": "f", "g": None}]}


@pytest.mark.parametrize("number", ["017", "-007", "00", "0123456789"])
def test_a_number_with_two_readings_is_refused(number: str) -> None:
    assert faults(f"a: 1\nname: {number}\n") == [
        f"wg0.yaml:2: {number} is a different number to different readers of YAML; "
        "drop the leading zero, or quote it when it is text"
    ]


@pytest.mark.parametrize(
    ("text", "line", "address"),
    [
        ("allowed_ips: [0.0.0.0/0, ::/0]", 1, "::/0"),
        ("allowed_ips: [::/0]", 1, "::/0"),
        ("a: b\nallowed_ips:\n  [ 10.0.0.0/8,\n    ::1/128 ]", 4, "::1/128"),
        ("allowed_ips: [fd00::1, ::/0, fd00::2]", 1, "::/0"),
        ("client: {address: ::1}", 1, "::1"),
        ("address: fd00::", 1, "fd00::"),
        ("address: ::", 1, "::"),
        ("endpoint: [2001:db8::1]:51820", 1, "[2001:db8::1]:51820"),
    ],
)
def test_an_unquoted_address_that_is_no_yaml_is_answered_with_quote_it(text: str, line: int, address: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(f"wg0.yaml:{line}: {address} is not quoted")
    assert fault.endswith(f"quote it: '{address}'")


@pytest.mark.parametrize(
    "text", ["address:\n- 10.0.0.1\n- fd00::\n", "a: 1\n\nb:\n  ::: x\n", "a:\nb: [\n{fd00:::\n}]"]
)
def test_an_address_that_yaml_reads_as_a_key_is_answered_with_quote_it(text: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith("wg0.yaml:3: ") or fault.startswith("wg0.yaml:4: ")
    assert "quote it" in fault


@pytest.mark.parametrize("text", ["a: ::/0", "a:\n- ::/0", "a: 0.0.0.0/0, ::/0", "a: [fd00::1/64, fd00::/64]"])
def test_an_unquoted_address_that_yaml_reads_right_is_taken(text: str) -> None:
    assert "::" in str(parse(text, "f")["a"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3", "wg0.yaml:3: a: the key stands twice in one mapping; keep one of the two"),
        ("a:\n  b: 1\n  'b': 1", "wg0.yaml:3: b: the key stands twice in one mapping; keep one of the two"),
        ("1: a", "wg0.yaml:1: a key is not text; quote it"),
        ("a: 1\ntrue: a", "wg0.yaml:2: a key is not text; quote it"),
        ("? [a]\n: b", "wg0.yaml:1: a key is not text; quote it"),
        ("a: &x 1\nb: 2", "wg0.yaml:1: anchors and aliases have no meaning here; write it out"),
        ("a: 1\nb: *x", "wg0.yaml:2: anchors and aliases have no meaning here; write it out"),
        ("a: !!int 1", "wg0.yaml:1: a tag has no meaning here; remove the `!…` before the value"),
        ("a: 1\nb: !set [1]", "wg0.yaml:2: a tag has no meaning here; remove the `!…` before the value"),
        ("a: 1\n---\nb: 2", "wg0.yaml:2: a second document begins; keep one document in a file"),
        ("- a", "wg0.yaml: the document is not a mapping; write fields as `name: value`"),
        ("# nothing\n", "wg0.yaml: the document is empty; write fields as `name: value`"),
        ("a:\n\tb: 1", "wg0.yaml:2: a tab indents the line; indent with spaces"),
        ("a: 1\nb: \x07", "wg0.yaml:2: a character that YAML does not allow; remove or escape it"),
    ],
)
def test_what_has_no_or_two_meanings_is_refused_with_its_line(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_all_that_is_refused_is_told_at_once() -> None:
    assert len(faults("a: 017\nb: !x 1\na: 2\n3: 4\n")) == 4


def test_an_ampersand_or_a_star_in_text_is_no_reference() -> None:
    assert parse("a: x && y\nb: '*' # & *\nc: |\n  * &z\n", "f") == {"a": "x && y", "b": "*", "c": "* &z\n"}


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 50_000,
        "- " * 50_000,
        "? " * 50_000,
        "{a: " * 50_000,
        "a: " + '[{"]":' * 50_000,
        "".join(" " * depth + "a:\n" for depth in range(1000)),
        "".join("-\n" + " " * depth for depth in range(1, 1000)),
    ],
    ids=range(7),
)
def test_nesting_that_would_exhaust_the_stack_is_refused(text: str) -> None:
    """In a process of its own, because the composer in C ends the whole process."""
    program = (
        "import sys\nfrom wgreconcile.desired.documents import parse\n"
        "from wgreconcile.errors import StateError\n"
        "try: parse(sys.stdin.read(), 'f')\nexcept StateError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True)
    assert "the document is nested too deep" in done.stdout


def test_many_flat_lists_are_not_nested() -> None:
    peers = "".join(f"- {{allowed_ips: [10.0.{each}.0/24, '::/0']}}\n" for each in range(100))
    assert len(parse(f"peers:\n{peers}", "f")["peers"]) == 100


@pytest.mark.parametrize(
    "text",
    [
        f"private_key: {SECRET}: x",
        f"private_key: '{SECRET}",
        f'private_key: "{SECRET}',
        f"private_key: [{SECRET}",
        f"private_key: {{{SECRET}",
        f"private_key: !{SECRET} x",
        f"private_key: &{SECRET} x",
        f"private_key: *{SECRET}",
        f"{SECRET}: 1\n{SECRET}: 2",
        f"\tprivate_key: {SECRET}",
        f"%{SECRET}\n---\na: b",
        f"private_key: \x07{SECRET}",
    ],
)
def test_no_fault_quotes_a_key(text: str) -> None:
    assert not shows_secret("".join(faults(text)))


def test_a_byte_order_mark_and_windows_line_ends_are_taken() -> None:
    assert parse("\ufeffa: 1\r\nb:\r\n- c\r\n", "f") == {"a": 1, "b": ["c"]}


def test_without_libyaml_the_answers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pure parser behind the same composer: PyYAML is often built without the one in C."""
    bases = (yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer)

    class Pure(*bases):
        def __init__(self, stream: str) -> None:
            for base in bases:
                base.__init__(self, stream) if base is yaml.reader.Reader else base.__init__(self)

    pure = type("PureComposer", (Pure,), dict(vars(syntax._Composer)))
    monkeypatch.setattr(syntax, "_Composer", pure)
    text = "a: [1, 'x', no, {b: 10:20}]\n# c\nd: |\n  e\nf:\n"
    assert parse(text, "f") == {"a": [1, "x", "no", {"b": "10:20"}], "d": "e\n", "f": None}
    assert "quote it" in faults("allowed_ips: [0.0.0.0/0, ::/0]")[0]
    assert "quote it" in faults("allowed_ips: [fd00::, 10.0.0.1]")[0]


@given(st.text())
def test_any_text_is_data_or_a_fault(text: str) -> None:
    try:
        assert isinstance(parse(text, "f"), dict)
    except StateError as error:
        assert error.faults


TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))  # YAML has no surrogate escapes

KEYS = TEXT.filter(lambda text: len(json.dumps(text)) < 1024)
"""YAML takes no longer key without a question mark before it."""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
        max_leaves=10,
    )
)
def test_what_json_can_say_reads_the_same(value: Any) -> None:
    """JSON is YAML: what it writes in quotes, we read back."""
    assert parse(json.dumps({"value": value}), "f") == {"value": value}
