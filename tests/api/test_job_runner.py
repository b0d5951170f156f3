"""Schedules that are due, and what is done about them (API.md 6.4)."""

from __future__ import annotations

import errno
import sqlite3
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from wgreconcile.api.reconciler import Converged, Outcome
from wgreconcile.api.runtime.usage import Usage
from wgreconcile.api.schedules import due, is_met, next_date
from wgreconcile.api.wgdashboard import job_runner
from wgreconcile.api.wgdashboard.dates import moment_text
from wgreconcile.api.wgdashboard.job_runner import LOOK_SECONDS, RETRY_SECONDS, JobRunner
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired.model import DesiredState, Interface, Peer, Schedule

from .host import Owner, key

GIB = 1024**3
NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


class TestConditions:
    @pytest.mark.parametrize(
        ("subject", "comparison", "value", "met"),
        [
            ("received", "above", "1", False),
            ("received", "equal", "1", True),
            ("received", "above", "0.99", True),
            ("sent", "above", "1.9999999990", True),
            ("sent", "below", "2", False),
            ("sent", "unequal", "2", False),
            ("total", "equal", "3", True),
            ("total", "above", "-1", True),
            ("total", "below", "3.0000000010", True),
        ],
    )
    def test_usage(self, subject: Any, comparison: Any, value: str, met: bool) -> None:
        usage = Usage("wg0", key(1), live_rx=GIB // 2, earlier_rx=GIB // 2, live_tx=3 * GIB, base_tx=GIB)
        assert is_met(Schedule(subject, comparison, Decimal(value), "disable"), NOW, usage) is met

    def test_nothing_in_the_first_ten_seconds(self) -> None:
        schedule = Schedule("total", "above", Decimal(-1), "disable", created=NOW)
        assert not is_met(schedule, NOW + 9 * SECOND, Usage("", ""))
        assert is_met(schedule, NOW + 10 * SECOND, Usage("", ""))

    def test_one_a_peer_and_none_of_those_that_are_off(self) -> None:
        always = Schedule("total", "above", Decimal(-1), "disable", "a")
        also = Schedule("date", "above", NOW, "delete", "b")
        never = Schedule("total", "above", Decimal(9), "delete", "c")
        peers = (
            Peer(key(1), schedules=(never, always, also)),
            Peer(key(2), schedules=(also,), enabled=False),
            Peer(key(3), schedules=(also,), expires=NOW),
            Peer(key(4), schedules=(never,)),
            Peer(key(5)),
        )
        found = due(Interface("wg0", peers=peers), NOW, {})
        assert [(each.interface, each.peer.public_key, each.schedule.id) for each in found] == [
            ("wg0", key(1), "a")
        ]

    def test_next_date(self) -> None:
        later = Schedule("date", "above", NOW + 60 * SECOND, "disable")
        fresh = Schedule("total", "above", Decimal(-1), "disable", created=NOW)
        state = DesiredState((Interface("wg0", peers=(Peer(key(1), schedules=(later,)),)),))
        assert next_date(state, NOW) == NOW + 60 * SECOND
        assert next_date(state, NOW + 60 * SECOND) is None
        state = DesiredState((Interface("wg0", peers=(Peer(key(1), schedules=(later, fresh)),)),))
        assert next_date(state, NOW) == NOW + 10 * SECOND
        off = Peer(key(1), schedules=(later,), enabled=False)
        assert next_date(DesiredState((Interface("wg0", peers=(off,)),)), NOW) is None


@pytest.fixture
def runner(keeper: Owner, transactions: Transactions) -> JobRunner:
    return JobRunner(keeper.store, transactions, keeper.runtime, keeper.clock)


DUE = "{subject: date, is: above, value: 2020-01-01, action: disable, id: restrict}"
DELETE = "{subject: total, is: above, value: -1, action: delete, id: delete}"


def write(keeper: Owner, *schedules: str) -> None:
    """A peer for each schedule, and one without."""
    peers = [f"{{public_key: $KEY{number}, schedules: [{each}]}}" for number, each in enumerate(schedules, 1)]
    keeper.write("wg0.yaml", f"listen_port: 51820\npeers: [{', '.join([*peers, '{public_key: $KEY9}'])}]\n")
    keeper.up()


def log(keeper: Owner) -> list[tuple[str, str, str]]:
    found = keeper.get("getPeerScheduleJobLogs/wg0")["data"]
    return [(each["JobID"], each["Status"], each["Message"]) for each in reversed(found)]


class TestRunner:
    def test_restricts_and_deletes(self, keeper: Owner, runner: JobRunner) -> None:
        write(keeper, DUE, DELETE)
        keeper.host.sample(keeper.runtime)
        passes = len(keeper.host.passes)
        assert runner.run() == LOOK_SECONDS
        assert len(keeper.host.passes) == passes + 1, "one for all of them"
        assert [each["public_key"] for each in keeper.document("wg0.yaml")["peers"]] == [key(1), key(9)]
        found = keeper.info()
        assert [each["id"] for each in found["configurationRestrictedPeers"]] == [key(1)]
        assert found["configurationRestrictedPeers"][0]["jobs"] == []
        removed = "Job is removed due to being deleted or finshed."
        assert sorted(log(keeper)) == [
            ("delete", "1", removed),
            ("delete", "1", f"Peer {key(2)} from wg0 is successfully deleteed."),
            ("restrict", "1", removed),
            ("restrict", "1", f"Peer {key(1)} from wg0 is successfully restricted."),
        ]
        assert key(2) not in keeper.runtime.usage.of_interface("wg0")
        runner.run()
        assert len(keeper.host.passes) == passes + 1, "and that was it"

    def test_a_finished_job_does_not_come_back(self, keeper: Owner, runner: JobRunner) -> None:
        write(keeper, DUE)
        runner.run()
        assert keeper.post("allowAccessPeers/wg0", {"peers": [key(1)]})["status"] is True
        runner.run()
        assert [each["id"] for each in keeper.info()["configurationPeers"]] == [key(1), key(9)]

    def test_usage_that_is_counted(self, keeper: Owner, runner: JobRunner) -> None:
        write(keeper, "{subject: received, is: above, value: 1, action: disable}")
        runner.run()
        keeper.host.connect("wg0", key(1), rx_bytes=GIB)
        keeper.host.sample(keeper.runtime)
        runner.run()
        assert keeper.live(key(1)) is not None
        keeper.host.connect("wg0", key(1), rx_bytes=GIB + 1)
        keeper.host.sample(keeper.runtime)
        runner.run()
        assert keeper.live(key(1)) is None

    def test_a_date_at_the_very_second(self, keeper: Owner, runner: JobRunner) -> None:
        moment = datetime.fromtimestamp(keeper.clock.now + 7, timezone.utc).isoformat()
        write(keeper, f"{{subject: date, is: above, value: '{moment}', action: disable}}")
        assert runner.run() == 7
        assert keeper.info()["configurationRestrictedPeers"] == []
        keeper.clock.now += 7
        assert len(keeper.info()["configurationRestrictedPeers"]) == 1, "even before the runner has come to it"
        assert runner.run() == LOOK_SECONDS
        assert keeper.document("wg0.yaml")["peers"][0] == {"public_key": key(1), "enabled": False}

    def test_one_that_cannot_be_carried_out_stops_none_of_the_others(
        self, keeper: Owner, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(keeper, DUE, DELETE)
        refuse_disabled_peers(keeper, monkeypatch)
        runner.run()
        assert [each["public_key"] for each in keeper.document("wg0.yaml")["peers"]] == [key(1), key(9)]
        failed = ("restrict", "0", f"Peer {key(1)} from wg0 failed restricted.")
        assert failed in log(keeper)
        runner.run()
        assert log(keeper).count(failed) == 1, "it rests"
        keeper.clock.now += RETRY_SECONDS
        runner.run()
        assert log(keeper).count(failed) == 2
        monkeypatch.undo()
        keeper.clock.now += RETRY_SECONDS
        runner.run()
        assert len(keeper.info()["configurationRestrictedPeers"]) == 1

    def test_a_document_that_cannot_be_written_stops_none_of_the_others(
        self, keeper: Owner, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(keeper, DUE, DELETE)
        land = keeper.store.land

        def refuse(changes: Any, **more: Any) -> Any:
            if "'enabled': False" in str(changes):
                raise OSError(errno.EROFS, "Read-only file system", "wg0.yaml")
            return land(changes, **more)

        monkeypatch.setattr(keeper.store, "land", refuse)
        runner.run()
        assert [each["public_key"] for each in keeper.document("wg0.yaml")["peers"]] == [key(1), key(9)]
        assert ("restrict", "0", f"Peer {key(1)} from wg0 failed restricted.") in log(keeper)

    def test_a_log_that_cannot_be_written_makes_nothing_undone(
        self, keeper: Owner, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(keeper, DUE, DELETE)

        def full(*_: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(keeper.runtime.job_log, "append", full)
        assert runner.run() == LOOK_SECONDS
        assert [each["public_key"] for each in keeper.document("wg0.yaml")["peers"]] == [key(1), key(9)]

    def test_a_clock_that_is_set_back_does_not_make_it_rest_for_long(
        self, keeper: Owner, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(keeper, DUE)
        refuse_disabled_peers(keeper, monkeypatch)
        runner.run()
        keeper.clock.now -= 86400
        runner.run()
        assert len(log(keeper)) == 2

    def test_what_somebody_changed_meanwhile_is_left_alone(
        self, keeper: Owner, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(keeper, DUE)
        passes, stale = len(keeper.host.passes), due(*keeper.store.load().interfaces, NOW, {})
        write(keeper)
        monkeypatch.setattr(job_runner, "due", lambda *_: stale)
        runner.run()
        assert log(keeper) == []
        assert len(keeper.host.passes) == passes + 1, "that of the write"

    def test_a_date_that_is_near_when_it_is_saved(self, keeper: Owner, runner: JobRunner) -> None:
        write(keeper)
        moment = moment_text(datetime.fromtimestamp(keeper.clock.now + 3, timezone.utc))
        job = {"JobID": "j", "Configuration": "wg0", "Peer": key(9), "Field": "date", "Operator": "lgt"}
        job |= {"Value": moment, "CreationDate": "", "Action": "restrict"}
        assert keeper.post("savePeerScheduleJob/", {"Job": job})["status"] is True
        assert runner.run() == 3
        keeper.clock.now += 3
        runner.run()
        assert len(log(keeper)) == 3

    def test_a_save_over_http_is_carried_out_after_ten_seconds(self, keeper: Owner, runner: JobRunner) -> None:
        write(keeper)
        job = {"JobID": "j", "Configuration": "wg0", "Peer": key(9), "Field": "total_receive", "Operator": "lgt"}
        job |= {"Value": "-1", "CreationDate": "", "Action": "restrict"}
        assert keeper.post("savePeerScheduleJob/", {"Job": job})["status"] is True
        assert runner.run() == 10
        assert len(keeper.peer(key(9))["jobs"]) == 1
        keeper.clock.now += 10
        runner.run()
        assert [each["id"] for each in keeper.info()["configurationRestrictedPeers"]] == [key(9)]
        assert [each[2] for each in log(keeper)] == [
            "Job is created if total_receive lgt -1 then restrict",
            f"Peer {key(9)} from wg0 is successfully restricted.",
            "Job is removed due to being deleted or finshed.",
        ]


def refuse_disabled_peers(keeper: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every pass fail that would find a disabled peer."""
    converge = keeper.host.converge

    def fail(names: Any, *, force: bool = False) -> Outcome:
        interface = keeper.store.load().find("wg0")
        if interface and any(not each.enabled for each in interface.peers):
            return Outcome(tuple(Converged(each, "wg0: no") for each in names))
        return converge(names, force=force)

    monkeypatch.setattr(keeper.host, "converge", fail)
