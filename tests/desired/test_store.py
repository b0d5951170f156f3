"""Saving documents: what is on disk afterwards, and what never is."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.desired import landing, saving
from wgreconcile.desired.landing import Landed, Landing
from wgreconcile.desired.saving import Snapshot
from wgreconcile.desired.store import Store
from wgreconcile.errors import BusyError, ConflictError, StateError
from wgreconcile.values import Network

from .samples import SECRET, Folder, key, public, shows_secret

PEER = f"# Alice\npublic_key: {key(1)}   # hers\nallowed_ips: [10.7.0.2]\n"


@pytest.fixture
def store(folder: Folder) -> Store:
    """A store with an interface and a peer with comments."""
    folder.write("wg0.yaml", "# the office\naddress: 10.7.0.1/24\n")
    folder.write("wg0/alice.yaml", PEER)
    return folder.store


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the lock gives up soon."""
    monkeypatch.setattr(saving, "PATIENCE", 0.05)


def peer(number: int, **fields: Any) -> dict[str, Any]:
    return {"public_key": key(number), **fields}


def content(store: Store) -> dict[str, bytes]:
    """All files below the state folder, also those that should not be there."""
    return {
        str(each.relative_to(store.state)): each.read_bytes() for each in store.state.rglob("*") if each.is_file()
    }


def text(store: Store, path: str) -> str:
    return (store.state / path).read_bytes().decode()


class TestSave:
    def test_a_new_document_is_written_as_people_write_them(self, store: Store) -> None:
        store.save({"wg0/bob.yaml": peer(2, allowed_ips=["10.7.0.3/32", "::/0"])})
        assert text(store, "wg0/bob.yaml") == (
            f"public_key: {key(2)}\nallowed_ips:\n  - 10.7.0.3/32\n  - '::/0'\n"
        )
        assert [each.name for each in store.load().interfaces[0].peers] == ["alice", "bob"]

    def test_an_edit_keeps_every_byte_that_it_does_not_mean(self, store: Store) -> None:
        store.save({"wg0/alice.yaml": peer(1, allowed_ips=["10.7.0.2"], enabled=False)})
        assert text(store, "wg0/alice.yaml") == PEER + "enabled: false\n"

    def test_the_same_data_write_nothing(self, store: Store) -> None:
        before = (store.state / "wg0/alice.yaml").stat()
        assert store.save({"wg0/alice.yaml": peer(1, allowed_ips=["10.7.0.2"])}) == Snapshot()
        assert (store.state / "wg0/alice.yaml").stat() == before

    def test_none_deletes_and_an_empty_folder_goes_with_its_last_document(self, store: Store) -> None:
        store.save({"wg0/bob.yaml": peer(2)})
        store.save({"wg0/alice.yaml": None})
        assert set(content(store)) == {"wg0.yaml", "wg0/bob.yaml"}
        store.save({"wg0/bob.yaml": None, "wg0/never-was.yaml": None})
        assert not (store.state / "wg0").exists()

    def test_a_new_interface_may_come_with_its_peers(self, store: Store) -> None:
        store.save({"wg1/bob.yaml": peer(2), "wg1.yaml": {"listen_port": 51821}})
        assert [each.name for each in store.load().interfaces] == ["wg0", "wg1"]

    def test_faults_of_the_state_that_would_come_out_stop_all_of_it(self, store: Store) -> None:
        before = content(store)
        with pytest.raises(StateError) as caught:
            store.save({"wg0/bob.yaml": peer(1), "wg0/carol.yaml": peer(3, mtu=1), "wg0/dave.yaml": peer(4)})
        assert [str(each).removeprefix(f"{store.state}/").partition(";")[0] for each in caught.value.faults] == [
            "wg0/bob.yaml:1: public_key: is the public key of 'alice' in wg0/alice.yaml too",
            "wg0/carol.yaml:2: mtu: unknown field",
        ]
        assert content(store) == before

    def test_an_interface_does_not_leave_its_peers_behind(self, store: Store) -> None:
        with pytest.raises(StateError, match="which has no document"):
            store.save({"wg0.yaml": None})

    @pytest.mark.parametrize(
        "path",
        [
            "../x.yaml",
            "/etc/x.yaml",
            "wg0/../../x.yaml",
            "wg0/a/b.yaml",
            "wg0/a.yml",
            "settings.yaml",
            "secrets/a.yaml",
            "wg0/.a.yaml",
            "wg0/a\nb.yaml",
            "wg0",
            "",
        ],
    )
    def test_a_path_that_is_no_place_for_a_document_is_refused(self, store: Store, path: str) -> None:
        before = content(store)
        for attempt in (lambda: store.save({path: peer(2)}), lambda: store.document(path)):
            with pytest.raises(StateError, match="is no place for a document"):
                attempt()
        assert content(store) == before
        assert not (store.state.parent / "x.yaml").exists()

    def test_nothing_is_written_through_a_link(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "bob.yaml").write_text(f"public_key: {key(2)}\n")
        (store.state / "wg0/bob.yaml").symlink_to(tmp_path / "elsewhere" / "bob.yaml")
        (store.state / "wg1").symlink_to(tmp_path / "elsewhere")
        for path in ("wg0/bob.yaml", "wg1/carol.yaml"):
            with pytest.raises(StateError, match="is a link; edit what it points to"):
                store.save({path: peer(3), "wg1.yaml": {}})
        assert [each.name for each in (tmp_path / "elsewhere").iterdir()] == ["bob.yaml"]

    @pytest.mark.parametrize("value", [object(), {1, 2}, "\ud800", b"x"])
    def test_what_yaml_cannot_say_is_refused(self, store: Store, value: Any) -> None:
        with pytest.raises(StateError, match="holds what YAML cannot say"):
            store.save({"wg0/bob.yaml": peer(2, description=value)})

    def test_values_and_tuples_are_written_as_what_they_are_read_as(self, store: Store) -> None:
        store.save({"wg0/bob.yaml": {"public_key": public(2), "allowed_ips": (Network("::/0"),), "x-a": {1: 2}}})
        document = store.document("wg0/bob.yaml")
        assert document is not None
        assert document.data == {"public_key": key(2), "allowed_ips": ["::/0"], "x-a": {"1": 2}}

    def test_a_document_that_is_no_yaml_is_replaced(self, store: Store) -> None:
        (store.state / "wg0/alice.yaml").write_bytes(b"public_key: [\xff")
        store.save({"wg0/alice.yaml": peer(1)})
        assert text(store, "wg0/alice.yaml") == f"public_key: {key(1)}\n"


