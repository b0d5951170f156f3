"""How a status is printed: tables for people, JSON for programs, sizes and ages by their largest unit."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from wgreconcile.cli.status_verb import age, export_status, size, status_lines, table
from wgreconcile.cli.terminal import painter
from wgreconcile.planning.model import Action, Cause, Change, Place
from wgreconcile.planning.status import Found, InterfaceStatus, PeerStatus, State, Status, Unmanaged, Wish
from wgreconcile.values import Address, Endpoint, PublicKey

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
KEY = PublicKey(base64.b64encode(bytes([1] * 32)).decode())
CHANGED = Change("wg0", Place.LIVE, Action.UPDATE, "allowed_ips", (), ("10.7.0.2/32",), Cause.LIVE, peer=KEY)
ANN = PeerStatus(
    *(KEY, "ann", Wish.ON, Found.SAME, Found.DIFFERS),
    *(Endpoint("192.0.2.1:51820"), int(NOW.timestamp()) - 130, 1536, 10, (CHANGED,)),
)
WG0 = InterfaceStatus(
    *("wg0", State.DRIFT, Wish.ON, Found.SAME, Found.SAME, KEY, 51820),
    *((Address("10.7.0.1/24"), Address("fd00::1/64")), (), (ANN,)),
)


def lines(status: Status) -> list[str]:
    return list(status_lines(status, NOW, painter(io.StringIO())))


def test_tables_of_interfaces_and_peers() -> None:
    assert lines(Status((WG0,))) == [
        "INTERFACE  STATE  DESIRED  DISK  LIVE  PORT   PUBLIC KEY"
        "                                    ADDRESSES                PEERS",
        f"wg0        drift  on       same  same  51820  {KEY}  10.7.0.1/24, fd00::1/64  1",
        "",
        "wg0",
        "  PEER  PUBLIC KEY  DESIRED  DISK  LIVE     ENDPOINT         HANDSHAKE  RECEIVED  SENT  DIFFERS IN",
        "  ann   AQEBAQEB…   on       same  differs  192.0.2.1:51820  2 min ago  1.5 KiB   10 B"
        "  allowed_ips (live, changed live)",
    ]


def test_differences_of_the_interface_itself_stand_above_its_peers() -> None:
    changes = (
        Change("wg0", Place.FILE, Action.CREATE, "", None, "wg0.conf", Cause.NEW),
        Change("wg0", Place.LIVE, Action.DELETE, "", "up", "down", Cause.STATE),
        Change("wg0", Place.LIVE, Action.UPDATE, "mtu", 1, 2, Cause.LIVE),
    )
    found = lines(Status((replace(WG0, changes=changes, peers=()),)))
    assert found[-1] == (
        "  differs in missing (file, never applied), surplus (live, changed in state), mtu (live, changed live)"
    )


def test_orphaned_and_unmanaged_are_named() -> None:
    orphan = InterfaceStatus("old", State.NOT_IN_STATE, Wish.ABSENT, Found.ABSENT, Found.DIFFERS)
    unmanaged = (Unmanaged("a", True, False), Unmanaged("b", True, True), Unmanaged("c", False, True))
    found = lines(Status((orphan,), unmanaged))
    assert found[1] == "old        not in state  -        -     differs  -     -           -          0"
    assert found[-3] == "no longer in the state, left as it is (`wgreconcile apply --prune` removes it): old"
    assert found[-1] == "unmanaged, never touched: a (file), b (file and live), c (live)"


def test_empty_state() -> None:
    assert lines(Status()) == ["no interfaces in the state"]


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    coloured = list(status_lines(Status((WG0,)), NOW, painter(Terminal())))
    assert coloured[1].startswith("\033[31;1mwg0 ")
    assert coloured[-1].startswith("\033[33m  ann ")
    for variable, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert "\033" not in "".join(status_lines(Status((WG0,)), NOW, painter(Terminal())))


def test_names_cannot_drive_the_terminal() -> None:
    assert table(("A",), [("x\033[2J\ty",)]) == ["A", "x?[2J?y"]


def test_json_has_it_all() -> None:
    found = json.loads(json.dumps(export_status(Status((WG0,), (Unmanaged("a", True, False),)))))
    (interface,) = found["interfaces"]
    (peer,) = interface.pop("peers")
    assert interface == {
        "name": "wg0",
        "state": "drift",
        "desired": "on",
        "disk": "same",
        "live": "same",
        "public_key": KEY,
        "listen_port": 51820,
        "address": ["10.7.0.1/24", "fd00::1/64"],
        "differences": [],
    }
    assert peer == {
        "name": "ann",
        "public_key": KEY,
        "desired": "on",
        "disk": "same",
        "live": "differs",
        "endpoint": "192.0.2.1:51820",
        "latest_handshake": int(NOW.timestamp()) - 130,
        "rx_bytes": 1536,
        "tx_bytes": 10,
        "differences": [{"field": "allowed_ips", "action": "update", "place": "live", "cause": "changed live"}],
    }
    assert found["unmanaged"] == [{"name": "a", "file": True, "live": False}]
    assert found["version"] == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 * 1024**3, "5.0 GiB"),
        (2000 * 1024**4, "2000.0 TiB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 3.5, "3 d")],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text
