"""What few documents say anew: always what loading the whole state says, or nothing at all."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from wgreconcile.desired import memory
from wgreconcile.desired.layout import stamps
from wgreconcile.desired.memory import recall
from wgreconcile.desired.model import DesiredState, Interface, Peer
from wgreconcile.desired.news import FEW, News, news
from wgreconcile.desired.records import interface_from, peer_from
from wgreconcile.errors import StateError

from .samples import Folder, key, public

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
LATER = 2**62
"""When all documents are old enough to be known by their stamps, in nanoseconds."""


@pytest.fixture(autouse=True)
def old(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(memory, "RACY_NS", -(10**12))
    yield


@pytest.fixture
def state(folder: Folder) -> Folder:
    """wg0 with a peer inline and two of their own; wg1 with a key in its document, and a peer."""
    folder.write("wg0.yaml", "address: 10.7.0.1/24\npeers:\n- public_key: $KEY1\n  allowed_ips: 10.7.0.2\n")
    folder.peer(2, "wg0/ann.yaml", "allowed_ips: 10.7.0.3\n")
    folder.peer(3, "wg0/bob.yaml", "allowed_ips: 10.7.0.4\n")
    folder.write("wg1.yaml", "address: 10.8.0.1/24\nprivate_key: $SECRET\n")
    folder.peer(4, "wg1/cat.yaml", "allowed_ips: 10.8.0.2\n")
    folder.load()
    return folder


def found(folder: Folder) -> News | None:
    """The news of a folder since it was loaded last."""
    return news(folder.path, recall(folder.cache, folder.path), stamps(folder.path), LATER, NOW)


def keys(item: News | None) -> dict[str, set[str]]:
    assert item is not None
    return {each.interface.name: set(each.keys) for each in item.interfaces}


def names(item: News | None) -> dict[str, set[str]]:
    assert item is not None
    return {each.interface.name: {peer.name for peer in each.interface.peers} for each in item.interfaces}


def test_without_a_change_there_are_none(state: Folder) -> None:
    item = found(state)
    assert item is not None
    assert item.interfaces == ()
    assert item.version == state.load().version != ""


def test_a_peer_that_comes_changes_or_goes(state: Folder) -> None:
    state.peer(5, "wg0/eve.yaml", "allowed_ips: 10.7.0.9\n")
    state.peer(2, "wg0/ann.yaml", "allowed_ips: 10.7.0.5\n")
    (state.path / "wg0/bob.yaml").unlink()
    assert keys(found(state)) == {"wg0": {key(5), key(2), key(3)}}
    assert names(found(state)) == {"wg0": {"eve", "ann"}}


def test_another_key_concerns_the_old_one_too(state: Folder) -> None:
    state.peer(6, "wg0/ann.yaml")
    assert keys(found(state)) == {"wg0": {key(2), key(6)}}


def test_an_interface_that_holds_a_key_is_read_again(state: Folder) -> None:
    state.peer(4, "wg1/cat.yaml", "allowed_ips: 10.8.0.3\n")
    item = found(state)
    assert keys(item) == {"wg1": {key(4)}}
    assert item is not None
    loaded = state.load().find("wg1")
    assert loaded is not None
    assert item.interfaces[0].interface.private_key == loaded.private_key


def test_interfaces_have_their_settings_and_only_the_new_peers(state: Folder) -> None:
    state.peer(2, "wg0/ann.yaml", "allowed_ips: 10.7.0.5\n")
    item = found(state)
    assert item is not None
    (new,) = item.interfaces
    assert [each.public_key for each in new.interface.peers] == [public(2)]
    assert new.interface.address == ("10.7.0.1/24",)


def test_a_document_that_was_only_touched_is_no_news(state: Folder) -> None:
    os.utime(state.path / "wg0/ann.yaml")
    assert keys(found(state)) == {}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("wg0.yaml", "address: 10.7.0.1/16\n"),
        ("wg2.yaml", "enabled: false\n"),
        ("wg2/orphan.yaml", "public_key: $KEY7\n"),
        ("wg0/eve.yaml", "public_key: short\n"),
        ("wg0/eve.yaml", "public_key: [\n"),
        ("wg0/eve.yaml", "public_key: $KEY7\npreshared_key: $SECRET\n"),
        ("wg0/eve.yml", "public_key: $KEY7\n"),
        ("wg0/eve.yaml", "public_key: $KEY2\n"),
        ("wg0/eve.yaml", "public_key: $KEY1\n"),
        ("wg0/eve.yaml", "public_key: $KEY7\nallowed_ips: 10.7.0.2\n"),
        ("wg0/eve.yaml", "public_key: $KEY7\nallowed_ips: 10.7.0.4\n"),
        ("wg0/eve.yaml", "public_key: $KEY7\nallowed_ips: 10.8.0.9\n"),
        ("wg0/eve.yaml", "public_key: $KEY7\nallowed_ips: 192.0.2.1\n"),
        ("wg0/deeper/eve.yaml", "public_key: $KEY7\n"),
    ],
    ids=[
        "interface",
        "new interface",
        "orphan",
        "schema",
        "syntax",
        "key",
        "yml",
        "same key",
        "same key inline",
        "same network inline",
        "same network",
        "other interface",
        "warning",
        "folder",
    ],
)
def test_what_is_not_simple_is_left_to_loading(state: Folder, path: str, text: str) -> None:
    state.write(path, text)
    assert found(state) is None


def test_what_a_warning_was_about_is_left_to_loading(state: Folder) -> None:
    state.peer(5, "wg0/eve.yaml", "allowed_ips: 192.0.2.1\n")
    state.load()
    state.peer(2, "wg0/ann.yaml", "allowed_ips: 10.7.0.5\n")
    assert keys(found(state)) == {"wg0": {key(2)}}, "a warning about others says nothing of this one"
    state.peer(5, "wg0/eve.yaml", "allowed_ips: 10.7.0.9\n")
    assert found(state) is None


def test_a_state_with_faults_has_none(state: Folder) -> None:
    state.peer(2, "wg0/again.yaml")
    with pytest.raises(StateError):
        state.load()
    (state.path / "wg0/again.yaml").unlink()
    assert found(state) is None


def test_many_are_read_as_a_state(state: Folder) -> None:
    for number in range(FEW + 1):
        state.write(f"wg0/p{number}.yaml", f"public_key: {key(1000 + number)}\n")
    assert found(state) is None


def test_a_young_document_is_known_by_its_content(state: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "RACY_NS", 10**18)
    assert keys(found(state)) == {}
    file = state.path / "wg0/ann.yaml"
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"10.7.0.3", b"10.7.0.8"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert keys(found(state)) == {"wg0": {key(2)}}


def test_the_store_has_none_since_another_version(state: Folder) -> None:
    version = state.load().version
    seen = stamps(state.path)
    assert state.store.news(version, seen, LATER, NOW) is not None
    assert state.store.news("", seen, LATER, NOW) is None
    state.peer(2, "wg0/ann.yaml", "allowed_ips: 10.7.0.5\n")
    assert state.load().version != version
    assert state.store.news(version, stamps(state.path), LATER, NOW) is None


@pytest.mark.parametrize("seed", range(8))
def test_what_is_remembered_of_news_is_what_loading_remembers(state: Folder, seed: int) -> None:
    random_ = random.Random(seed)
    for _ in range(20):
        number = random_.randrange(2, 9)
        path = f"wg{random_.randrange(2)}/p{random_.randrange(5)}.yaml"
        if random_.random() < 0.3:
            (state.path / path).unlink(missing_ok=True)
        else:
            state.peer(number, path, f"allowed_ips: 10.7.0.{random_.randrange(10, 30)}\n")
        item = found(state)
        before = _peers(recall_state(state))
        try:
            after = _peers(Folder(state.path, state.path.parent / "none").load())
        except StateError:
            assert item is None
            continue
        if item is not None:
            new = {(each.interface.name, peer) for each in item.interfaces for peer in each.interface.peers}
            old = {(each.interface.name, key) for each in item.interfaces for key in each.keys}
            assert {(name, peer) for name, peer in before if (name, peer.public_key) not in old} | new == after
            state.store.remember(item)
        assert _peers(state.load()) == after


def recall_state(folder: Folder) -> DesiredState:
    """The state as it was when it was last loaded or its news remembered, which only its records tell."""
    interfaces: dict[str, list[Peer]] = {}
    for path, (_, _, record) in recall(folder.cache, folder.path).documents.items():
        name = path.partition("/")[0].removesuffix(".yaml")
        if "/" not in path and record is not None:
            interfaces.setdefault(name, []).extend(interface_from(record, name, path).peers)
        elif "/" in path:
            interfaces.setdefault(name, []).append(peer_from(record, path))
    return DesiredState(tuple(Interface(name, peers=tuple(peers)) for name, peers in interfaces.items()))


def _peers(state: DesiredState) -> set[tuple[str, object]]:
    return {(interface.name, peer) for interface in state.interfaces for peer in interface.peers}
