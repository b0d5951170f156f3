"""Writes of the API: saved, converged and verified together, and nothing of them left when that fails.

The store is a real one. The reconciler is made up here, because these tests are about passes that fail, take
long or are refused; tests/agent has the real one on a test host.
"""

from __future__ import annotations

import base64
import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.api.reconciler import Converged, Outcome, Snapshot
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.writes.key_note import NOTE
from wgreconcile.api.writes.transactions import Transactions, Written
from wgreconcile.desired import keyfiles, warm
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import DesiredState, Interface, Peer
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import BusyError, ConvergenceError, DependencyError, StateError, UnsafePlanError
from wgreconcile.values import Address, Network, PublicKey, generate_secret_key

SOON = 30
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Host:
    """A reconciler whose host is a variable: a pass makes ``live`` what is desired, or fails as ``fail`` says."""

    store: Store
    live: DesiredState = field(default_factory=DesiredState)
    passes: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)
    fail: Callable[[DesiredState], str] = lambda state: ""
    refuse: Callable[[DesiredState], Exception | None] = lambda state: None
    gate: threading.Event | None = None
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def converge(self, names: Sequence[str], *, force: bool = False) -> Outcome:
        self.passes.append((tuple(names), force))
        self.entered.release()
        if self.gate is not None:
            assert self.gate.wait(SOON)
        desired = self.store.load()
        if refused := self.refuse(desired):
            raise refused
        if not self.fail(desired):
            self.live = desired
        return Outcome(tuple(Converged(each, self.fail(desired)) for each in names))

    def observed(self, *, anew: bool = False) -> Snapshot:
        return Snapshot()


@pytest.fixture
def store(tmp_path: Path) -> WarmStore:
    (tmp_path / "state/wg0").mkdir(parents=True)
    (tmp_path / "state/wg0.yaml").write_text("# the office\naddress: 10.7.0.1/16\nlisten_port: 51820\n")
    store = WarmStore(tmp_path / "state")
    store.save({"wg0/alice.yaml": {"public_key": key(1), "allowed_ips": ["10.7.0.2/32"]}})
    return store


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets")


@pytest.fixture
def host(store: WarmStore) -> Host:
    return Host(store, store.load())


@pytest.fixture
def transactions(store: WarmStore, secrets: Secrets, host: Host) -> Transactions:
    return Transactions(store, secrets, host)


def key(number: int) -> PublicKey:
    return PublicKey(base64.b64encode(number.to_bytes(32, "little")).decode())


def peer(number: int, name: str = "", **fields: Any) -> Peer:
    address = Network(f"10.7.{number // 200}.{number % 200 + 2}/32")
    return Peer(key(number), name or f"p{number}", allowed_ips=(address,), **fields)


