"""Edits: what changes, and above all what does not."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wgreconcile.desired.documents import parse
from wgreconcile.desired.edit import edit
from wgreconcile.desired.emit import after_colon, dump, inline, key_text

from .samples import canonical, key
from .strategies import data, texts_of_yaml

PEER = f"""\
# Alice, sales.
name: 'alice'   # a label
public_key:   {key(1)}

# Her laptop and her phone:
allowed_ips:
  # the laptop
  - 10.7.0.2/32
  - 10.7.0.3/32   # the phone
    # (it is old)
  - "fd00::2/128"
  # the tablet is gone
# until spring
expires: 2030-01-31
client: {{dns: [1.1.1.1, '::1'], mtu: 1380}}  # her own file
description: |
  Two lines
  of text.

tags: laptop, berlin
"""


def changed(text: str, change: Callable[[dict[str, Any]], object]) -> str:
    """``text`` after an edit, which must read as the changed data."""
    new = copy.deepcopy(parse(text, "f"))
    change(new)
    result = edit(text, new)
    assert canonical(parse(result, "f")) == canonical(new)
    return result


def difference(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [each for each in old if each not in new], [each for each in new if each not in old]


def setting(**fields: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.update(fields)


def test_the_same_data_is_the_same_text() -> None:
    assert changed(PEER, lambda document: None) == PEER


@pytest.mark.parametrize(
    ("change", "went", "came"),
    [
        (setting(name="bob"), ["name: 'alice'   # a label"], ["name: 'bob'   # a label"]),
        (setting(name="it's"), ["name: 'alice'   # a label"], ["name: 'it''s'   # a label"]),
        (setting(name="a\nb"), ["name: 'alice'   # a label"], ['name: "a\\nb"   # a label']),
        (setting(expires="2031-01-31"), ["expires: 2030-01-31"], ["expires: '2031-01-31'"]),
        (setting(public_key=key(2)), [f"public_key:   {key(1)}"], [f"public_key:   {key(2)}"]),
        (setting(tags="::/0"), ["tags: laptop, berlin"], ["tags: '::/0'"]),
        (setting(tags=["a", "no"]), ["tags: laptop, berlin"], ["tags:", "  - a", "  - 'no'"]),
        (setting(enabled=False), [], ["enabled: false"]),
        (setting(description="One"), ["description: |", "  Two lines", "  of text."], ["description: One"]),
        (setting(description="A\nB\n"), ["  Two lines", "  of text."], ["  A", "  B"]),
        (lambda document: document["allowed_ips"].append("10.7.0.4/32"), [], ["  - 10.7.0.4/32"]),
        (lambda document: document["allowed_ips"].insert(0, "::/0"), [], ["  - '::/0'"]),
        (
            lambda document: document["allowed_ips"].remove("10.7.0.3/32"),
            ["  - 10.7.0.3/32   # the phone", "    # (it is old)"],
            [],
        ),
        (
            lambda document: document["allowed_ips"].remove("10.7.0.2/32"),
            ["  # the laptop", "  - 10.7.0.2/32"],
            [],
        ),
        (lambda document: document["allowed_ips"].pop(), ['  - "fd00::2/128"'], []),
        (
            lambda document: document["allowed_ips"].__setitem__(1, "10.7.0.9/32"),
            ["  - 10.7.0.3/32   # the phone"],
            ["  - 10.7.0.9/32   # the phone"],
        ),
        (
            lambda document: document["allowed_ips"].__setitem__(2, "fd00::9/128"),
            ['  - "fd00::2/128"'],
            ['  - "fd00::9/128"'],
        ),
        (lambda document: document.pop("expires"), ["# until spring", "expires: 2030-01-31"], []),
        (lambda document: document.pop("tags"), ["tags: laptop, berlin"], []),
        (
            lambda document: document["client"].update(mtu=1400),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1400}  # her own file"],
        ),
        (
            lambda document: document["client"].pop("dns"),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {mtu: 1380}  # her own file"],
        ),
        (
            lambda document: document["client"].pop("mtu"),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {dns: [1.1.1.1, '::1']}  # her own file"],
        ),
        (
            lambda document: document["client"].update(endpoint="vpn:1"),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380, endpoint: 'vpn:1'}  # her own file"],
        ),
        (
            lambda document: document["client"]["dns"].append("no"),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {dns: [1.1.1.1, '::1', 'no'], mtu: 1380}  # her own file"],
        ),
        (
            lambda document: document["client"]["dns"].pop(0),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {dns: ['::1'], mtu: 1380}  # her own file"],
        ),
        (
            lambda document: document["client"]["dns"].clear(),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {dns: [], mtu: 1380}  # her own file"],
        ),
        (
            setting(client={}),
            ["client: {dns: [1.1.1.1, '::1'], mtu: 1380}  # her own file"],
            ["client: {}  # her own file"],
        ),
    ],
    ids=range(27),
)
def test_only_the_lines_of_what_changes_change(
    change: Callable[[dict[str, Any]], object], went: list[str], came: list[str]
) -> None:
    assert difference(PEER, changed(PEER, change)) == (went, came)


def test_an_emptied_list_takes_its_lines_and_no_more() -> None:
    after = changed(PEER, lambda document: document["allowed_ips"].clear())
    assert "# Her laptop and her phone:\nallowed_ips: []\n" in after
    assert "# until spring\nexpires" in after


def test_line_ends_of_windows_stay() -> None:
    before = PEER.replace("\n", "\r\n")
    for change in (
        setting(mtu=1, enabled=False),
        setting(tags=["a", "b"]),
        lambda document: document["allowed_ips"].append("10.7.0.4/32"),
        lambda document: document["allowed_ips"].pop(0),
        setting(description="A\nB\n"),
    ):
        after = changed(before, change)
        assert after.count("\n") == after.count("\r\n")


def test_a_byte_order_mark_stays() -> None:
    assert edit("\ufeffa: 1 # b\n", {"a": 2}) == "\ufeffa: 2 # b\n"


def test_characters_outside_of_ascii_do_not_shift_an_edit() -> None:
    assert edit("# 🦊 é\na: '🦊' # ü\nb: 1\n", {"a": "🦊", "b": 2}) == "# 🦊 é\na: '🦊' # ü\nb: 2\n"


@pytest.mark.parametrize(
    ("before", "data", "after"),
    [
        ("a: 1", {"a": 1, "b": 2}, "a: 1\nb: 2"),
        ("a: 1 # c", {"a": 1, "b": [1]}, "a: 1 # c\nb:\n  - 1"),
        ("a:\nb: 1\n", {"a": 5, "b": 1}, "a: 5\nb: 1\n"),
        ("a: # c\nb: 1\n", {"a": 5, "b": 1}, "a: 5 # c\nb: 1\n"),
        ("a: # c\nb: 1\n", {"a": [5], "b": 1}, "a:\n  - 5 # c\nb: 1\n"),
        ("a: # c\n  - 1\n", {"a": 5}, "a: 5 # c\n"),
        ("a: # c\n  - 1\n  # d\n", {"a": {"b": 1}}, "a: # c\n  b: 1\n  # d\n"),
        ("a: # c\n  b: 1\n", {"a": []}, "a: [] # c\n"),
        ("a:\n- 1\n- 2\n", {"a": [1, 2, 3]}, "a:\n- 1\n- 2\n- 3\n"),
        ("a:\n-   b: 1\n    c: 2\n", {"a": [{"b": 1, "c": 2}, {"d": 3, "e": 4}]},
         "a:\n-   b: 1\n    c: 2\n-   d: 3\n    e: 4\n"),
        ("a:\n- b: 1\n  c: 2\n", {"a": [{"c": 2}]}, "a:\n- c: 2\n"),
        ("a:\n- b: 1 # b\n  c: 2 # c\n  d: 3\n", {"a": [{"b": 1, "d": 3}]}, "a:\n- b: 1 # b\n  d: 3\n"),
        ("a:\n- b: 1\n  # about c\n  c: 2\n", {"a": [{"c": 2}]}, "a:\n- c: 2\n"),
        ("a:\n-\n  b: 1\n  c: 2\n", {"a": [{"c": 2}]}, "a:\n-\n  c: 2\n"),
        ("a:\n- # one\n  b: 1\n- c: 2\n", {"a": [{"c": 2}]}, "a:\n- c: 2\n"),
        ("a:\n- - 1\n  - 2\n", {"a": [[2]]}, "a:\n- - 2\n"),
        ("a:\n- 1\n-\n- 2\n", {"a": [1, 5, 2]}, "a:\n- 1\n- 5\n- 2\n"),
        ("a: >-\n  folded\n  text\n# c\nb: 1\n", {"a": "x", "b": 1}, "a: x\n# c\nb: 1\n"),
        ("a: plain\n  text\nb: 1\n", {"a": "x", "b": 1}, "a: x\nb: 1\n"),
        ("a: 1 # c\n", {"a": "x\ny\n"}, 'a: "x\\ny\\n" # c\n'),
        ("a: 1\n", {"a": "x\ny\n"}, "a: |\n  x\n  y\n"),
        ("? a\n: 1\n", {"a": 2}, "a: 2\n"),
        ("? a\n: 1\n", {"a": 1, "b": 2}, "a: 1\nb: 2\n"),
        ("{a: 1}\n", {"a": 1, "b": 2}, "{a: 1, b: 2}\n"),
        ("# c\n{}\n", {"b": 2}, "# c\nb: 2\n"),
        ("# c\n---\na: 1\n", {"b": 2}, "# c\n---\nb: 2\n"),
        ("{a, b: 1}\n", {"a": 2, "b": 1}, "a: 2\nb: 1\n"),
        ("a: [1, 2]\n", {"a": [2]}, "a: [2]\n"),
        ("a: [1, 2]\n", {"a": [0, 1, 2]}, "a: [0, 1, 2]\n"),
        ("a: [1, {b: 2}]\n", {"a": [1, {"b": "::/0"}]}, "a: [1, {b: '::/0'}]\n"),
        ("a: [b: 1]\n", {"a": [{"b": 2}]}, "a: [{b: 2}]\n"),
        ("a: [1, 2]\n", {"a": []}, "a: []\n"),
        ("a: []\n", {"a": ["x"]}, "a:\n  - x\n"),
        ("a: [1,\n  2, # two\n  3]\n", {"a": [1, 2]}, "a: [1, 2]\n"),
        ("a: [\n  1, # one\n  2, # two\n  3 # three\n]\n", {"a": [1, 2]}, "a: [\n  1, # one\n  2, # two\n]\n"),
        ("a: [\n  1, # one\n  2  # two\n]\n", {"a": [1, 2, 3]}, "a: [\n  1, # one\n  2,  # two\n  3\n]\n"),
        ("a: [\n  1, # one\n]\n", {"a": [1, 2]}, "a: [\n  1, # one\n  2,\n]\n"),
        ("a: [\n  # one\n  1,\n  2,\n]\n", {"a": [2]}, "a: [\n  2,\n]\n"),
        ("a: [\n  # one\n  1,\n]\n", {"a": [0, 1]}, "a: [\n  0,\n  # one\n  1,\n]\n"),
        ("not: [yaml", {"a": 1}, "a: 1\n"),
        ("", {"a": 1}, "a: 1\n"),
        ("a: true\n", {"a": 1}, "a: 1\n"),
        ("a: 1\n", {"a": 1.0}, "a: 1.0\n"),
    ],
    ids=range(43),
)  # fmt: skip
def test_a_layout_is_kept_or_written_anew_as_little_as_can_be(
    before: str, data: dict[str, Any], after: str
) -> None:
    assert edit(before, data) == after
    assert canonical(parse(after, "f")) == canonical(data)


INTERFACE = f"""\
listen_port: 51820

