"""Edits of a desired state in memory, and the documents that they come to."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Client, DesiredState, Interface, Peer, SecretFile
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import ConflictError, StateError, UsageError
from wgreconcile.values import Address, Network, PublicKey, SecretKey

from .samples import SENTINEL, Folder, key, public

NOW = datetime(2026, 5, 1, tzinfo=timezone.utc)


@pytest.fixture
def state(folder: Folder) -> Folder:
    folder.write(
        "wg0.yaml",
        "# our tunnel\naddress: 10.7.0.1/24\nlisten_port: 51820\nx-owner: me\npeers:\n"
        "- public_key: $KEY1\n  name: inline  # first\n  allowed_ips: 10.7.0.11, 10.7.0.12\n"
        "- public_key: $KEY2\n  name: other\n",
    )
    folder.peer(3, "wg0/alice.yaml", "# her phone\nallowed_ips: 10.7.0.3\nx-room: 12\n")
    return folder


@pytest.fixture
def draft(state: Folder) -> Draft:
    return draft_of(state)


def draft_of(folder: Folder, *keys: str) -> Draft:
    return Draft(folder.load(), folder.store.document, keys.__contains__, NOW)


def peer(number: int, name: str = "", **fields: object) -> Peer:
    return Peer(public(number), name, allowed_ips=(Network(f"10.7.0.{number}/32"),), **fields)


def saved(draft: Draft, folder: Folder) -> None:
    """Save; what is on disk then must be what the draft said that it would be."""
    draft.check()
    folder.store.save(draft.documents, expected=draft.versions)
    assert folder.load() == draft.state
    origins = [{each.public_key: each.origin for each in wg.peers} for wg in draft.state.interfaces]
    assert origins == [{each.public_key: each.origin for each in wg.peers} for wg in folder.load().interfaces]


def test_a_new_peer_is_a_document_of_its_own(draft: Draft, state: Folder) -> None:
    draft.put_peers("wg0", [peer(5, "Bob's Phone")])
    assert [*draft.documents] == ["wg0/bob-s-phone.yaml"]
    assert draft.peer("wg0", key(5)) == peer(5, "Bob's Phone")
    saved(draft, state)


def test_new_peers_of_one_name_have_two_documents(draft: Draft, state: Folder) -> None:
    draft.put_peers("wg0", [peer(5, "Alice"), peer(6, "alice"), peer(7, "ALICE")])
    assert [*draft.documents] == [f"wg0/alice-{number}.yaml" for number in (2, 3, 4)]
    draft.put_peers("wg0", [peer(8, "alice")])
    assert "wg0/alice-5.yaml" in draft.documents
    saved(draft, state)


def test_a_name_that_makes_no_file_gives_way_to_the_key(draft: Draft, state: Folder) -> None:
    draft.put_peers("wg0", [peer(5, "日本")])
    assert [*draft.documents] == ["wg0/peer-bqaaaaaaaaaa.yaml"]
    saved(draft, state)
    found = state.load().interfaces[0].peers
    assert "日本" in {each.name for each in found}


def test_a_changed_peer_keeps_what_was_not_meant(draft: Draft, state: Folder) -> None:
    alice = draft.peer("wg0", key(3))
    assert alice
    draft.put_peers("wg0", [replace(alice, persistent_keepalive=25)])
    saved(draft, state)
    assert (state.path / "wg0/alice.yaml").read_text() == (
        f"public_key: {key(3)}\n# her phone\nallowed_ips: 10.7.0.3\nx-room: 12\npersistent_keepalive: 25\n"
    )


def test_a_field_that_is_the_default_again_goes(draft: Draft, state: Folder) -> None:
    alice = draft.peer("wg0", key(3))
    assert alice
    draft.put_peers("wg0", [replace(alice, enabled=False, client=Client(mtu=1400))])
    draft.put_peers("wg0", [alice])
    assert draft.document("wg0/alice.yaml") == {
        "public_key": key(3),
        "allowed_ips": "10.7.0.3",
        "x-room": 12,
    }
    saved(draft, state)


def test_a_part_of_the_client_settings_changes_alone(folder: Folder) -> None:
    folder.write("wg0.yaml", "address: 10.7.0.1/24\n")
    folder.peer(3, "wg0/a.yaml", "client:\n  mtu: 1400  # tested\n  dns: 10.7.0.1, example.net\n")
    draft = draft_of(folder)
    found = draft.peer("wg0", key(3))
    assert found
    draft.put_peers("wg0", [replace(found, client=replace(found.client, persistent_keepalive=0))])
    saved(draft, folder)
    text = (folder.path / "wg0/a.yaml").read_text()
    assert "  mtu: 1400  # tested\n  dns: 10.7.0.1, example.net\n  persistent_keepalive: 'off'\n" in text


def test_an_inline_peer_changes_where_it_is(draft: Draft, state: Folder) -> None:
    inline = draft.peer("wg0", key(1))
    assert inline
    draft.put_peers("wg0", [replace(inline, enabled=False)])
    saved(draft, state)
    assert "  allowed_ips: 10.7.0.11, 10.7.0.12\n  enabled: false\n" in (state.path / "wg0.yaml").read_text()
    assert "name: inline  # first" in (state.path / "wg0.yaml").read_text()


def test_inline_peers_go_one_after_the_other(draft: Draft, state: Folder) -> None:
    draft.remove_peers("wg0", [key(1)])
    assert "peers" in draft.document("wg0.yaml")
    draft.remove_peers("wg0", [key(2), key(3), key(9)])
    saved(draft, state)
    assert not (state.path / "wg0").exists()
    assert (state.path / "wg0.yaml").read_text() == (
        "# our tunnel\naddress: 10.7.0.1/24\nlisten_port: 51820\nx-owner: me\n"
    )


def test_settings_of_an_interface_change_and_its_peers_stay(draft: Draft, state: Folder) -> None:
    wg0 = draft.interface("wg0")
    draft.put_interface(replace(wg0, enabled=False, peers=()))
    assert draft.interface("wg0") == replace(wg0, enabled=False)
    saved(draft, state)
    assert (
        (state.path / "wg0.yaml")
        .read_text()
        .startswith("# our tunnel\naddress: 10.7.0.1/24\nlisten_port: 51820\nx-owner: me\n")
    )


def test_an_interface_comes_with_its_peers_and_goes_with_them(draft: Draft, state: Folder) -> None:
    draft.put_interface(Interface("wg1", (Address("10.8.0.1/24"),), 51821))
    draft.put_peers("wg1", [Peer(public(7), "seven")])
    saved(draft, state)
    again = draft_of(state)
    again.remove_interface("wg1")
    assert again.documents == {"wg1.yaml": None, "wg1/seven.yaml": None}
    assert again.names == ["wg1"]
    saved(again, state)
    assert [each.name for each in state.load().interfaces] == ["wg0"]


def test_an_edit_sees_the_edits_before_it(draft: Draft, state: Folder) -> None:
    draft.put_peers("wg0", [peer(5, "five")])
    five = draft.peer("wg0", key(5))
    assert five
    draft.put_peers("wg0", [replace(five, persistent_keepalive=20)])
    assert draft.document("wg0/five.yaml")["persistent_keepalive"] == 20
    draft.remove_peers("wg0", [key(5)])
    assert draft.documents == {"wg0/five.yaml": None}
    assert draft.state == state.load()


def test_a_copy_goes_its_own_way(draft: Draft) -> None:
    other = draft.copy()
    other.put_peers("wg0", [peer(5)])
    other.keep("wg0/five.psk", SENTINEL)
    assert (draft.documents, draft.keys, draft.state) == ({}, {}, draft.base)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"public_key": PublicKey("nonsense")}, "wg0/new.yaml: public_key: 'nonsense' is not a public key"),
        ({"name": "a\nb"}, "wg0/a-b.yaml: name: is blank or has a control character"),
        ({"persistent_keepalive": 70000}, "wg0/new.yaml: persistent_keepalive: 70000 is not"),
        ({"allowed_ips": (Network("10.7.0.300/32"),)}, "wg0/new.yaml: allowed_ips[0]: '10.7.0.300/32' is not"),
    ],
)
def test_what_no_document_may_say_is_refused_at_once(draft: Draft, fields: dict[str, object], fault: str) -> None:
    with pytest.raises(StateError) as refused:
        draft.put_peers("wg0", [replace(peer(5, "new"), **fields)])
    assert fault in str(refused.value)
    assert draft.state is draft.base
    assert draft.documents == {}


def test_rules_across_documents_are_checked_at_the_end(draft: Draft) -> None:
    draft.put_peers("wg0", [replace(peer(5, "thief"), allowed_ips=(Network("10.7.0.3/32"),))])
    with pytest.raises(StateError, match=r"allowed_ips: 10.7.0.3/32 belongs to 'alice' in wg0/alice.yaml already"):
        draft.check()
    draft.remove_peers("wg0", [key(3)])
    draft.check()


def test_settings_are_checked_against_other_interfaces(draft: Draft) -> None:
    draft.put_interface(Interface("wg1", (Address("10.9.0.1/24"),), 51820))
    with pytest.raises(StateError, match="51820 is the port of wg0"):
        draft.check()


def test_an_interface_or_peer_that_is_not_there(draft: Draft) -> None:
    assert draft.peer("wg7", key(1)) is draft.peer("wg0", key(9)) is None
    with pytest.raises(UsageError, match="no interface wg7"):
        draft.put_peers("wg7", [peer(5)])
    with pytest.raises(StateError, match="has peers of an interface wg7, which has no document"):
        draft.put_documents({"wg7/a.yaml": {"public_key": key(5)}})
    with pytest.raises(StateError, match="is no place for a document"):
        draft.put_documents({"../etc/passwd": {}})


def test_what_is_taken_away_is_known(draft: Draft) -> None:
    draft.put_peers("wg0", [peer(5)])
    assert not draft.takes_away
    alice = draft.peer("wg0", key(3))
    assert alice
    for taking in (
        lambda each: each.remove_peers("wg0", [key(3)]),
        lambda each: each.put_peers("wg0", [replace(alice, enabled=False)]),
        lambda each: each.put_peers("wg0", [replace(alice, expires=NOW - timedelta(1))]),
        lambda each: each.remove_interface("wg0"),
    ):
        attempt = draft.copy()
        taking(attempt)
        assert attempt.takes_away
        assert attempt.copy().takes_away


def test_keys_get_free_names(state: Folder) -> None:
    draft = draft_of(state, "wg0/five.psk")
    assert draft.keep("wg0/five.psk", SENTINEL) == SecretFile("wg0/five-2.psk")
    assert draft.keep("wg0/five.psk", SENTINEL) == SecretFile("wg0/five-3.psk")
    assert draft.keys == {"wg0/five-2.psk": SENTINEL, "wg0/five-3.psk": SENTINEL}


def test_no_key_shows(draft: Draft) -> None:
    draft.keep("wg0/five.psk", SENTINEL)
    assert isinstance(draft.keys["wg0/five.psk"], SecretKey)
    assert SENTINEL.reveal() not in repr(draft.keys)


def test_a_document_that_changed_meanwhile_is_a_conflict(draft: Draft, state: Folder) -> None:
    alice = draft.peer("wg0", key(3))
    assert alice
    draft.put_peers("wg0", [replace(alice, enabled=False)])
    state.peer(3, "wg0/alice.yaml", "allowed_ips: 10.7.0.33\n")
    with pytest.raises(ConflictError, match=r"wg0/alice.yaml changed meanwhile"):
        state.store.save(draft.documents, expected=draft.versions)


def test_a_document_that_came_meanwhile_is_a_conflict(draft: Draft, state: Folder) -> None:
    draft.put_peers("wg0", [peer(5, "five")])
    state.peer(6, "wg0/five.yaml")
    with pytest.raises(ConflictError, match=r"wg0/five.yaml changed meanwhile"):
        state.store.save(draft.documents, expected=draft.versions)


def test_what_somebody_else_changed_in_the_same_document_before_stays(state: Folder) -> None:
    draft = draft_of(state)
    alice = draft.peer("wg0", key(3))
    assert alice
    state.peer(3, "wg0/alice.yaml", "allowed_ips: 10.7.0.3\ndescription: by hand\n")
    draft.put_peers("wg0", [replace(alice, persistent_keepalive=25)])
    found = draft.peer("wg0", key(3))
    assert found
    assert (found.description, found.persistent_keepalive) == ("by hand", 25)
    saved(draft, state)


def test_a_thousand_peers_in_one_edit_are_quick(folder: Folder, tmp_path: Path) -> None:
    folder.write("wg0.yaml", "address: 10.7.0.1/16\n")
    draft = draft_of(folder)
    peers = [
        Peer(public(each), f"p{each}", allowed_ips=(Network(f"10.7.{each >> 8}.{each & 255}/32"),))
        for each in range(2, 1002)
    ]
    draft.put_peers("wg0", peers)
    draft.check()
    assert len(draft.documents) == len(draft.interface("wg0").peers) == 1000


@pytest.mark.parametrize("seed", range(40))
def test_whatever_edits_come_together_the_documents_say_what_the_draft_says(folder: Folder, seed: int) -> None:
    """Some are dropped, as those that fail are; peers, names and addresses are few, so that they meet again."""
    chance = random.Random(seed)
    folder.write("wg0.yaml", "address: 10.7.0.1/24\npeers:\n- public_key: $KEY1\n  allowed_ips: 10.7.0.1\n")
    folder.peer(2, "wg0/alice.yaml", "allowed_ips: 10.7.0.2\n")
    store = WarmStore(folder.path)
    for _ in range(6):
        draft = Draft(store.recent(), store.document, lambda name: False, NOW)
        for _ in range(chance.randint(1, 8)):
            attempt = draft.copy()
            try:
                edit_by_chance(attempt, chance)
                attempt.check()
            except (StateError, UsageError):
                continue
            if chance.random() < 0.9:
                draft = attempt
        assert {each.public_key for each in draft.changed("wg0")} == {
            each.public_key
            for interface in draft.state.interfaces
            for each in interface.peers
            if each.origin in draft.documents
        }
        store.land(draft.documents, expected=draft.versions, foreseen=draft.foreseen)[1].settle()
        assert origins(draft.state) == origins(store.recent()) == origins(folder.load())
        assert draft.state == store.recent() == folder.load()


def edit_by_chance(draft: Draft, chance: random.Random) -> None:
    found = draft.state.find("wg0")
    if found is None:
        draft.put_interface(Interface("wg0", (Address("10.7.0.1/24"),)))
    elif chance.random() < 0.08:
        draft.remove_interface("wg0")
    elif chance.random() < 0.4:
        draft.remove_peers("wg0", [key(chance.randint(1, 6)) for _ in range(2)])
    else:
        numbers = chance.sample(range(1, 7), chance.randint(1, 3))
        networks = [(Network(f"10.7.0.{each + chance.choice((0, 0, 10))}/32"),) for each in numbers]
        names = chance.choices(("alice", "Bob", ""), k=len(numbers))
        draft.put_peers("wg0", list(map(Peer, map(public, numbers), names, [None] * len(numbers), networks)))


def origins(state: DesiredState) -> list[tuple[str, PublicKey, str]]:
    return [(wg.name, each.public_key, each.origin) for wg in state.interfaces for each in wg.peers]