def adding(*numbers: int) -> Callable[[Draft], tuple[int, ...]]:
    def edit(draft: Draft) -> tuple[int, ...]:
        draft.put_peers("wg0", map(peer, numbers))
        return numbers

    return edit


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, also those that should not be there."""
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file() and each.name != ".gitignore"
    }


def numbers(state: DesiredState) -> set[str]:
    return {each.name for interface in state.interfaces for each in interface.peers}


class Writer(threading.Thread):
    """Writes in a thread and keeps what came."""

    def __init__(self, transactions: Transactions, edit: Callable[[Draft], Any]) -> None:
        super().__init__()
        self.transactions, self.edit = transactions, edit
        self.written: Written[Any] | None = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.written = self.transactions.write(self.edit)
        except Exception as error:
            self.error = error


def together(transactions: Transactions, host: Host, *edits: Callable[[Draft], Any]) -> list[Writer]:
    """Write so that all edits come while a pass is under way, in this order; returns when all is over."""
    host.gate = threading.Event()
    first = Writer(transactions, adding(99))
    assert host.entered.acquire(timeout=SOON)
    writers = []
    for edit in edits:
        writers.append(Writer(transactions, edit))
        end = time.monotonic() + SOON
        while len(getattr(transactions._group._open, "requests", ())) < len(writers):
            assert time.monotonic() < end
            time.sleep(0.001)
    host.gate.set()
    for each in (first, *writers):
        each.join(SOON)
        assert not each.is_alive()
    assert first.error is None
    return writers


class TestOneWrite:
    def test_it_is_saved_and_applied(self, transactions: Transactions, host: Host, store: WarmStore) -> None:
        written = transactions.write(adding(5))
        assert written.data == (5,)
        assert written.outcome == Outcome((Converged("wg0"),))
        assert written.state == Store(store.state).load() == host.live
        assert host.passes == [(("wg0",), False)]

    def test_what_is_acknowledged_can_be_seen_at_once(self, transactions: Transactions, store: WarmStore) -> None:
        transactions.write(adding(5))
        assert "p5" in numbers(store.recent())

    def test_an_edit_that_raises_leaves_no_trace(
        self, transactions: Transactions, host: Host, store: WarmStore, secrets: Secrets
    ) -> None:
        def edit(draft: Draft) -> None:
            draft.put_peers("wg0", [peer(5, preshared_key=draft.keep("wg0/p5.psk", generate_secret_key()))])
            raise Refusal("no more addresses")

        before = files(store.state)
        with pytest.raises(Refusal, match="no more"):
            transactions.write(edit)
        assert (files(store.state), host.passes, secrets.folder.exists()) == (before, [], False)

    def test_an_edit_that_breaks_a_rule_leaves_no_trace(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        before = files(store.state)
        with pytest.raises(StateError, match="belongs to"):
            transactions.write(
                lambda draft: draft.put_peers("wg0", [replace(peer(5), allowed_ips=peer(0).allowed_ips)])
            )
        assert (files(store.state), host.passes) == (before, [])

    def test_an_edit_that_changes_nothing_needs_no_pass(self, transactions: Transactions, host: Host) -> None:
        assert transactions.write(lambda draft: "seen").data == "seen"
        assert host.passes == []

    def test_every_interface_that_is_touched_is_converged(self, transactions: Transactions, host: Host) -> None:
        def edit(draft: Draft) -> None:
            draft.put_interface(Interface("wg1", (Address("10.8.0.1/24"),)))
            draft.put_peers("wg0", [peer(5)])

        transactions.write(edit)
        assert host.passes == [(("wg0", "wg1"), False)]

    def test_force_goes_with_what_takes_away(self, transactions: Transactions, host: Host) -> None:
        transactions.write(lambda draft: draft.remove_peers("wg0", [key(1)]))
        transactions.write(lambda draft: draft.remove_interface("wg0"))
        assert host.passes == [(("wg0",), True), (("wg0",), True)]
        assert host.live == DesiredState()

    def test_an_edit_must_not_write(self, transactions: Transactions) -> None:
        with pytest.raises(RuntimeError, match="inside a run"):
            transactions.write(lambda draft: transactions.write(adding(5)))
        assert transactions.write(adding(6)).data == (6,)


class TestKeys:
    def test_they_are_there_before_the_document(
        self, transactions: Transactions, store: WarmStore, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret, seen = generate_secret_key(), []
        real = store.land

        def land(*arguments: Any, **more: Any) -> Any:
            seen.append((secrets.folder / "wg0/p5.psk").read_text())
            return real(*arguments, **more)

        monkeypatch.setattr(store, "land", land)
        transactions.write(with_key(secret))
        assert seen == [f"{secret.reveal()}\n"]
        assert list(files(secrets.folder)) == ["wg0/p5.psk"]
        assert (secrets.folder / "wg0/p5.psk").stat().st_mode & 0o777 == 0o600
        assert (secrets.folder / "wg0").stat().st_mode & 0o777 == 0o700

    def test_they_go_when_the_pass_fails(self, transactions: Transactions, host: Host, secrets: Secrets) -> None:
        host.fail = lambda state: "no" if "p5" in numbers(state) else ""
        with pytest.raises(ConvergenceError):
            transactions.write(with_key(generate_secret_key()))
        assert files(secrets.folder) == {}

    def test_they_go_when_the_state_cannot_be_saved(
        self, transactions: Transactions, store: WarmStore, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(store, "land", full)
        with pytest.raises(OSError, match="No space"):
            transactions.write(with_key(generate_secret_key()))
        assert files(secrets.folder) == {}

    @pytest.mark.parametrize("wish", ["add", "remove"])
    @pytest.mark.parametrize("moment", ["keys", "documents", "converge", "remove"])
    def test_a_kill_leaves_none_that_nothing_refers_to(
        self, store: WarmStore, secrets: Secrets, wish: str, moment: str
    ) -> None:
        secrets.folder.mkdir(mode=0o700)
        if wish == "remove":
            Transactions(store, secrets, Host(store)).write(with_key(generate_secret_key()))
        program = [sys.executable, "-c", DIES, str(secrets.folder.parent), wish, moment]
        assert subprocess.run(program, cwd=REPOSITORY, timeout=SOON).returncode == -signal.SIGKILL
        again = WarmStore(store.state)
        Transactions(again, secrets, Host(again)).settle()
        kept = {"wg0/p5.psk"} if "p5" in numbers(again.load()) else set()
        assert {*files(secrets.folder)} == kept

    def test_a_kill_of_the_very_first_write_leaves_none_either(self, store: WarmStore, secrets: Secrets) -> None:
        program = [sys.executable, "-c", DIES, str(secrets.folder.parent), "add", "keys"]
        assert subprocess.run(program, cwd=REPOSITORY, timeout=SOON).returncode == -signal.SIGKILL
        assert "wg0/p5.psk" in files(secrets.folder)
        Transactions(store, secrets, Host(store)).settle()
        assert files(secrets.folder) == {}

    def test_one_that_cannot_go_is_not_forgotten_over_the_next_one(
        self, transactions: Transactions, host: Host, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What fails together is tried alone at once, while the disk is still as it was."""

        def refuse(*_: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        host.fail = lambda state: "no" if "p6" in numbers(state) else ""
        with monkeypatch.context() as patch:
            patch.setattr(keyfiles, "remove", refuse)
            together(transactions, host, with_key(generate_secret_key()), adding(6))
        assert {"wg0/p5.psk", "wg0/p5-2.psk"} <= files(secrets.folder).keys()
        transactions.settle()
        assert [*files(secrets.folder)] == ["wg0/p5-2.psk"]

    def test_they_are_noted_on_the_disk_before_they_are_there(
        self, transactions: Transactions, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So that a stop of the machine leaves none either; what fsync does only the kernel can vouch for."""
        noted = []

        def fsync(file: int) -> None:
            path = Path(f"/proc/self/fd/{file}").readlink()
            if path.name == NOTE:
                noted.append((path.read_text(), sorted(files(secrets.folder))))

        monkeypatch.setattr(os, "fsync", fsync)
        transactions.write(with_key(generate_secret_key()))
        transactions.write(lambda draft: draft.remove_peers("wg0", [key(5)]))
        text = '["wg0/p5.psk"]'
        assert noted == [(text, [NOTE]), (text, [NOTE, "wg0/p5.psk"])]

    @pytest.mark.parametrize("text", ["", "null", "5", '{"a": 1}', "[1, null]", '["wg0/p5'])
    def test_a_note_that_is_none_hinders_nobody(
        self, store: WarmStore, secrets: Secrets, host: Host, text: str
    ) -> None:
        secrets.folder.mkdir(mode=0o700)
        (secrets.folder / NOTE).write_text(text)
        Transactions(store, secrets, host).write(with_key(generate_secret_key()))
        assert [*files(secrets.folder)] == ["wg0/p5.psk"]

    def test_those_of_a_peer_that_is_gone_go_with_it(self, transactions: Transactions, secrets: Secrets) -> None:
        transactions.write(with_key(generate_secret_key()))
        transactions.write(lambda draft: draft.remove_peers("wg0", [key(5)]))
        assert files(secrets.folder) == {}

    def test_one_that_cannot_go_makes_nothing_undone_and_goes_later(
        self, transactions: Transactions, store: WarmStore, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transactions.write(with_key(generate_secret_key()))

        def refuse(*_: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        with monkeypatch.context() as patch:
            patch.setattr(keyfiles, "remove", refuse)
            transactions.write(lambda draft: draft.remove_peers("wg0", [key(5)]))
        assert "p5" not in numbers(store.load())
        assert [*files(secrets.folder)] != []
        transactions.settle()
        assert files(secrets.folder) == {}

    def test_those_of_a_peer_that_stays_stay(
        self, transactions: Transactions, host: Host, secrets: Secrets
    ) -> None:
        transactions.write(with_key(generate_secret_key()))
        host.fail = lambda state: "" if "p5" in numbers(state) else "no"
        with pytest.raises(ConvergenceError):
            transactions.write(lambda draft: draft.remove_peers("wg0", [key(5)]))
        host.fail = lambda state: ""
        transactions.write(lambda draft: draft.put_peers("wg0", [replace(draft.peer("wg0", key(5)), name="new")]))
        assert [*files(secrets.folder)] == ["wg0/p5.psk"]

    def test_one_that_another_peer_refers_to_stays(self, transactions: Transactions, secrets: Secrets) -> None:
        transactions.write(with_key(generate_secret_key()))
        transactions.write(
            lambda draft: draft.put_peers("wg0", [peer(6, preshared_key=draft.peer("wg0", key(5)).preshared_key)])
        )
        transactions.write(lambda draft: draft.remove_peers("wg0", [key(5)]))
        assert [*files(secrets.folder)] == ["wg0/p5.psk"]
        transactions.write(lambda draft: draft.remove_peers("wg0", [key(6)]))
        assert files(secrets.folder) == {}

    def test_a_new_one_has_a_name_of_its_own(self, transactions: Transactions, secrets: Secrets) -> None:
        def renew(draft: Draft) -> None:
            found = draft.peer("wg0", key(5))
            assert found
            fresh = draft.keep("wg0/p5.psk", generate_secret_key())
            draft.put_peers("wg0", [replace(found, preshared_key=fresh)])

        transactions.write(with_key(generate_secret_key()))
        transactions.write(renew)
        assert [*files(secrets.folder)] == ["wg0/p5-2.psk"]


def with_key(secret: Any) -> Callable[[Draft], None]:
    def edit(draft: Draft) -> None:
        draft.put_peers("wg0", [peer(5, preshared_key=draft.keep("wg0/p5.psk", secret))])

    return edit


class TestTheWayBack:
    def test_every_byte_and_what_is_live_is_as_before(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        before, live = files(store.state), host.live
        host.fail = lambda state: "wg0: still different: p5 allowed_ips" if "p5" in numbers(state) else ""
        with pytest.raises(ConvergenceError, match="still different: p5"):
            transactions.write(adding(5))
        assert (files(store.state), host.live) == (before, live)
        assert store.recent() == live
        assert host.passes == [(("wg0",), False), (("wg0",), True)]

    @pytest.mark.parametrize("kind", [BusyError, DependencyError, UnsafePlanError])
    def test_a_pass_that_never_began_needs_no_pass_back(
        self, transactions: Transactions, host: Host, store: WarmStore, kind: type[Exception]
    ) -> None:
        before = files(store.state)
        host.refuse = lambda state: kind("later")
        with pytest.raises(kind, match="later"):
            transactions.write(adding(5))
        assert files(store.state) == before
        assert len(host.passes) == 1

    def test_when_it_fails_too_both_reasons_are_told(self, transactions: Transactions, host: Host) -> None:
        host.fail = lambda state: "the disk is full"
        with pytest.raises(
            ConvergenceError, match="the disk is full; and the way back failed, too: the disk is full"
        ):
            transactions.write(adding(5))

    def test_an_unexpected_error_is_led_back_as_well(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        before = files(store.state)
        host.refuse = lambda state: ZeroDivisionError() if "p5" in numbers(state) else None
        with pytest.raises(ZeroDivisionError):
            transactions.write(adding(5))
        assert files(store.state) == before
        assert len(host.passes) == 2

    def test_documents_that_cannot_be_put_back_are_told(
        self, transactions: Transactions, host: Host, store: WarmStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(store.state))

        monkeypatch.setattr(store, "restore", full)
        host.fail = lambda state: "no"
        words = (
            rf"no; and the documents cannot be put back: .*No space left.*'{store.state}'; take the change back"
        )
        with pytest.raises(ConvergenceError, match=words):
            transactions.write(adding(5))

    def test_what_somebody_else_wrote_meanwhile_stays(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        def fail(state: DesiredState) -> str:
            if "p5" not in numbers(state):
                return ""
            (store.state / "wg0/eve.yaml").write_text(f"public_key: {key(8)}\n")
            return "no"

        host.fail = fail
        with pytest.raises(ConvergenceError):
            transactions.write(adding(5))
        assert numbers(Store(store.state).load()) == {"alice", "eve"}


class TestTogether:
    def test_one_save_and_one_pass_serve_all(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        writers = together(transactions, host, *(adding(each) for each in range(10, 15)))
        assert [each.written and each.written.data for each in writers] == [(each,) for each in range(10, 15)]
        assert len(host.passes) == 2
        assert {f"p{each}" for each in range(10, 15)} <= numbers(store.load())

    def test_each_edit_sees_those_before_it(self, transactions: Transactions, host: Host) -> None:
        def next_free(draft: Draft) -> str:
            taken = {ip for each in draft.interface("wg0").peers for ip in each.allowed_ips}
            number = next(each for each in range(100) if peer(each).allowed_ips[0] not in taken)
            draft.put_peers("wg0", [peer(number)])
            return f"p{number}"

        writers = together(transactions, host, *[next_free] * 6)
        given = [each.written.data for each in writers if each.written]
        assert len(given) == len({*given}) == 6

    def test_two_edits_of_one_document_are_both_in_it(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        def setting(**fields: Any) -> Callable[[Draft], None]:
            return lambda draft: draft.put_interface(replace(draft.interface("wg0"), **fields))

        together(transactions, host, setting(mtu=1400), setting(listen_port=51999))
        text = (store.state / "wg0.yaml").read_text()
        assert text == "# the office\naddress: 10.7.0.1/16\nlisten_port: 51999\nmtu: 1400\n"

    def test_what_cannot_be_fails_alone(self, transactions: Transactions, host: Host, store: WarmStore) -> None:
        def refused(draft: Draft) -> None:
            draft.put_peers("wg0", [peer(20)])
            raise Refusal("no")

        thief = replace(peer(21), allowed_ips=peer(10).allowed_ips)
        writers = together(
            transactions, host, adding(10), refused, lambda draft: draft.put_peers("wg0", [thief]), adding(11)
        )
        assert [type(each.error) for each in writers] == [type(None), Refusal, StateError, type(None)]
        assert numbers(store.load()) == {"alice", "p99", "p10", "p11"}
        assert len(host.passes) == 2

    def test_what_cannot_be_applied_takes_no_other_with_it(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        host.fail = lambda state: "p11 is bad" if "p11" in numbers(state) else ""
        writers = together(transactions, host, adding(10), adding(11), adding(12))
        assert [each.error and str(each.error) for each in writers] == [None, "p11 is bad", None]
        assert numbers(store.load()) == {"alice", "p99", "p10", "p12"}
        assert host.live == store.load()

    def test_what_is_refused_as_a_whole_is_tried_one_by_one(
        self, transactions: Transactions, host: Host, store: WarmStore
    ) -> None:
        host.refuse = lambda state: UnsafePlanError("too much") if {"p10", "p11"} <= numbers(state) else None
        writers = together(transactions, host, adding(10), adding(11))
        assert [type(each.error) for each in writers] == [type(None), UnsafePlanError]
        assert numbers(store.load()) == {"alice", "p99", "p10"}


class TestSomebodyElse:
    def test_who_changed_the_same_document_is_not_overwritten(
        self, transactions: Transactions, store: WarmStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The state in memory is a moment old; the edit is tried once more with what is on disk."""
        seen = []
        store.load()

        def edit(draft: Draft) -> None:
            alice = draft.peer("wg0", key(1))
            assert alice
            seen.append(alice.persistent_keepalive)
            draft.put_peers("wg0", [replace(alice, description="edited")])
            if len(seen) == 1:
                path = store.state / "wg0/alice.yaml"
                path.write_text(path.read_text() + "persistent_keepalive: 21\n")

        transactions.write(edit)
        assert seen == [None, 21]
        (alice,) = Store(store.state).load().interfaces[0].peers
        assert (alice.description, alice.persistent_keepalive) == ("edited", 21)

    def test_who_took_the_address_first_keeps_it(self, transactions: Transactions, store: WarmStore) -> None:
        store.load()
        (store.state / "wg0/eve.yaml").write_text(f"public_key: {key(8)}\nallowed_ips: {peer(5).allowed_ips[0]}\n")
        before = files(store.state)
        with pytest.raises(StateError, match=r"wg0/eve\.yaml: allowed_ips"):
            transactions.write(adding(5))
        assert files(store.state) == before

    def test_a_state_with_faults_is_told(self, transactions: Transactions, store: WarmStore) -> None:
        (store.state / "wg0/eve.yaml").write_text("public_key: nonsense\n")
        with pytest.raises(StateError, match=r"wg0/eve.yaml:1: public_key"):
            transactions.write(adding(5))
        assert "p5" not in "".join(files(store.state))


def test_no_update_is_lost_with_many_threads(
    transactions: Transactions, host: Host, store: WarmStore, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight threads add, change and remove while passes fail now and then; what was acknowledged is there."""
    random_ = random.Random(1)
    monkeypatch.setattr(warm, "RECENT", 0.05)
    host.fail = lambda state: "bad luck" if random_.random() < 0.1 else ""
    expected: dict[str, str | None] = {"alice": ""}

    def work(first: int) -> None:
        for number in range(first, first + 12):
            attempt(number, "fresh")
            attempt(number, "changed")
            attempt(number, None if number % 3 == 0 else "changed again")

    def attempt(number: int, description: str | None) -> None:
        try:
            transactions.write(removing(number) if description is None else describing(number, description))
            expected[f"p{number}"] = description
        except ConvergenceError:
            pass

    threads = [threading.Thread(target=work, args=(100 * each,)) for each in range(1, 9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
        assert not each.is_alive()
    host.fail = lambda state: ""
    host.converge(["wg0"])
    final = Store(store.state).load()
    there = {each.name: each.description for each in final.interfaces[0].peers}
    assert there == {name: description for name, description in expected.items() if description is not None}
    assert host.live == final == store.load()
    referred = {each.preshared_key.name for each in final.interfaces[0].peers if each.preshared_key}
    assert {*files(secrets.folder)} == referred
    assert not [*store.state.rglob(".*")]


def describing(number: int, description: str) -> Callable[[Draft], None]:
    """Add or change a peer, with a new key each time."""

    def edit(draft: Draft) -> None:
        psk = draft.keep(f"wg0/p{number}.psk", generate_secret_key())
        draft.put_peers("wg0", [peer(number, preshared_key=psk, description=description)])

    return edit


def removing(number: int) -> Callable[[Draft], None]:
    return lambda draft: draft.remove_peers("wg0", [key(number)])


DIES = """
import os, signal, sys
from pathlib import Path
from tests.api.test_transactions import Host, removing, with_key
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired import keyfiles
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.warm import WarmStore
from wgreconcile.values import generate_secret_key
store = WarmStore(Path(sys.argv[1]) / "state")
host = Host(store)
def dying(real):
    def die(*arguments, **more):
        real(*arguments, **more)
        os.kill(os.getpid(), signal.SIGKILL)
    return die
moments = {"keys": (keyfiles, "land"), "documents": (store, "land")}
moments |= {"converge": (host, "converge"), "remove": (keyfiles, "remove")}
where, name = moments[sys.argv[3]]
setattr(where, name, dying(getattr(where, name)))
edit = with_key(generate_secret_key()) if sys.argv[2] == "add" else removing(5)
Transactions(store, Secrets(Path(sys.argv[1]) / "secrets"), host).write(edit)
os.kill(os.getpid(), signal.SIGKILL)  # it did not come by there
"""
"""Is killed once a write has come so far that a part of it is done."""


KILLED = """
import os
import sys
from pathlib import Path
from tests.api.test_transactions import Host, adding, with_pairs
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.warm import WarmStore
import threading
store = WarmStore(Path(sys.argv[1]) / "state")
transactions = Transactions(store, Secrets(Path(sys.argv[1]) / "secrets"), Host(store))
first = int(sys.argv[2])
def work(thread):
    for number in range(first + 30 * thread, first + 30 * thread + 30, 3):
        transactions.write(with_pairs(number))
        os.write(1, b"%d\\n" % number)
threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""


def with_pairs(number: int) -> Callable[[Draft], None]:
    """Three peers in three documents, each with a key: all of them or none."""

    def edit(draft: Draft) -> None:
        peers = [peer(each) for each in range(number, number + 3)]
        kept = [draft.keep(f"wg0/{each.name}.psk", generate_secret_key()) for each in peers]
        draft.put_peers("wg0", [replace(each, preshared_key=psk) for each, psk in zip(peers, kept, strict=True)])

    return edit


def test_killed_in_the_middle_it_is_before_or_after(store: WarmStore, secrets: Secrets, tmp_path: Path) -> None:
    random_ = random.Random(2)
    acknowledged: set[int] = set()
    for attempt in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(1000 + 200 * attempt)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert process.stdout
        acknowledged.add(int(process.stdout.readline()))
        time.sleep(random_.random() / 10)
        process.send_signal(signal.SIGKILL)
        acknowledged |= {int(line) for line in process.communicate(timeout=SOON)[0].splitlines() if line.strip()}
        state = Store(store.state).load()  # raises when anything is wrong with it
        there = {int(each[1:]) for each in numbers(state) if each != "alice"}
        assert {number + each for number in acknowledged for each in range(3)} <= there
        assert all(
            {number, number + 1, number + 2} <= there
            for number in {each - (each - 1000) % 200 % 3 for each in there}
        )
        for interface in state.interfaces:
            secrets.resolve_interface(replace(interface, private_key=generate_secret_key()))