class TestFiles:
    def mode(self, store: Store, path: str) -> int:
        return stat.S_IMODE((store.state / path).stat().st_mode)

    def test_an_existing_document_keeps_its_mode_and_its_owner(self, store: Store) -> None:
        file = store.state / "wg0/alice.yaml"
        file.chmod(0o640)
        if os.geteuid() == 0:
            os.chown(file, 1234, 2345)
        before = file.stat()
        store.save({"wg0/alice.yaml": peer(1, name="Alice")})
        after = file.stat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_a_new_document_belongs_to_the_owner_of_the_folder(self, store: Store) -> None:
        os.chown(store.state, 1234, 2345)
        store.save({"wg1.yaml": {}, "wg1/bob.yaml": peer(2)})
        for path in ("wg1.yaml", "wg1", "wg1/bob.yaml"):
            found = (store.state / path).stat()
            assert (found.st_uid, found.st_gid) == (1234, 2345)

    def test_the_umask_holds_for_new_documents(self, store: Store) -> None:
        before = os.umask(0o027)
        try:
            store.save({"wg0/bob.yaml": peer(2)})
            os.umask(0o022)
            store.save({"wg0/carol.yaml": peer(3)})
        finally:
            os.umask(before)
        assert (self.mode(store, "wg0/bob.yaml"), self.mode(store, "wg0/carol.yaml")) == (0o640, 0o644)

    def test_a_new_document_with_a_key_in_it_is_for_its_owner_alone(self, store: Store) -> None:
        store.save({"wg0/bob.yaml": peer(2, preshared_key=SECRET), "wg1.yaml": {"private_key": {"file": "a"}}})
        assert (self.mode(store, "wg0/bob.yaml"), self.mode(store, "wg1.yaml")) == (0o600, 0o644)

    def test_a_document_is_whole_at_every_moment(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        """A crash at any step leaves the old text or the new one, and no litter that would be read."""
        before, seen = text(store, "wg0/alice.yaml"), set()
        for name in ("fsync", "fchmod"):
            real = getattr(os, name)

            def look(*arguments: Any, real: Any = real) -> Any:
                seen.add(text(store, "wg0/alice.yaml"))
                assert len(store.names()) == 1
                return real(*arguments)

            monkeypatch.setattr(os, name, look)
        store.save({"wg0/alice.yaml": peer(1)})
        assert seen == {before, f"# Alice\npublic_key: {key(1)}   # hers\n"}
        assert set(content(store)) == {"wg0.yaml", "wg0/alice.yaml"}

    def test_when_one_write_fails_those_before_it_are_taken_back(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, real = content(store), os.open

        def fail(path: str | Path, flags: int, *arguments: Any, **more: Any) -> int:
            if Path(path).name == "carol.yaml" and flags & os.O_CREAT:
                raise OSError("the disk is full")
            return real(path, flags, *arguments, **more)

        monkeypatch.setattr(os, "open", fail)
        with pytest.raises(OSError, match="full"):
            store.save(
                {
                    "wg0/alice.yaml": peer(1, name="A"),
                    "wg1.yaml": {},
                    "wg1/bob.yaml": peer(2),
                    "wg1/carol.yaml": peer(3),
                }
            )
        assert content(store) == before
        assert not (store.state / "wg1").exists()

    def test_when_they_cannot_reach_the_disk_they_are_taken_back(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, real = content(store), os.fsync

        def fail(descriptor: int) -> None:
            if (store.state / "wg1.yaml").exists():
                monkeypatch.setattr(os, "fsync", real)
                raise OSError(5, "Input/output error")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            store.save({"wg0/alice.yaml": peer(1, name="A"), "wg1.yaml": {}})
        assert content(store) == before

    def test_a_document_that_comes_meanwhile_is_not_overwritten(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = landing.land

        def land(folder: Path, landings: Sequence[Landing]) -> Landed:
            (folder / "wg1.yaml").write_text("mtu: 1300\n")
            return real(folder, landings)

        monkeypatch.setattr(landing, "land", land)
        with pytest.raises(ConflictError, match=r"/wg1\.yaml was made meanwhile"):
            store.save({"wg0/alice.yaml": peer(1, name="A"), "wg1.yaml": {}})
        assert text(store, "wg1.yaml") == "mtu: 1300\n"
        assert "name: A" not in text(store, "wg0/alice.yaml")


class TestRestore:
    def test_every_byte_is_as_before(self, store: Store) -> None:
        (store.state / "wg0/alice.yaml").write_bytes(PEER.replace("\n", "\r\n").encode())
        before = content(store)
        snapshot = store.save(
            {"wg0/alice.yaml": None, "wg0/bob.yaml": peer(2), "wg0.yaml": {"mtu": 1400}, "wg1.yaml": {}}
        )
        assert content(store) != before
        store.restore(snapshot)
        assert content(store) == before

    def test_a_deleted_document_comes_back_with_its_mode(self, store: Store) -> None:
        (store.state / "wg0/alice.yaml").chmod(0o600)
        store.restore(store.save({"wg0/alice.yaml": None}))
        assert stat.S_IMODE((store.state / "wg0/alice.yaml").stat().st_mode) == 0o600

    def test_a_change_of_someone_else_is_not_undone(self, store: Store) -> None:
        snapshot = store.save({"wg0/alice.yaml": peer(1, name="Alice"), "wg0/bob.yaml": peer(2)})
        store.save({"wg0/bob.yaml": peer(2, name="Bob")})
        before = content(store)
        with pytest.raises(ConflictError, match=r"^wg0/bob\.yaml changed since"):
            store.restore(snapshot)
        assert content(store) == before

    def test_the_snapshot_of_nothing_restores_nothing(self, store: Store) -> None:
        before = content(store)
        store.restore(Snapshot())
        assert content(store) == before

    def test_a_snapshot_shows_no_key(self, store: Store) -> None:
        store.save({"wg0/bob.yaml": peer(2, preshared_key=SECRET)})
        snapshot = store.save({"wg0/bob.yaml": None})
        assert not shows_secret(repr(snapshot))


class TestVersions:
    def test_a_document_is_its_data_and_a_version(self, store: Store) -> None:
        document = store.document("wg0/alice.yaml")
        assert document is not None
        assert document.data == {"public_key": key(1), "allowed_ips": ["10.7.0.2"]}
        assert store.document("wg0/alice.yaml") == document
        assert store.document("wg0/none.yaml") is None

    def test_a_document_with_a_fault_says_so(self, store: Store) -> None:
        (store.state / "wg0/alice.yaml").write_text("a: [")
        with pytest.raises(StateError, match=r"wg0/alice\.yaml:2: not YAML"):
            store.document("wg0/alice.yaml")
        (store.state / "wg0/alice.yaml").write_bytes(b"\xff")
        with pytest.raises(StateError, match="is not UTF-8"):
            store.document("wg0/alice.yaml")

    def test_a_change_is_based_on_what_was_read(self, store: Store) -> None:
        document = store.document("wg0/alice.yaml")
        assert document is not None
        store.save({document.path: {**document.data, "name": "A"}}, expected={document.path: document.version})
        before = content(store)
        with pytest.raises(ConflictError, match=r"^wg0/alice\.yaml changed meanwhile"):
            store.save({document.path: {**document.data, "name": "B"}}, expected={document.path: document.version})
        assert content(store) == before

    def test_an_empty_version_means_a_document_that_does_not_exist(self, store: Store) -> None:
        with pytest.raises(ConflictError):
            store.save({"wg0/alice.yaml": peer(9)}, expected={"wg0/alice.yaml": ""})
        store.save({"wg0/bob.yaml": peer(2)}, expected={"wg0/bob.yaml": ""})

    def test_a_document_that_only_matters_may_be_named_too(self, store: Store) -> None:
        document = store.document("wg0.yaml")
        assert document is not None
        store.save({"wg0.yaml": {"address": "10.8.0.1/24"}})
        with pytest.raises(ConflictError, match=r"wg0\.yaml"):
            store.save({"wg0/bob.yaml": peer(2)}, expected={"wg0.yaml": document.version})


class TestLock:
    def test_another_process_that_writes_is_waited_for(self, store: Store) -> None:
        program = (
            "import fcntl, os, sys, time; fd = os.open(sys.argv[1], os.O_RDONLY); "
            "fcntl.flock(fd, fcntl.LOCK_EX); print('held', flush=True); time.sleep(0.3)"
        )
        with subprocess.Popen([sys.executable, "-c", program, store.state], stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            started = time.monotonic()
            assert len(store.load().interfaces) == 1
            assert time.monotonic() - started > 0.1

    def test_a_lock_that_stays_taken_is_told(self, store: Store, impatient: None) -> None:
        descriptor = os.open(store.state, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        before = content(store)
        try:
            for attempt in (store.load, lambda: store.save({"wg0/bob.yaml": peer(2)})):
                with pytest.raises(BusyError, match="another process writes to"):
                    attempt()
        finally:
            os.close(descriptor)
        assert content(store) == before
        store.load()

    def test_readers_do_not_wait_for_each_other(self, store: Store, impatient: None) -> None:
        descriptor = os.open(store.state, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        try:
            assert len(store.load().interfaces) == 1
        finally:
            os.close(descriptor)

    def test_of_many_that_save_at_once_none_is_lost(self, store: Store) -> None:
        failures: list[Exception] = []

        def save(number: int) -> None:
            try:
                Store(store.state).save({f"wg0/p{number}.yaml": peer(number)})
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=save, args=(number,)) for number in range(10, 20)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert failures == []
        assert len(store.load().interfaces[0].peers) == 11

    def test_a_file_system_without_locks_can_be_read_and_not_written(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", fail)
        assert len(store.load().interfaces) == 1
        with pytest.raises(OSError, match="No locks"):
            store.save({"wg0/bob.yaml": peer(2)})

    def test_a_folder_that_cannot_be_opened_is_a_fault(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.open

        def fail(path: Any, *arguments: Any, **more: Any) -> int:
            if path == store.state:
                raise PermissionError(errno.EACCES, "Permission denied")
            return real(path, *arguments, **more)

        monkeypatch.setattr(os, "open", fail)
        with pytest.raises(StateError, match="cannot be opened: Permission denied"):
            store.save({"wg0/bob.yaml": peer(2)})

    def test_no_file_is_left_for_the_lock(self, store: Store) -> None:
        before = set(content(store))
        store.save({"wg0.yaml": {}})
        assert set(content(store)) == before

    def test_a_state_that_is_no_folder_is_a_fault(self, tmp_path: Path) -> None:
        with pytest.raises(StateError, match="cannot be read"):
            Store(tmp_path / "none").load()
        (tmp_path / "file").write_text("")
        for attempt in (Store(tmp_path / "file").load, lambda: Store(tmp_path / "file").save({"wg0.yaml": {}})):
            with pytest.raises(StateError):
                attempt()
