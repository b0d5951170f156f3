"""Looking again and again: what did not change is the same object."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wgreconcile.errors import DependencyError
from wgreconcile.observed import live
from wgreconcile.observed.dump import DumpQuery
from wgreconcile.observed.live import LiveReader
from wgreconcile.observed.wg import parse_dump
from wgreconcile.values import Address

KEYS = [f"{letter * 42}E=" for letter in "abcd"]


def line(interface: str, number: int, received: int = 0, networks: str = "(none)") -> str:
    return f"{interface}\t{KEYS[number]}\t(none)\t(none)\t{networks}\t0\t{received}\t0\toff\n"


def dump(*lines: str, port: int = 51820) -> str:
    return f"wg1\t{KEYS[3]}\t{KEYS[2]}\t{port}\toff\n" + "".join(lines)


def test_it_reads_as_the_plain_parser_does() -> None:
    text = dump(line("wg1", 2), line("wg1", 0, 5, "10.0.0.1/32,fd00::/64")) + dump(line("wg0", 1)).replace(
        "wg1", "wg0"
    )
    assert LiveReader().parse(text) == tuple(sorted(parse_dump(text), key=lambda each: each.name))
    assert LiveReader().parse("") == ()
    assert LiveReader().parse(dump()) == parse_dump(dump())


def test_an_idle_peer_stays_the_same_object() -> None:
    reader = LiveReader()
    (before,) = reader.parse(dump(line("wg1", 0), line("wg1", 1)))
    (after,) = reader.parse(dump(line("wg1", 1, 7), line("wg1", 0), line("wg1", 2), port=51999))
    assert after == parse_dump(dump(line("wg1", 0), line("wg1", 1, 7), line("wg1", 2), port=51999))[0]
    assert [old is new for old, new in zip(before.peers, after.peers, strict=False)] == [True, False]


def test_peers_of_whom_none_has_moved_are_the_same_in_whatever_order_they_come() -> None:
    reader = LiveReader()
    (before,) = reader.parse(dump(line("wg1", 0), line("wg1", 1)))
    (after,) = reader.parse(dump(line("wg1", 1), line("wg1", 0), port=51999))
    assert after.peers is before.peers
    assert after == replace(before, listen_port=51999)
    (less,) = reader.parse(dump(line("wg1", 1)))
    assert less == parse_dump(dump(line("wg1", 1)))[0]


def test_one_that_comes_back_is_read_again() -> None:
    reader = LiveReader()
    for lines in ([line("wg1", 0)], [], [line("wg1", 0)], [line("wg1", 0, 1)]):
        assert reader.parse(dump(*lines)) == parse_dump(dump(*lines))


def test_the_same_peer_of_two_interfaces_is_two() -> None:
    reader = LiveReader()
    text = dump(line("wg1", 0, 1)) + dump(line("wg0", 0, 2)).replace("wg1", "wg0")
    for _ in range(2):
        wg0, wg1 = reader.parse(text)
        assert (wg0.peers[0].rx_bytes, wg1.peers[0].rx_bytes) == (2, 1)


def test_a_line_of_another_shape_is_an_error() -> None:
    with pytest.raises(DependencyError, match="fields"):
        LiveReader().parse(dump("wg1\tnonsense\n"))


def test_addresses_come_along_and_links_that_went_meanwhile_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    link = {"mtu": 1420, "flags": ["UP"], "addr_info": [{"family": "inet", "local": "10.7.0.1", "prefixlen": 24}]}
    gone = dump().replace("wg1", "wg0")
    monkeypatch.setattr(DumpQuery, "text", dump(line("wg1", 0)) + gone)
    monkeypatch.setattr(DumpQuery, "__init__", lambda query: None)
    monkeypatch.setattr(live, "read_links", lambda: {"wg1": link})
    (found,) = LiveReader().read()
    (plain,) = parse_dump(dump(line("wg1", 0)))
    assert found == replace(plain, address=(Address("10.7.0.1/24"),), mtu=1420, is_up=True)
