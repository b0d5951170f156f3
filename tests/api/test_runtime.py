"""The runtime database and what it keeps."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.api.runtime import access_log, job_log, throttle
from wgreconcile.api.runtime.access_log import Access
from wgreconcile.api.runtime.database import Database
from wgreconcile.api.runtime.job_log import JobLine
from wgreconcile.api.runtime.migrations import MIGRATIONS
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.runtime.seal import Seal, open_seal
from wgreconcile.api.runtime.sessions import Sessions
from wgreconcile.errors import UsageError

from .dashboard import NOW


class TestDatabase:
    def test_only_its_owner_may_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "var" / "runtime.db"
        database = Database(path)
        with database.write() as connection:
            connection.execute("INSERT INTO server_key VALUES (1, x'00')")
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
        assert len(list(path.parent.iterdir())) == 3
        database.close()

    def test_pragmas(self, tmp_path: Path) -> None:
        database = Database(tmp_path / "runtime.db")
        assert database.read_one("PRAGMA journal_mode") == ("wal",)
        assert database.read_one("PRAGMA foreign_keys") == (1,)
        assert database.read_one("PRAGMA busy_timeout") == (10_000,)
        assert database.read_one("PRAGMA user_version") == (len(MIGRATIONS),)

    def test_opening_it_again_keeps_everything(self, tmp_path: Path) -> None:
        first = Database(tmp_path / "runtime.db")
        with first.write() as connection:
            connection.execute("INSERT INTO server_key VALUES (1, x'00')")
        first.close()
        assert Database(tmp_path / "runtime.db").read("SELECT * FROM server_key") == [(1, b"\0")]

    def test_newer_schema_is_refused(self, tmp_path: Path) -> None:
        connection = sqlite3.connect(tmp_path / "runtime.db")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        connection.close()
        with pytest.raises(UsageError, match="newer wgreconcile"):
            Database(tmp_path / "runtime.db")

    def test_failed_transaction_leaves_nothing(self, tmp_path: Path) -> None:
        database = Database(tmp_path / "runtime.db")
        with pytest.raises(ZeroDivisionError), database.write() as connection:
            connection.execute("INSERT INTO server_key VALUES (1, x'00')")
            raise ZeroDivisionError
        assert database.read("SELECT * FROM server_key") == []

    def test_what_is_recalled_ends_with_the_next_write(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = Database(tmp_path / "runtime.db")
        question, read = ("SELECT count(*) FROM server_key WHERE id = ?", (1,)), database.read_one

        def read_and_write(*asked: Any) -> Any:
            found = read(*asked)
            with database.write() as connection:
                connection.execute("DELETE FROM server_key")
            return found

        assert database.recall_one(*question) == (0,)
        with database.write() as connection:
            connection.execute("INSERT INTO server_key VALUES (1, x'00')")
        assert database.recall_one(*question) == (1,)
        with database.write():
            pass
        with monkeypatch.context() as patch:
            patch.setattr(database, "read_one", read_and_write)
            assert database.recall_one(*question) == (1,)
        assert database.recall_one(*question) == (0,), "what was read before a write is not kept after it"
        database.close()

    def test_many_threads_write_at_once(self, tmp_path: Path) -> None:
        database = Database(tmp_path / "runtime.db")

        def write(number: int) -> None:
            for each in range(20):
                with database.write() as connection:
                    row = ("at", str(number), str(each))
                    connection.execute("INSERT INTO job_log VALUES (NULL, ?||?||?, 'j', 'wg0', 0, 1, 'm')", row)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert database.read_one("SELECT count(*) FROM job_log") == (120,)


class TestRuntime:
    @pytest.mark.parametrize("content", [b"no database at all\n" * 300, b"SQLite format 3\0" + b"\xff" * 5000])
    def test_a_damaged_database_is_told(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "runtime.db").write_bytes(content)
        with pytest.raises(UsageError, match=r"runtime\.db cannot be used: .*; end what else uses it"):
            Runtime(tmp_path / "runtime.db", tmp_path / "runtime.key")

    def test_what_was_done_is_done_even_if_nothing_can_be_kept_of_it(
        self, runtime: Runtime, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR), runtime.afterwards():
            raise sqlite3.OperationalError("database or disk is full")
        assert "database or disk is full" in caplog.text
        with pytest.raises(KeyError), runtime.afterwards():
            raise KeyError


class TestSeal:
    def test_opens_what_it_sealed(self) -> None:
        seal = Seal(b"k" * 32)
        sealed = seal.seal("api key", "secret")
        assert seal.open("api key", sealed) == "secret"
        assert seal.seal("api key", "secret") != sealed
        assert b"secret" not in sealed

    def test_purposes_and_keys_are_apart(self) -> None:
        one, other = Seal(b"k" * 32), Seal(b"o" * 32)
        sealed = one.seal("api key", "secret")
        for seal, purpose in [(one, "totp secret"), (other, "api key")]:
            with pytest.raises(UsageError, match="was altered"):
                seal.open(purpose, sealed)
        assert one.mac("a", "bc") != one.mac("b", "bc") != other.mac("b", "bc")
        with pytest.raises(UsageError, match="was altered"):
            one.open("api key", sealed[:-1] + bytes([sealed[-1] ^ 1]))

    @pytest.mark.parametrize("left", ["", "00ff"])
    def test_a_first_start_that_was_killed_keeps_no_other_from_starting(self, tmp_path: Path, left: str) -> None:
        key = tmp_path / "secrets" / "runtime.key"
        key.parent.mkdir(mode=0o700)
        key.write_text(left)
        sealed = open_seal(Database(tmp_path / "runtime.db"), key).seal("api key", "secret")
        assert key.stat().st_mode & 0o777 == 0o600
        assert open_seal(Database(tmp_path / "runtime.db"), key).open("api key", sealed) == "secret"

    def test_lost_or_foreign_key_is_told(self, tmp_path: Path) -> None:
        database, key = Database(tmp_path / "runtime.db"), tmp_path / "secrets" / "runtime.key"
        open_seal(database, key)
        assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        text = key.read_text()
        open_seal(database, key)
        key.write_text("00" * 32 + "\n")
        with pytest.raises(UsageError, match="is not the key"):
            open_seal(database, key)
        for damaged in ("", "xyz", "00" * 31, "\u00e4" * 64):
            key.write_text(damaged)
            with pytest.raises(UsageError, match="holds no key"):
                open_seal(database, key)
        key.unlink()
        with pytest.raises(UsageError, match="holds no key"):
            open_seal(database, key)
        key.write_text(text)
        open_seal(database, key)


class TestSessions:
    def test_are_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wgreconcile.api.runtime.sessions._MOST", 3)
        sessions = Sessions(Database(tmp_path / "runtime.db"))
        tokens = [sessions.open(NOW + number, confirmed=True).token for number in range(5)]
        found = [sessions.find(token, NOW + 5) is not None for token in tokens]
        assert found == [False, False, True, True, True]


class TestThrottle:
    def test_memory_is_bounded(self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(throttle, "_MOST_ROWS", 10)
        for number in range(50):
            runtime.throttle.admit(f"10.0.0.{number}", is_local=False, now=NOW + 31 * number)
        (rows,) = runtime._database.read_one("SELECT count(*) FROM login_throttle")
        assert rows == 11

    def test_strangers_never_crowd_out_who_is_known(
        self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttle, "_MOST_ROWS", 10)
        runtime.throttle.succeeded("192.0.2.1", NOW)
        for number in range(50):
            runtime.throttle.admit(f"10.0.0.{number}", is_local=False, now=NOW + 31 * number)
        now = NOW + 31 * 49 + 1
        assert runtime.throttle.admit("10.0.0.99", is_local=False, now=now) > 0
        assert runtime.throttle.admit("192.0.2.1", is_local=False, now=now) == 0

    def test_forgets_after_an_hour(self, runtime: Runtime) -> None:
        for _ in range(5):
            assert runtime.throttle.admit("192.0.2.1", is_local=False, now=NOW) == 0
        assert runtime.throttle.admit("192.0.2.1", is_local=False, now=NOW) == 1
        for _ in range(5):
            assert runtime.throttle.admit("192.0.2.1", is_local=False, now=NOW + 3601) == 0

    def test_delay_has_an_upper_bound(self, runtime: Runtime) -> None:
        now, waits = NOW, []
        for _ in range(30):
            wait = runtime.throttle.admit("192.0.2.1", is_local=True, now=now)
            waits.append(wait)
            now += wait
        assert max(waits) == 300

    def test_clock_that_was_set_back_does_not_lock_out(self, runtime: Runtime) -> None:
        for _ in range(5):
            runtime.throttle.admit("192.0.2.1", is_local=False, now=NOW)
        earlier = NOW - 1_000_000
        assert runtime.throttle.admit("192.0.2.1", is_local=False, now=earlier) == 1
        assert runtime.throttle.admit("192.0.2.1", is_local=False, now=earlier + 1) == 0

    @pytest.mark.parametrize("address", ["", "unix:", "999.1.1.1"])
    def test_address_that_is_none(self, runtime: Runtime, address: str) -> None:
        assert runtime.throttle.admit(address, is_local=False, now=NOW) == 0

    def test_attempts_at_the_same_moment_count_one_by_one(self, runtime: Runtime) -> None:
        admitted: list[int] = []

        def attempt() -> None:
            admitted.append(runtime.throttle.admit("192.0.2.1", is_local=False, now=NOW))

        threads = [threading.Thread(target=attempt) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert admitted.count(0) == 5


class TestShareLinks:
    def test_life_of_a_link(self, runtime: Runtime) -> None:
        links = runtime.share_links
        link = links.create("wg0", "peer", int(NOW) + 10, NOW)
        assert link is not None
        assert len(link.share_id) == 36 and link.share_id not in repr(link)
        assert links.find(link.share_id, NOW) == link
        assert links.of_interface("wg0", NOW) == {"peer": link}
        assert links.of_interface("wg1", NOW) == {}
        assert links.find(link.share_id, NOW + 10) is None
        assert links.of_interface("wg0", NOW + 10) == {}

    def test_one_active_link_a_peer(self, runtime: Runtime) -> None:
        links = runtime.share_links
        assert links.create("wg0", "peer", int(NOW) + 10, NOW)
        assert links.create("wg0", "peer", None, NOW) is None
        assert links.create("wg0", "other", None, NOW)
        assert links.create("wg1", "peer", None, NOW)
        assert links.create("wg0", "peer", None, NOW + 10)

    def test_move_end(self, runtime: Runtime) -> None:
        links = runtime.share_links
        link = links.create("wg0", "peer", int(NOW) + 10, NOW)
        assert link is not None
        moved = links.move_end(link.share_id, None, NOW)
        assert moved is not None and moved.expires_at is None and moved.share_id == link.share_id
        assert links.find(link.share_id, NOW + 1e9) == moved
        assert links.move_end(link.share_id, int(NOW), NOW) is not None
        assert links.find(link.share_id, NOW) is None
        assert links.move_end(link.share_id, None, NOW) is None, "an expired link cannot be revived"
        assert links.move_end("nope", None, NOW) is None

    def test_end_with_their_peer(self, runtime: Runtime) -> None:
        links = runtime.share_links
        link = links.create("wg0", "peer", None, NOW)
        assert link is not None
        links.delete_of("wg0", ("peer", "unknown"))
        assert links.find(link.share_id, NOW) is None

    def test_are_not_in_the_database(self, runtime: Runtime, tmp_path: Path) -> None:
        link = runtime.share_links.create("wg0", "peer", None, NOW)
        assert link is not None
        assert all(link.share_id.encode() not in each.read_bytes() for each in (tmp_path / "var").iterdir())


class TestJobLog:
    def test_newest_first_per_interface(self, runtime: Runtime) -> None:
        lines = [JobLine("job", "wg0", int(NOW), True, "one"), JobLine("job", "wg0", int(NOW), False, "two")]
        runtime.job_log.append([*lines, JobLine("other", "wg1", int(NOW), True, "three")])
        found = runtime.job_log.of_interface("wg0")
        assert [(each.message, each.ok) for each in found] == [("two", False), ("one", True)]
        assert len({each.log_id for each in found}) == 2
        assert runtime.job_log.of_interface("wg9") == ()

    def test_is_bounded(self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(job_log, "_MOST_PER_INTERFACE", 3)
        for number in range(5):
            runtime.job_log.append([JobLine("job", "wg0", number, True, str(number))])
        assert [each.at for each in runtime.job_log.of_interface("wg0")] == [4, 3, 2]


class TestAccessLog:
    def access(self, path: str) -> Access:
        return Access(NOW, "192.0.2.1", "key 1", "GET", path, 200, True)

    def test_is_written_by_itself(self, runtime: Runtime) -> None:
        runtime.access_log.record(self.access("/api/x"))
        for _ in range(100):
            if runtime._database.read("SELECT path FROM access_log"):
                break
            threading.Event().wait(0.05)
        assert runtime._database.read("SELECT path FROM access_log") == [("/api/x",)]

    def test_close_writes_the_rest(self, tmp_path: Path) -> None:
        runtime = Runtime(tmp_path / "runtime.db", tmp_path / "runtime.key")
        runtime.access_log.record(self.access("/api/x"))
        runtime.close()
        assert Database(tmp_path / "runtime.db").read("SELECT path FROM access_log") == [("/api/x",)]

    def test_is_bounded(self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(access_log, "_MOST_ROWS", 3)
        for number in range(5):
            runtime.access_log.record(self.access(str(number)))
        runtime.access_log.flush()
        assert [each.path for each in runtime.access_log.newest(10)] == ["4", "3", "2"]
