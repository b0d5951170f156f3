from __future__ import annotations

from typing import Any

import pytest

from wgreconcile.desired.places import field_name
from wgreconcile.desired.schema import Kind, check, check_settings, document_schema
from wgreconcile.errors import StateError

from .samples import SECRET, key, shows_secret

KEY_WORDS = "a key (32 bytes in base64: 44 characters that end in '=')"
MARK = "a firewall mark (a number up to 0xffffffff, or off)"
DNS = "['10.7.0.1', 'corp.example.com']"
HOOK = "['iptables -A FORWARD -i %i -j ACCEPT']"
REFERENCE = "{file: wg0.key, generate: true}"
PEER = "{public_key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=, allowed_ips: ['10.7.0.2/32']}"


def problems(kind: Kind, data: dict[str, Any]) -> list[str]:
    return [f"{field_name(each.path)}: {each.problem}; {each.remedy}" for each in check(kind, data)]


def problem(field: str, value: Any) -> str:
    (found,) = problems("interface", {field: value})
    return found


FORMS = "names neither or both of `file` and `env`; write {file: NAME} or {env: VARIABLE}"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("listen_port", "1500x", "'1500x' is not a UDP port from 1 to 65535; write a number such as 51820"),
        ("listen_port", 0, "0 is not a UDP port from 1 to 65535; write a number such as 51820"),
        ("listen_port", 1.5, "1.5 is not a UDP port from 1 to 65535; write a number such as 51820"),
        ("mtu", None, "has no value; remove the field, or write a number such as 1420"),
        ("mtu", 70000, "70000 is not an MTU from 576 to 65535; write a number such as 1420"),
        ("enabled", "no", "'no' is not true or false; write true or false"),
        ("description", 5, "5 is not text; quote it: '5'"),
        ("table", "a", "'a' is not auto, off, main or the number of a routing table; write it like 'auto'"),
        ("fwmark", [], f"a list is not {MARK}; write a number such as 51820"),
        ("fwmark", "0xfffffffff", f"'0xfffffffff' is not {MARK}; write a number such as 51820"),
        ("dns", 1, f"1 is not a list of name servers and search domains; write it like {DNS}"),
        ("post_up", {"a": "b"}, f"a mapping is not a list of commands; write it like {HOOK}"),
        ("tabel", "off", "unknown field; did you mean table?"),
        ("colour", "red", "unknown field; remove it, or begin its name with x-"),
        ("private_key", {}, FORMS),
        ("private_key", {"file": "a", "env": "B"}, FORMS),
        ("private_key", {"generate": True}, FORMS),
        ("private_key", 5, f"is not a key or where it is kept; write it like {REFERENCE}"),
        ("private_key", "abc", f"is not {KEY_WORDS}; write it like {REFERENCE}"),
    ],
)
def test_a_wrong_field_is_answered_in_words_with_an_example(field: str, value: Any, words: str) -> None:
    assert problem(field, value) == f"{field}: {words}"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("dns", [1], "dns[0]: 1 is not text; quote it: '1'"),
        ("private_key", {"fil": "a", "env": "B"}, "private_key.fil: unknown field; did you mean file?"),
        ("peers", [{"name": "a"}], f"peers[0].public_key: is missing; write a public {KEY_WORDS[2:]}"),
        ("peers", [{"public_key": key(1), "name": 12}], "peers[0].name: 12 is not text; quote it: '12'"),
        ("peers", [5], f"peers[0]: 5 is not a peer; write it like {PEER}"),
        (
            "client_defaults",
            {"mtu": -1},
            "client_defaults.mtu: -1 is not an MTU from 0 to 65535; write a number such as 1380",
        ),
    ],
)
def test_a_wrong_field_inside_another_is_named_by_its_path(field: str, value: Any, words: str) -> None:
    assert problem(field, value) == words


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../b", "a/..", ".", "", "a/", "a//b", "./a", "a\nb"])
def test_a_secret_file_is_a_path_below_the_folder(name: str) -> None:
    assert problem("private_key", {"file": name}).startswith("private_key.file: ")


@pytest.mark.parametrize("name", ["wg0.key", "wg0/alice.psk", "a..b", ".hidden", "a b"])
def test_a_secret_file_may_lie_in_a_folder_below(name: str) -> None:
    assert check("interface", {"private_key": {"file": name}}) == []


@pytest.mark.parametrize(
    "value",
    ["off", 0, 25, 65535],
)
def test_a_keepalive_is_a_number_or_off(value: Any) -> None:
    assert check("peer", {"public_key": key(1), "persistent_keepalive": value}) == []


@pytest.mark.parametrize("value", [-1, 65536, "25", "no", True, None])
def test_a_keepalive_is_nothing_else(value: Any) -> None:
    (found,) = check("peer", {"public_key": key(1), "persistent_keepalive": value})
    assert found.path == ("persistent_keepalive",)


@pytest.mark.parametrize("field", ["allowed_ips", "tags"])
@pytest.mark.parametrize("value", [[], ["10.0.0.1"], "10.0.0.1, 10.0.0.2", ""])
def test_a_list_may_be_text_with_commas(field: str, value: Any) -> None:
    assert check("peer", {"public_key": key(1), field: value}) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("table", "off\n"),
        ("fwmark", "0x1\n"),
        ("private_key", {"file": "a\n"}),
        ("private_key", {"env": "A\n"}),
        ("private_key", f"{key(1)}\n"),
    ],
)
def test_a_line_break_at_the_end_is_part_of_the_value(field: str, value: Any) -> None:
    """In Python a `$` would overlook it, and it would end up in a .conf file."""
    assert check("interface", {field: value})


def test_all_problems_are_told_at_once_and_each_once() -> None:
    data = {"mtu": "x", "tabel": 1, "peers": [{"nam": 1}, {"public_key": 1, "allowed_ips": [1, 2]}]}
    assert [each.partition(": ")[0] for each in problems("interface", data)] == [
        "mtu",
        "peers[0].nam",
        "peers[0].public_key",
        "peers[1].allowed_ips[0]",
        "peers[1].allowed_ips[1]",
        "peers[1].public_key",
        "tabel",
    ]


@pytest.mark.parametrize(
    "peer",
    [
        {"preshared_key": SECRET[:-1]},
        {"preshared_key": [SECRET]},
        {"preshared_key": {SECRET: None}},
        {"preshared_key": {"file": f"{SECRET}\n"}},
        {"preshared_key": {"env": SECRET}},
        {"preshared_key": {"file": "a", "generate": SECRET}},
        {"client": {"private_key": f" {SECRET}"}},
        {"client": SECRET},
        {"public_key": SECRET[:-1]},
        {"endpoint": {"a": SECRET}},
        {"expires": SECRET},
        {"persistent_keepalive": SECRET},
        {SECRET: 1},
    ],
)
def test_no_problem_quotes_a_key(peer: dict[str, Any]) -> None:
    found = problems("interface", {"peers": [{"public_key": key(1), **peer}]})
    assert found
    assert not shows_secret(str(found))


def test_settings_with_an_unknown_field_are_refused_with_the_line() -> None:
    with pytest.raises(StateError) as caught:
        check_settings({"state": "a", "confdir": "b"}, "state: a\nconfdir: b\n", "settings.yaml")
    assert str(caught.value) == "settings.yaml:2: confdir: unknown field; did you mean conf_dir?"
    check_settings({"state": "a", "secrets": "b", "conf_dir": "c", "var": "d"}, "", "settings.yaml")


def test_a_resolved_schema_has_no_references() -> None:
    assert "$ref" not in str(document_schema("interface"))
