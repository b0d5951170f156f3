"""Scheduled jobs: saved, deleted, told (API.md 6.4)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from wgreconcile.api.settings.settings import DashboardSettings

from .dashboard import ELSEWHERE, OK, Caller, answer, refused
from .host import Owner, key

JOB = {
    "JobID": "11111111-1111-4111-8111-111111111111",
    "Configuration": "wg0",
    "Peer": key(1),
    "Field": "total_data",
    "Operator": "lgt",
    "Value": "10",
    "CreationDate": "",
    "ExpireDate": "",
    "Action": "restrict",
}
OTHER = "22222222-2222-4222-8222-222222222222"


@pytest.fixture(autouse=True)
def state(keeper: Owner) -> None:
    peers = "[{public_key: $KEY1}, {public_key: $KEY2}, {public_key: $KEY3, enabled: false}]"
    keeper.write("wg0.yaml", f"listen_port: 51820\npeers: {peers}\n")


def save(keeper: Owner, **more: Any) -> Any:
    return keeper.post("savePeerScheduleJob/", {"Job": {**JOB, **more}})


def delete(keeper: Owner, **more: Any) -> Any:
    return keeper.post("deletePeerScheduleJob/", {"Job": {**JOB, "CreationDate": "x", **more}})


def log(keeper: Owner) -> list[str]:
    return [each["Message"] for each in keeper.get("getPeerScheduleJobLogs/wg0")["data"]]


def utc(keeper: Owner) -> str:
    return datetime.fromtimestamp(keeper.clock.now, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


class TestSave:
    def test_new(self, keeper: Owner) -> None:
        expected = {**JOB, "CreationDate": utc(keeper), "ExpireDate": None}
        assert save(keeper) == answer(data=[expected], ok=True)
        assert keeper.peer(key(1))["jobs"] == [expected]
        assert keeper.peer(key(2))["jobs"] == []
        created = datetime.fromtimestamp(keeper.clock.now, timezone.utc).isoformat()
        assert keeper.document("wg0.yaml")["peers"][0]["schedules"] == [
            {
                "id": JOB["JobID"],
                "subject": "total",
                "is": "above",
                "value": 10,
                "action": "disable",
                "created": created,
            }
        ]
        assert log(keeper) == ["Job is created if total_data lgt 10 then restrict"]

    @pytest.mark.parametrize("field", ["total_receive", "total_sent", "total_data"])
    @pytest.mark.parametrize("operator", ["eq", "neq", "lgt", "lst"])
    @pytest.mark.parametrize("action", ["restrict", "delete"])
    def test_all_conditions(self, keeper: Owner, field: str, operator: str, action: str) -> None:
        more = {"Field": field, "Operator": operator, "Value": "10.50", "Action": action}
        (found,) = save(keeper, **more)["data"]
        assert found.items() >= more.items()

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("2099-01-01 00:00:00", "2099-01-01 00:00:00"),
            ("2099-01-01T08:30", "2099-01-01 08:30:00"),
            ("2020-01-01", "2020-01-01 00:00:00"),
        ],
    )
    def test_dates(self, keeper: Owner, value: str, shown: str) -> None:
        assert save(keeper, Field="date", Value=value)["data"][0]["Value"] == shown

    @pytest.mark.parametrize(
        ("value", "shown"), [("-1", "-1"), (10, "10"), (0.5, "0.5"), ("0", "0"), ("007", "7")]
    )
    def test_numbers(self, keeper: Owner, value: Any, shown: str) -> None:
        assert save(keeper, Value=value)["data"][0]["Value"] == shown

    def test_change(self, keeper: Owner) -> None:
        created = save(keeper)["data"][0]["CreationDate"]
        keeper.clock.now += 60
        found = save(keeper, Value="20", Action="delete", CreationDate="2024-01-01 00:00:00")
        expected = {"Value": "20", "Action": "delete", "CreationDate": created}
        assert found["data"][0].items() >= expected.items()
        assert keeper.peer(key(1))["jobs"] == found["data"]
        message = "Job is updated from if total_data lgt 10 then restrict; to if total_data lgt 20 then delete"
        assert log(keeper)[0] == message

    def test_change_of_none(self, keeper: Owner) -> None:
        assert save(keeper, CreationDate="2024-01-01 00:00:00") == answer(data=[], ok=True)
        assert (keeper.peer(key(1))["jobs"], log(keeper)) == ([], [])

    @pytest.mark.parametrize("peer", [key(1), key(2)])
    def test_an_id_is_used_once(self, keeper: Owner, peer: str) -> None:
        save(keeper)
        assert save(keeper, Peer=peer) == refused("UNIQUE constraint failed: PeerJobs.JobID")

    def test_who_does_not_say_new_or_old_is_told_by_the_id(
        self, keeper: Owner, settings: DashboardSettings
    ) -> None:
        assert save(keeper, CreationDate=None)["data"][0]["Value"] == "10"
        assert save(keeper, CreationDate=None, Value="11")["data"][0]["Value"] == "11"
        settings.set("compat", "v4.2")
        assert save(keeper, Value="12")["data"][0]["Value"] == "12"
        assert len(keeper.peer(key(1))["jobs"]) == 1

    def test_an_id_is_made(self, keeper: Owner) -> None:
        (found,) = save(keeper, JobID="")["data"]
        assert len(found["JobID"]) == 36
        assert save(keeper, JobID="", CreationDate="x") == refused("JobID: is missing")

    def test_what_somebody_wrote_by_hand_can_be_changed(self, keeper: Owner) -> None:
        schedule = "{subject: received, is: below, value: 5, action: delete}"
        keeper.write("wg0.yaml", f"peers: [{{public_key: $KEY1, schedules: [{schedule}]}}]\n")
        (found,) = keeper.peer(key(1))["jobs"]
        expected = {"Field": "total_receive", "Operator": "lst", "Value": "5", "Action": "delete"}
        assert found.items() >= {**expected, "ExpireDate": None}.items()
        assert found["CreationDate"]
        (changed,) = keeper.post("savePeerScheduleJob/", {"Job": {**found, "Value": "6"}})["data"]
        assert changed == {**found, "Value": "6"}

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "Please specify job"),
            ({"Job": {}}, "Please specify peer and configuration"),
            ({"Job": {"Peer": key(1)}}, "Please specify peer and configuration"),
            ({"Job": {"Peer": key(1), "Configuration": ""}}, "Please specify peer and configuration"),
            ({"Job": {"Peer": key(1), "Configuration": "wg0"}}, "Field: is missing"),
            ({"Job": {**JOB, "Configuration": "nope"}}, "Configuration does not exist"),
            ({"Job": {**JOB, "Peer": "nope"}}, "Peer does not exist in this configuration"),
            ({"Job": {**JOB, "Peer": key(3)}}, "Peer does not exist in this configuration"),
            (
                {"Job": {**JOB, "Field": "nofield"}},
                "Field: 'nofield' is not one of total_receive, total_sent, total_data, date",
            ),
            ({"Job": {**JOB, "Operator": "noop"}}, "Operator: 'noop' is not one of lgt, lst, eq, neq"),
            ({"Job": {**JOB, "Action": "noaction"}}, "Action: 'noaction' is not one of restrict, delete"),
            ({"Job": {**JOB, "Value": "novalue"}}, "Value: 'novalue' is not a number of GiB"),
            ({"Job": {**JOB, "Value": "nan"}}, "Value: 'nan' is not a number of GiB"),
            ({"Job": {**JOB, "Value": "1e99"}}, "Value: '1e99' is not a number of GiB"),
            ({"Job": {**JOB, "Value": ""}}, "Value: is missing"),
            (
                {"Job": {**JOB, "Field": "date", "Value": "soon"}},
                "Value: 'soon' is not a date such as 2030-01-31 18:00:00",
            ),
            ({"Job": {**JOB, "Field": "date"}}, "Value: '10' is not a date such as 2030-01-31 18:00:00"),
            ({"Job": {**JOB, "JobID": "a\nb"}}, "Job: contains a control character"),
            ({"Job": []}, "Please specify job"),
        ],
    )
    def test_refusals(self, keeper: Owner, body: dict[str, Any], message: str) -> None:
        found = keeper.post("savePeerScheduleJob/", body)
        assert (found["status"], found["data"]) == (False, None)
        assert found["message"] == message or body == {"Job": []}
        assert (keeper.peer(key(1))["jobs"], log(keeper)) == ([], [])

    def test_slash_at_the_end_does_not_matter(self, keeper: Owner) -> None:
        assert keeper.post("savePeerScheduleJob", {"Job": JOB})["status"] is True
        assert keeper.post("deletePeerScheduleJob", {"Job": {**JOB, "CreationDate": "x"}})["status"] is True


class TestDelete:
    def test_it_is_over(self, keeper: Owner) -> None:
        save(keeper)
        save(keeper, JobID=OTHER, Value="5")
        assert delete(keeper) == answer(data=[], ok=True)
        assert [each["JobID"] for each in keeper.peer(key(1))["jobs"]] == [OTHER]
        assert log(keeper)[0] == "Job is removed due to being deleted or finshed."
        assert delete(keeper) == answer(data=[], ok=True), "again"
        assert len(log(keeper)) == 3
        delete(keeper, JobID=OTHER)
        assert "schedules" not in keeper.document("wg0.yaml")["peers"][0]

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"CreationDate": ""}, "Job does not exist"),
            ({"Peer": "nope"}, "Peer does not exist in this configuration"),
            ({"Configuration": "nope"}, "Configuration does not exist"),
            ({"Peer": ""}, "Please specify peer and configuration"),
            ({"JobID": ""}, "JobID: is missing"),
        ],
    )
    def test_refusals(self, keeper: Owner, more: dict[str, Any], message: str) -> None:
        save(keeper)
        assert delete(keeper, **more) == refused(message)
        assert len(keeper.peer(key(1))["jobs"]) == 1

    def test_no_job(self, keeper: Owner) -> None:
        assert keeper.post("deletePeerScheduleJob/", {}) == refused("Please specify job")


class TestLog:
    def test_lines(self, keeper: Owner) -> None:
        assert keeper.get("getPeerScheduleJobLogs/wg0") == answer(data=[], ok=True)
        save(keeper)
        keeper.clock.now += 1
        save(keeper, JobID=OTHER, Peer=key(2))
        found = keeper.get("getPeerScheduleJobLogs/wg0", requestAll="true")["data"]
        assert [each["JobID"] for each in found] == [OTHER, JOB["JobID"]]
        date = datetime.fromtimestamp(keeper.clock.now).strftime("%Y-%m-%d %H:%M:%S")
        expected = {"JobID": OTHER, "LogDate": date, "Status": "1", "LogID": found[0]["LogID"]}
        assert found[0] == {**expected, "Message": "Job is created if total_data lgt 10 then restrict"}
        assert len(found[0]["LogID"]) == 36

    def test_unknown(self, keeper: Owner) -> None:
        assert keeper.get("getPeerScheduleJobLogs/nope") == refused("Configuration does not exist")

    def test_asks_for_credentials(self, keeper: Owner) -> None:
        stranger = Caller(keeper.app, ELSEWHERE)
        assert stranger.get("getPeerScheduleJobLogs/wg0") == refused("Unauthorized access.")
        for verb in ("save", "delete"):
            found = stranger.post(f"{verb}PeerScheduleJob/", {"Job": JOB})
            assert found == refused("Unauthorized access.")
        assert keeper.get("handshake") == OK
