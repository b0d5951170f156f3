from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.desired import fields
from wgreconcile.desired.fields import Wrong
from wgreconcile.desired.model import SecretEnv, SecretFile
from wgreconcile.values import SecretKey

from .samples import SECRET, key, shows_secret

UTC = timezone.utc


@pytest.mark.parametrize(
    ("parse", "value", "parsed"),
    [
        (fields.network, "10.0.0.5/24", "10.0.0.0/24"),
        (fields.network, "10.0.0.5", "10.0.0.5/32"),
        (fields.network, "FD00:0::1", "fd00::1/128"),
        (fields.address, "10.0.0.5/24", "10.0.0.5/24"),
        (fields.address, "fd00::0:1", "fd00::1/128"),
        (fields.endpoint, "vpn.example.com:51820", "vpn.example.com:51820"),
        (fields.endpoint, "[2001:DB8::1]:051820", "[2001:db8::1]:51820"),
        (fields.name_server, "2001:DB8::53", "2001:db8::53"),
        (fields.name_server, "corp.example.com", "corp.example.com"),
        (fields.mark, "off", 0),
        (fields.mark, "0xca6c", 51820),
        (fields.mark, "51820", 51820),
        (fields.mark, 51820, 51820),
        (fields.seconds, "off", 0),
        (fields.seconds, 25, 25),
        (fields.command, "  iptables -A FORWARD, -i %i ", "iptables -A FORWARD, -i %i"),
        (fields.text, "two\nlines", "two\nlines"),
        (fields.label, "Ålice's läptop", "Ålice's läptop"),
        (fields.secret, {"env": "KEY"}, SecretEnv("KEY")),
        (fields.secret, {"file": "a", "generate": True}, SecretFile("a", generate=True)),
        (fields.secret, SECRET, SecretKey(SECRET)),
        (fields.client_secret, {"file": "a", "generate": False}, SecretFile("a")),
    ],
)
def test_a_field_has_one_spelling_afterwards(parse: Callable[[Any], Any], value: Any, parsed: Any) -> None:
    assert parse(value) == parsed


@pytest.mark.parametrize(
    ("parse", "value", "problem"),
    [
        (fields.network, "10.0.0.300", "'10.0.0.300' is not an IPv4 or IPv6 network"),
        (fields.network, "10.0.0.0/33", "'10.0.0.0/33' is not an IPv4 or IPv6 network"),
        (fields.network, "fe80::1%eth0", "'fe80::1%eth0' is not an IPv4 or IPv6 network"),
        (fields.network, "10.0.0.1; rm -rf /", "'10.0.0.1; rm -rf /' is not an IPv4 or IPv6 network"),
        (fields.address, "vpn.example.com", "'vpn.example.com' is not an IPv4 or IPv6 address"),
        (fields.endpoint, "vpn.example.com", "'vpn.example.com' is not an endpoint"),
        (fields.endpoint, "2001:db8::1:51820", "'2001:db8::1:51820' is not an endpoint"),
        (fields.endpoint, "a b:1", "'a b:1' is not an endpoint"),
        (fields.endpoint, "vpn:0", "'vpn:0' is not an endpoint"),
        (fields.endpoint, "vpn:1\n", "'vpn:1?' is not an endpoint"),
        (fields.name_server, "10.0.0.300", "'10.0.0.300' is neither an address nor a search domain"),
        (fields.name_server, "a b", "'a b' is neither an address nor a search domain"),
        (fields.name_server, "", "'' is neither an address nor a search domain"),
        (fields.public_key, "abc", "'abc' is not a public key"),
        (fields.command, " ", "is an empty command"),
        (fields.command, "a\nb", "is a command of several lines, and a .conf file has one"),
        (fields.command, "a\rb", "has a control character, which a .conf file cannot hold"),
        (
            fields.command,
            "echo '#'",
            "has a '#', where older versions of wg-quick end the line even within quotes",
        ),
        (fields.label, "a\nPostUp = x", "is blank or has a control character"),
        (fields.label, " ", "is blank or has a control character"),
        (fields.text, "a\x1b[31m", "has a control character"),
        (fields.moment, "2030-02-30", "'2030-02-30' is not a moment of the calendar"),
        (fields.moment, "2030-01-01T25:00", "'2030-01-01T25:00' is not a moment of the calendar"),
        (fields.moment, "0001-01-01T00:00+14:00", "'0001-01-01T00:00+14:00' is not a moment of the calendar"),
        (fields.client_secret, {"file": "a", "generate": True}, "cannot be generated: the public key is given"),
    ],
)
def test_a_wrong_field_says_what_is_wrong(parse: Callable[[Any], Any], value: Any, problem: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse(value)
    assert caught.value.problem == problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
        ("2030-01-31T18:00", datetime(2030, 1, 31, 18, tzinfo=UTC)),
        ("2030-01-31 18:00:01", datetime(2030, 1, 31, 18, 0, 1, tzinfo=UTC)),
        ("2030-01-31T18:00:00Z", datetime(2030, 1, 31, 18, tzinfo=UTC)),
        ("2030-01-31t18:00:00z", datetime(2030, 1, 31, 18, tzinfo=UTC)),
        ("2030-01-31T18:00:00+01:00", datetime(2030, 1, 31, 17, tzinfo=UTC)),
        ("2030-01-31 18:00:00 -01:30", datetime(2030, 1, 31, 19, 30, tzinfo=UTC)),
        ("2030-01-31T18:00:00.5", datetime(2030, 1, 31, 18, 0, 0, 500000, tzinfo=UTC)),
        ("2030-01-31T18:00:00.123456789Z", datetime(2030, 1, 31, 18, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_moment_is_utc_unless_it_says_otherwise(text: str, moment: datetime) -> None:
    assert fields.moment(text) == moment
    assert fields.moment(text).utcoffset() == timedelta(0)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_being_written(moment: datetime) -> None:
    assert fields.moment(moment.isoformat()) == moment


@pytest.mark.parametrize("value", [SECRET[:-1], SECRET + "=", f" {SECRET}", f"{SECRET}\n", SECRET[:-2] + "F=", ""])
def test_a_malformed_key_is_refused_without_being_quoted(value: str) -> None:
    with pytest.raises(Wrong) as caught:
        fields.secret(value)
    assert not shows_secret(f"{caught.value} {caught.value.problem} {caught.value.remedy}")
    with pytest.raises(Wrong) as caught:
        fields.public_key(value)
    assert not shows_secret(caught.value.problem)


def test_a_key_is_not_shown() -> None:
    assert not shows_secret(repr(fields.secret(SECRET)))
    assert fields.public_key(key(1)) == key(1)


@given(st.text())
def test_a_command_that_is_taken_is_one_line_that_wg_quick_reads_whole(text: str) -> None:
    try:
        command = fields.command(text)
    except Wrong:
        return
    assert command == command.strip() != ""
    assert len(command.splitlines()) == 1
    assert "#" not in command
