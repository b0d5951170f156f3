"""The store of a long-lived process: always what a plain store would load, at the price of what has changed."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from wgreconcile.desired import layout, loading, reading, saving, warm
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.layout import Stamp
from wgreconcile.desired.model import DesiredState, Peer
from wgreconcile.desired.store import Foreseen, Store
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import StateError

from .samples import FROM_2040, Folder, clock_at, key, public


@pytest.fixture
def state(folder: Folder) -> Folder:
    folder.write("wg0.yaml", "address: 10.7.0.1/24\nlisten_port: 51820\npeers:\n- public_key: $KEY1\n")
    folder.peer(2, "wg0/alice.yaml", "allowed_ips: 10.7.0.2\n")
    folder.peer(3, "wg0/bob.yaml", "allowed_ips: 10.7.0.3\n")
    return folder


@pytest.fixture
def store(state: Folder) -> WarmStore:
    return WarmStore(state.path)


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was left to the plain store."""
    seen: list[str] = []
    real = Store._checked

    def checked(self: Store, overlay: warm.Overlay) -> object:
        seen.append(", ".join(overlay))
        return real(self, overlay)

    monkeypatch.setattr(Store, "_checked", checked)
    return seen


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The documents that the warm store parses."""
    seen: list[str] = []

    def read(kind: object, text: str, file: str, **more: object) -> object:
        seen.append(file)
        return reading.read(kind, text, file, **more)

    monkeypatch.setattr(warm, "read", read)
    yield seen


def test_nothing_is_parsed_again(
    state: Folder, store: WarmStore, cold: list[str], parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "TICK_NS", -(10**12))
    assert store.load() == state.load()
    assert store.load() is store.load()
    assert (cold[0], parsed) == ("", [])


def test_young_documents_are_looked_into_once(state: Folder, store: WarmStore, parsed: list[str]) -> None:
    first = store.load()
    assert store.load() == first
    assert sorted(parsed) == ["wg0.yaml", "wg0/alice.yaml", "wg0/bob.yaml"]
    assert store.load() is store.load()
    assert len(parsed) == 3


def test_a_change_within_the_same_stamp_is_seen(state: Folder, store: WarmStore) -> None:
    path = state.path / "wg0/bob.yaml"
    store.load()
    stamp = path.stat()
    with path.open("r+") as file:
        file.write(path.read_text().replace("10.7.0.3", "10.7.0.9"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert store.load() == state.load()


def test_where_times_are_whole_seconds_a_change_is_seen_for_longer(
    state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = 10**9
    times = {"now": 0}

    def stamps(folder: Path) -> dict[str, Stamp]:
        """Those of a file system that knows no more than seconds, in which all has just been written."""
        written = times["now"] - times["now"] % second
        return {path: (written, 1, 1, written) for path in layout.stamps(folder)}

    monkeypatch.setattr(warm, "stamps", stamps)
    monkeypatch.setattr(time, "time_ns", lambda: times["now"])
    times["now"] = 1000 * second + second - 1
    store.load()
    (state.path / "wg0/bob.yaml").write_text((state.path / "wg0/bob.yaml").read_text() + "name: Bobby\n")
    assert store.load() == state.load()


def test_one_changed_document_costs_one(
    state: Folder, store: WarmStore, cold: list[str], parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "TICK_NS", -(10**12))
    before = store.load()
    cold.clear()
    state.peer(3, "wg0/bob.yaml", "name: Bob\nallowed_ips: 10.7.0.33\n")
    after = store.load()
    assert (cold, parsed) == ([], ["wg0/bob.yaml"])
    assert after == state.load()
    kept = {id(each) for each in before.interfaces[0].peers} & {id(each) for each in after.interfaces[0].peers}
    assert len(kept) == 2, "what did not change is the same object"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("wg0/eve.yaml", "public_key: $KEY4\nallowed_ips: 10.7.0.3/32\n"),
        ("wg0/eve.yaml", "public_key: $KEY2\n"),
        ("wg0/eve.yaml", "public_key: $KEY1\n"),
        ("wg0/eve.yaml", "public_key: nonsense\n"),
        ("wg0/eve.yaml", "&anchor\n"),
        ("wg0/eve.yaml", b"name: \xff\n"),
        ("wg0/eve.yml", "public_key: $KEY4\n"),
        ("wg0/deep/eve.yaml", "public_key: $KEY4\n"),
        ("wg1.yaml", "listen_port: 51820\n"),
        ("wg1.yaml", "address: 10.7.0.1/24\n"),
        ("wg1.yaml", "address: 10.7.0.3/31\n"),
        ("wg2/eve.yaml", "public_key: $KEY4\n"),
        ("no interface.yaml", "{}\n"),
    ],
)
def test_faults_are_those_of_the_plain_store(
    state: Folder, store: WarmStore, path: str, text: str | bytes
) -> None:
    sound = store.load()
    if isinstance(text, bytes):
        (state.path / path).write_bytes(text)
    else:
        state.write(path, text)
    with pytest.raises(StateError) as expected:
        state.load()
    for _ in range(2):
        with pytest.raises(StateError) as found:
            store.load()
        assert found.value.faults == expected.value.faults
    (state.path / path).unlink()
    if "deep" in path:
        (state.path / path).parent.rmdir()
    assert store.load() == sound


def test_a_folder_that_goes_away_is_no_empty_state(state: Folder, store: WarmStore) -> None:
    sound = store.load()
    state.path.rename(state.path.with_name("elsewhere"))
    with pytest.raises(StateError):
        store.load()
    state.path.with_name("elsewhere").rename(state.path)
    assert store.load() == sound


def test_recent_needs_no_look_at_the_disk(
    state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.recent()
    monkeypatch.setattr(warm, "stamps", pytest.fail)
    state.peer(4)
    assert store.recent() is first


def test_recent_ends(state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.recent()
    state.peer(4)
    monkeypatch.setattr(warm, "RECENT", 0.0)
    assert store.recent() == state.load()


def test_who_looks_now_and_then_shares_the_looks_of_others(
    state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.recent()
    state.peer(4)
    monkeypatch.setattr(warm, "RECENT", 0.0)
    assert store.recent(60.0) is first
    assert store.recent() == store.recent(60.0) == state.load()


def test_what_is_saved_is_in_memory_at_once(
    state: Folder, store: WarmStore, cold: list[str], parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load()
    store.load()
    cold.clear()
    parsed.clear()
    store.save({"wg0/carol.yaml": {"public_key": key(5)}, "wg0/bob.yaml": None})
    assert store.recent() == state.load() == store.load()
    assert parsed == ["wg0/carol.yaml"], "once for the check, and never again"
    assert cold == [""], "the one load of the plain store"


def test_what_was_foreseen_is_not_found_out_again(state: Folder, store: WarmStore, parsed: list[str]) -> None:
    before = store.load()
    changes, foreseen = carol(before)
    landed = store.land(changes, foreseen=foreseen)[1]
    assert store.recent() is foreseen.after
    landed.settle()
    assert store.load() == state.load() == foreseen.after
    assert "wg0/carol.yaml" not in parsed


def test_what_was_foreseen_of_another_state_is_found_out(state: Folder, store: WarmStore) -> None:
    changes, foreseen = carol(store.load())
    store.save({"wg0/bob.yaml": None})
    store.land(changes, foreseen=foreseen)[1].settle()
    assert store.recent() == state.load()
    assert key(3) not in str(state.load()) and key(5) in str(state.load())


def test_a_text_that_says_something_else_is_not_what_was_foreseen(
    state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, foreseen = carol(store.load())
    monkeypatch.setattr(
        "wgreconcile.desired.emit.dump", lambda data: f"public_key: {key(6)}\n"
    )  # no real one does
    store.land(changes, foreseen=foreseen)[1].settle()
    assert store.recent() == state.load() != foreseen.after


@pytest.mark.parametrize("changed", ["name: Robert\nallowed_ips: 10.7.0.3\n", None])
def test_what_a_hand_did_and_undid_is_not_kept(state: Folder, store: WarmStore, changed: str | None) -> None:
    """A draft reads it in between, and has nothing to change in that document, but in another one."""
    store.load()
    store.load()
    bob = state.path / "wg0/bob.yaml"
    text = bob.read_bytes()
    bob.unlink()
    if changed:
        state.peer(3, "wg0/bob.yaml", changed)
    draft = Draft(store.recent(), store.document, lambda name: False, datetime.now(timezone.utc))
    if changed:
        draft.put_peers("wg0", [peer for peer in draft.interface("wg0").peers if peer.public_key == key(3)])
    else:
        draft.remove_peers("wg0", [key(3)])
    draft.put_peers("wg0", [Peer(public(5), "carol")])
    draft.check()
    store.land(draft.documents, expected=draft.versions, foreseen=draft.foreseen)[1].settle()
    bob.write_bytes(text)
    assert store.load() == state.load()


def carol(before: DesiredState) -> tuple[dict[str, dict[str, str]], Foreseen]:
    """One more peer of wg0, and what comes of it."""
    draft = Draft(before, lambda path: None, lambda name: False, datetime.now(timezone.utc))
    draft.put_peers("wg0", [Peer(public(5), "carol")])
    draft.check()
    return {"wg0/carol.yaml": {"name": "carol", "public_key": key(5)}}, draft.foreseen


def test_save_refuses_as_the_plain_store_does(state: Folder, store: WarmStore) -> None:
    before = store.load()
    changes = {"wg0/eve.yaml": {"public_key": key(2)}}
    with pytest.raises(StateError) as expected:
        Store(state.path).save(changes)
    with pytest.raises(StateError) as found:
        store.save(changes)
    assert found.value.faults == expected.value.faults
    assert store.recent() == before


def test_restore_is_seen(state: Folder, store: WarmStore) -> None:
    before = store.load()
    snapshot = store.save({"wg0/carol.yaml": {"public_key": key(5)}})
    assert store.recent() != before
    store.restore(snapshot)
    assert store.recent() == before == state.load()


def test_a_failed_write_is_not_remembered(
    state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.load()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "write", full)
    with pytest.raises(OSError, match="No space"):
        store.save({"wg0/carol.yaml": {"public_key": key(5)}})
    assert store.recent() == before == store.load()


@pytest.mark.parametrize("seed", range(15))
def test_it_is_always_the_state_of_the_plain_store(tmp_path: Path, seed: int) -> None:
    """Random documents come, change and go, on disk and through the store, sound and not."""
    random_ = random.Random(seed)
    folder = Folder(tmp_path / "state", tmp_path / "cache")
    folder.path.mkdir()
    store = WarmStore(folder.path)
    names = ["wg0.yaml", "wg1.yaml", *(f"wg{n}/p{m}.yaml" for n in (0, 1) for m in range(4))]
    for _ in range(60):
        path = random_.choice(names)
        if random_.random() < 0.3:
            (folder.path / path).unlink(missing_ok=True)
        elif "/" in path:
            ips = f"10.7.{random_.randrange(2)}.{random_.randrange(6)}"
            folder.peer(random_.randrange(1, 7), path, f"allowed_ips: {ips}\n")
        else:
            inline = "".join(f"- public_key: {key(each)}\n" for each in random_.sample(range(1, 9), 1))
            port, net = random_.randrange(51820, 51823), random_.randrange(3)
            folder.write(path, f"listen_port: {port}\naddress: 10.7.{net}.1/24\npeers:\n{inline}")
        assert outcome(store) == outcome(Store(folder.path))


def outcome(store: Store) -> object:
    try:
        return store.load()
    except StateError as error:
        return error.faults


def test_many_threads_see_every_save(state: Folder, store: WarmStore) -> None:
    """Each thread finds its own peer in what is recent, right after it was saved."""
    missing: list[int] = []

    def work(first: int) -> None:
        for number in range(first, first + 10):
            store.save({f"wg0/n{number}.yaml": {"public_key": key(number)}})
            if all(each.public_key != key(number) for each in store.recent().interfaces[0].peers):
                missing.append(number)
            store.load()

    threads = [threading.Thread(target=work, args=(100 + 10 * each,)) for each in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert missing == []
    assert store.recent() == store.load() == state.load()
    assert len(state.load().interfaces[0].peers) == 43


def test_time_alone_breaks_a_rule(state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch) -> None:
    state.peer(4, "wg0/cat.yaml", f"allowed_ips: 10.7.0.3\n{FROM_2040}")
    for module in (warm, loading):
        clock_at(monkeypatch, module, datetime(2039, 12, 31, tzinfo=timezone.utc))
    store.load()
    state.peer(5, "wg0/dan.yaml")
    store.load()
    for module in (warm, loading):
        clock_at(monkeypatch, module, datetime(2040, 1, 1, tzinfo=timezone.utc))
    with pytest.raises(StateError, match=r"10\.7\.0\.3/32 belongs to"):
        store.load()


def test_whoever_looks_at_the_stamps_has_looked_for_all(
    state: Folder, store: WarmStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "TICK_NS", -(10**12))
    clock = {"now": 0.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    first = store.load()
    clock["now"] = 10.0
    assert store.stamps() == layout.stamps(state.path)
    monkeypatch.setattr(warm, "stamps", pytest.fail)
    assert store.recent() is first
    monkeypatch.undo()
    state.peer(3, "wg0/bob.yaml", "allowed_ips: 10.7.0.33\n")
    store.stamps()
    assert store.recent(0.0) == state.load()
