"""Dates of clients: what is taken is shown again, wherever the server stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.wgdashboard.dates import date_text, moment_text, parse_moment

from .host import Owner, key

ENDS = ("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00")
"""Moments that local time has no date for, east or west of Greenwich."""


@pytest.fixture(autouse=True, params=["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("text", ENDS)
def test_ends_of_the_calendar_have_a_text(text: str) -> None:
    moment = datetime.fromisoformat(text)
    assert len(moment_text(moment)) == len("2030-01-31 18:00:00")
    assert len(date_text(int(moment.timestamp()))) == len("2030-01-31 18:00:00")


def test_any_other_moment_is_shown_as_local_time() -> None:
    moment = datetime(2030, 1, 31, 18, tzinfo=timezone.utc)
    assert moment_text(moment) == date_text(moment.timestamp()) == f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2030-01-31T18:00Z", 18),
        ("2030-01-31T18:00:00.000Z", 18),
        ("2030-01-31 18:00:00+02:00", 16),
        ("2030-01-31T18:00:00.123456-01:00", 19),
    ],
)
def test_moments_that_name_their_zone(text: str, hour: int) -> None:
    assert parse_moment("Value", text).replace(microsecond=0) == datetime(2030, 1, 31, hour, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["2030-01-31", "2030-01-31T00:00", "2030-01-31 00:00:00"])
def test_moments_are_local(text: str) -> None:
    assert moment_text(parse_moment("Value", text)) == "2030-01-31 00:00:00"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1764072000000",
            "1764072000",
            "17640720",
            "20300131T180000",
            "2030-W05-4",
            "2030-01-31x18:00",
            "1" * 40,
        ),
        *(
            "2030-01-31T18",
            "2030-02-30",
            "2030-01-31 24:00:00",
            "2030-01-31 18:00:00+25:00",
            "\u0662030-01-31",
            "",
        ),
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"Value: .* is not a date such as 2030-01-31 18:00:00"):
        parse_moment("Value", text)


@pytest.mark.parametrize("text", ENDS)
def test_no_date_of_a_client_keeps_others_from_seeing_the_interface(keeper: Owner, text: str) -> None:
    keeper.write("wg0.yaml", "peers: [{public_key: $KEY1}]\n")
    job: dict[str, Any] = {"Configuration": "wg0", "Peer": key(1), "CreationDate": ""}
    job |= {"Field": "date", "Operator": "eq", "Value": text, "Action": "restrict"}
    for path, body in {
        "savePeerScheduleJob": {"Job": job},
        "sharePeer/create": {"Configuration": "wg0", "Peer": key(1), "ExpireDate": text},
    }.items():
        assert keeper.post(path, body)["message"] is None, path
        assert keeper.get("getWireguardConfigurationInfo", configurationName="wg0")["status"], path
    assert keeper.get("getPeerScheduleJobLogs/wg0")["status"]