# Everyone in Berlin.
peers:
  # Alice
  - name: alice
    public_key: {key(1)}
    allowed_ips: [10.7.0.2]   # static

  # Bob; do not remove
  - name: bob
    public_key: {key(2)}
    # see ticket 5

  - name: carol   # no comment above
    public_key: {key(3)}

mtu: 1420
"""


class TestPeers:
    """Peers that an interface lists: told apart by their public keys."""

    def test_a_peer_that_goes_takes_its_own_comments_and_gap(self) -> None:
        after = changed(INTERFACE, lambda document: document["peers"].pop(1))
        assert after == INTERFACE.replace(
            f"  # Bob; do not remove\n  - name: bob\n    public_key: {key(2)}\n    # see ticket 5\n\n", ""
        )

    def test_the_first_and_the_last_leave_the_others_alone(self) -> None:
        after = changed(INTERFACE, lambda document: document["peers"].pop(0))
        assert "peers:\n\n  # Bob; do not remove\n" in after
        after = changed(INTERFACE, lambda document: document["peers"].pop(2))
        assert after.endswith("    # see ticket 5\n\nmtu: 1420\n")

    def test_a_peer_that_comes_is_written_below(self) -> None:
        after = changed(
            INTERFACE, lambda document: document["peers"].append({"public_key": key(4), "tags": ["a"]})
        )
        assert after == INTERFACE.replace(
            f"    public_key: {key(3)}\n",
            f"    public_key: {key(3)}\n  - public_key: {key(4)}\n    tags:\n      - a\n",
        )

    def test_one_changes_while_another_comes_and_a_third_goes(self) -> None:
        def change(document: dict[str, Any]) -> None:
            document["peers"][1]["enabled"] = False
            del document["peers"][2]
            document["peers"].insert(0, {"public_key": key(4)})

        went, came = difference(INTERFACE, changed(INTERFACE, change))
        assert went == ["  - name: carol   # no comment above", f"    public_key: {key(3)}"]
        assert came == [f"  - public_key: {key(4)}", "    enabled: false"]

    def test_a_peer_that_moves_keeps_what_it_says(self) -> None:
        changed(INTERFACE, lambda document: document["peers"].reverse())

    def test_a_peer_with_a_new_key_is_another_peer(self) -> None:
        after = changed(INTERFACE, lambda document: document["peers"].__setitem__(0, {"public_key": key(9)}))
        assert "# Alice" not in after
        assert "# Bob" in after

    def test_the_last_peer_leaves_an_empty_list(self) -> None:
        assert "peers: []\n" in changed(INTERFACE, lambda document: document["peers"].clear())


@given(data, data)
@settings(max_examples=100)
def test_whatever_was_written_reads_as_the_new_data(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert canonical(parse(edit(dump(before), after), "f")) == canonical(after)


FIELDS = ["name", "tags", "mtu", "x-a", "dns"]
values = st.integers(0, 9) | texts_of_yaml | st.lists(st.integers(0, 9) | texts_of_yaml, max_size=4)
documents = st.dictionaries(st.sampled_from(FIELDS), values | st.dictionaries(st.sampled_from(FIELDS), values))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """A document and a text of it, with comments, blank lines, blocks and brackets as people mix them."""
    document = draw(documents.filter(bool))
    numbers = iter(range(1000))

    def noise(indent: int) -> str:
        return draw(st.sampled_from(["", "", "\n", f"{' ' * indent}# c{next(numbers)}.\n"]))

    def tail() -> str:
        return draw(st.sampled_from(["", "", f"  # c{next(numbers)}."]))

    def written(value: Any, indent: int) -> str:
        if value and isinstance(value, (dict, list)) and draw(st.booleans()):
            lines = []
            for each in value:
                lines.append(noise(indent + 2))
                item = (
                    f"{key_text(each)}:{written(value[each], indent + 2)}"
                    if isinstance(value, dict)
                    else f"- {inline(each)}"
                )
                lines.append(f"{' ' * (indent + 2)}{item}" + ("" if "\n" in item else tail()) + "\n")
            return f"{tail()}\n{''.join(lines)}".removesuffix("\n")
        if draw(st.booleans()):
            return f" {inline(value)}"
        return after_colon(value, indent)

    text = noise(0)
    for name, value in document.items():
        field = f"{name}:{written(value, 0)}"
        text += field + ("" if "\n" in field else tail()) + "\n" + noise(0)
    return document, text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(layouts(), documents)
@settings(max_examples=100)
def test_any_layout_can_be_edited(layout: tuple[dict[str, Any], str], new: dict[str, Any]) -> None:
    before, text = layout
    assert canonical(parse(text, "f")) == canonical(before)
    assert canonical(parse(edit(text, new), "f")) == canonical(new)


@given(layouts(), st.sampled_from(FIELDS), values)
@settings(max_examples=100)
def test_no_field_loses_its_comments_to_the_change_of_another(
    layout: tuple[dict[str, Any], str], name: str, value: Any
) -> None:
    before, text = layout
    after = edit(text, {**before, name: value})
    for other in before.keys() - {name}:
        assert comments_of(text, other) == comments_of(after, other)


@given(layouts())
@settings(max_examples=100)
def test_what_is_set_and_set_back_is_as_before(layout: tuple[dict[str, Any], str]) -> None:
    before, text = layout
    text = text if text.endswith("\n") else text + "\n"
    added = edit(text, {**before, "added": 1})
    assert edit(added, before) == text


def comments_of(text: str, field: str) -> list[str]:
    """The comments in the lines of a field of the document, from its name to the line before the next one."""
    lines = re.split(r"\r?\n", text)
    starts = [index for index, line in enumerate(lines) if re.match(r"[a-z'\"]", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if lines[start].startswith(f"{field}:"):
            own = [line for line in lines[start:end] if not line.startswith("#")]
            return re.findall(r"# c\d+\.", "\n".join(own))
    return []
