"""Schedules of a peer, and what a client's settings say by being empty or zero."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.desired.client import client_of, render_client
from wgreconcile.desired.codec import peer_of
from wgreconcile.desired.encode import to_document
from wgreconcile.desired.model import Client, Interface, Peer, Schedule
from wgreconcile.desired.records import peer_from, to_record
from wgreconcile.desired.schema import check

from .samples import Folder, public

MOMENT = datetime(2030, 1, 31, 17, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)

moments = st.datetimes(timezones=st.just(timezone.utc))
amounts = st.decimals(min_value=-1000, max_value=10**9, allow_nan=False, allow_infinity=False)


def schedules() -> st.SearchStrategy[Schedule]:
    comparisons = st.sampled_from(["above", "below", "equal", "unequal"])
    actions = st.sampled_from(["disable", "delete"])
    rest = {
        "comparison": comparisons,
        "action": actions,
        "id": st.sampled_from(["", "a", "11111111-1111-4111-8111-111111111111"]),
        "created": st.none() | moments,
    }
    usage = st.sampled_from(["received", "sent", "total"])
    return st.builds(Schedule, subject=usage, value=amounts, **rest) | st.builds(
        Schedule, subject=st.just("date"), value=moments, **rest
    )


@given(st.lists(schedules(), max_size=3).map(tuple))
def test_schedules_survive_documents_and_the_cache(found: tuple[Schedule, ...]) -> None:
    peer = Peer(public(1), "p", schedules=found)
    document = to_document(peer)
    assert check("peer", json.loads(json.dumps(document))) == []
    again, problems = peer_of(document, "", "")
    assert (again, problems) == (peer, [])
    assert [str(each.value) for each in again.schedules] == [str(each.value) for each in found]
    assert peer_from(json.loads(json.dumps(to_record(peer))), "") == peer


@pytest.mark.parametrize(
    ("text", "said"), [("10", 10), ("-1", -1), ("10.5", 10.5), ("10.50", "10.50"), ("1E+3", "1E+3"), ("0", 0)]
)
def test_a_number_is_written_as_one_when_that_loses_no_digit(text: str, said: Any) -> None:
    schedule = Schedule("total", "above", Decimal(text), "disable")
    assert to_document(Peer(public(1), schedules=(schedule,)))["schedules"][0]["value"] == said


@pytest.mark.parametrize(
    ("comparison", "before", "at", "after"),
    [("above", 0, 1, 1), ("below", 1, 0, 0), ("equal", 0, 1, 1), ("unequal", 1, 0, 1)],
)
def test_a_date_is_due(comparison: Any, before: int, at: int, after: int) -> None:
    schedule = Schedule("date", comparison, MOMENT, "disable")
    due = [schedule.is_due(MOMENT + offset) for offset in (-SECOND, SECOND * 0, SECOND)]
    assert due == [bool(before), bool(at), bool(after)]


def test_a_date_that_had_passed_before_is_never_equal() -> None:
    late = Schedule("date", "equal", MOMENT, "disable", created=MOMENT + SECOND)
    assert not late.is_due(MOMENT + 20 * SECOND)
    assert Schedule("date", "equal", MOMENT, "disable", created=MOMENT).is_due(MOMENT + 10 * SECOND)


def test_a_new_schedule_does_nothing_at_first() -> None:
    fresh = Schedule("date", "above", MOMENT, "delete", created=MOMENT)
    assert not fresh.is_due(MOMENT + 9 * SECOND)
    assert fresh.is_due(MOMENT + 10 * SECOND)


@pytest.mark.parametrize("comparison", ["above", "equal"])
def test_a_date_that_lies_ahead_is_met_at_the_very_second_however_soon(comparison: Any) -> None:
    soon = Schedule("date", comparison, MOMENT, "delete", created=MOMENT - SECOND)
    assert not soon.is_due(MOMENT - SECOND)
    assert soon.is_due(MOMENT)


@pytest.mark.parametrize("comparison", ["below", "unequal"])
def test_a_date_ahead_that_is_not_waited_for_does_nothing_at_first(comparison: Any) -> None:
    fresh = Schedule("date", comparison, MOMENT + 60 * SECOND, "delete", created=MOMENT)
    assert not fresh.is_due(MOMENT + 9 * SECOND)
    assert fresh.is_due(MOMENT + 10 * SECOND)


def test_a_date_takes_the_peer_off_the_interface_and_usage_does_not() -> None:
    date = Schedule("date", "above", MOMENT, "delete")
    usage = Schedule("total", "above", Decimal(-1), "disable")
    peer = Peer(public(1), schedules=(usage, date))
    assert peer.is_active(MOMENT - SECOND)
    assert not peer.is_active(MOMENT)


SAID = "public_key: $KEY1\nschedules:\n  - {subject: total, is: above, value: 10, action: disable}\n"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("total", "all", "wg0/p.yaml:3: schedules[0].subject: 'all' is not one of received, sent, total, date"),
        ("above", "over", "wg0/p.yaml:3: schedules[0].is: 'over' is not one of above, below, equal, unequal"),
        ("disable", "shout", "wg0/p.yaml:3: schedules[0].action: 'shout' is not disable or delete"),
        ("10", "ten", "wg0/p.yaml:3: schedules[0].value: 'ten' is not a number of GiB"),
        ("10", "'NaN'", "wg0/p.yaml:3: schedules[0].value: 'NaN' is not a number of GiB"),
        ("total", "date", "wg0/p.yaml:3: schedules[0].value: 10 is not a moment"),
        ("10", "10, on: now", "wg0/p.yaml:3: schedules[0].on: unknown field"),
        ("10", "10, created: x", "wg0/p.yaml:3: schedules[0].created: 'x' is not a moment"),
        (", value: 10", "", "wg0/p.yaml:3: schedules[0].value: is missing"),
        ("- {", "- 5 # {", "wg0/p.yaml:3: schedules[0]: 5 is not a schedule"),
    ],
)
def test_faults_name_the_part(folder: Folder, old: str, new: str, fault: str) -> None:
    folder.write("wg0.yaml", "address: 10.7.0.1/24\n")
    folder.write("wg0/p.yaml", SAID)
    assert folder.faults() == []
    folder.write("wg0/p.yaml", SAID.replace(old, new))
    (found,) = folder.faults()
    assert found.startswith(fault)


class TestClient:
    DEFAULTS = Interface("wg0", client_defaults=Client(dns=("10.7.0.1",), mtu=1380))

    def test_no_name_server_is_not_the_same_as_nothing_said(self) -> None:
        said = Peer(public(1), client=Client(dns=()))
        assert to_document(said)["client"] == {"dns": []}
        assert peer_of(to_document(said), "", "")[0] == said
        assert peer_from(json.loads(json.dumps(to_record(said))), "") == said
        assert client_of(self.DEFAULTS, said).dns == ()
        assert client_of(self.DEFAULTS, Peer(public(1))).dns == ("10.7.0.1",)

    def test_an_mtu_of_0_is_left_to_the_peer(self) -> None:
        said = Peer(public(1), client=Client(mtu=0))
        assert check("peer", to_document(said)) == []
        client = client_of(self.DEFAULTS, said)
        assert client.mtu == 0
        assert "MTU" not in render_client(client, public(2), None, None)

    @pytest.mark.parametrize("mtu", [65536, -1])
    def test_an_mtu_that_no_interface_can_have_is_refused(self, folder: Folder, mtu: int) -> None:
        folder.write("wg0.yaml", f"client_defaults: {{mtu: {mtu}}}\n")
        (fault,) = folder.faults()
        assert "client_defaults.mtu" in fault
        assert f"{mtu} is not an MTU from 0 to 65535" in fault


@pytest.mark.parametrize(
    ("created", "begins"),
    [
        (None, datetime.min.replace(tzinfo=timezone.utc)),
        (MOMENT, MOMENT + 10 * SECOND),
        (datetime.max.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc)),
    ],
)
def test_it_begins_ten_seconds_after_it_was_made_as_far_as_the_calendar_goes(
    created: datetime | None, begins: datetime
) -> None:
    schedule = Schedule("date", "above", MOMENT, "disable", created=created)
    assert schedule.begins == begins
    assert not Peer(public(1), schedules=(schedule,)).is_active(max(begins, MOMENT))
    assert Peer(public(1), schedules=(schedule,)).is_active(MOMENT - SECOND)
