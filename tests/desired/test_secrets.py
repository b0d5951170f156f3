from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from wgreconcile.desired import keyfiles
from wgreconcile.desired.landing import JOURNAL
from wgreconcile.desired.model import Client, DesiredState, Interface, Peer, SecretEnv, SecretFile
from wgreconcile.desired.secrets import Secrets, Where, generate_preshared_key, private_key_of
from wgreconcile.errors import ConflictError, StateError
from wgreconcile.values import SecretKey, generate_secret_key, public_key_of

from .samples import SECRET, SENTINEL, Folder, key, public, shows_secret

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets", environment={"WG_KEY": SECRET, "BAD": "x"})


def with_psk(number: int, name: str, **fields: object) -> Peer:
    peer = Peer(public(number), preshared_key=SecretFile(name), origin=f"wg0/p{number}.yaml")
    return replace(peer, **fields)


def faults(error: pytest.ExceptionInfo[StateError]) -> list[str]:
    assert not shows_secret(str(error.value))
    return [str(each) for each in error.value.faults]


class TestResolve:
    def test_a_reference_is_the_key_that_it_names(self, secrets: Secrets) -> None:
        reference = secrets.write("a.key", SecretKey(key(1)))
        assert secrets.resolve(reference, "wg0.yaml") == SecretKey(key(1))
        assert secrets.resolve(SecretEnv("WG_KEY"), "wg0.yaml") == SENTINEL
        assert secrets.resolve(SENTINEL, "wg0.yaml") is SENTINEL

    def test_keys_that_a_stop_of_the_machine_has_torn_are_there(self, secrets: Secrets) -> None:
        secrets.folder.mkdir(mode=0o700)
        landed = keyfiles.land(secrets.folder, {"a.key": SecretKey(key(1)), "b.key": SecretKey(key(2))})[1]
        (secrets.folder / "a.key").write_bytes(b"")
        kept = (secrets.folder / JOURNAL).read_bytes()
        landed.settle()
        (secrets.folder / JOURNAL).write_bytes(kept)
        assert secrets.resolve(SecretFile("a.key"), "wg0.yaml") == SecretKey(key(1))
        assert not (secrets.folder / JOURNAL).exists()

    @pytest.mark.parametrize(
        ("reference", "words"),
        [
            (SecretFile("a.key"), "a.key does not exist; store the key there, mode 600"),
            (SecretFile("../a"), "names no file below the secret folder; write a relative path without '..'"),
            (SecretEnv("GONE"), "the environment variable GONE is not set; set it for wgreconcile"),
            (SecretEnv("BAD"), "the environment variable BAD does not hold a key; set it to one"),
        ],
    )
    def test_a_reference_to_nothing_is_a_fault_of_its_field(
        self, secrets: Secrets, reference: SecretFile | SecretEnv, words: str
    ) -> None:
        with pytest.raises(StateError) as caught:
            secrets.resolve(reference, Where("wg0.yaml", "private_key"))
        (fault,) = faults(caught)
        assert fault.startswith("wg0.yaml: private_key: ")
        assert fault.endswith(words)

    def test_the_environment_of_the_process_is_the_default(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WG_TEST_KEY", SECRET)
        assert Secrets(tmp_path).resolve(SecretEnv("WG_TEST_KEY"), "f") == SENTINEL


class TestResolveInterface:
    def test_the_private_key_and_all_preshared_keys_are_resolved(self, secrets: Secrets) -> None:
        secrets.write("wg0.key", SENTINEL)
        secrets.write("wg0/1.psk", SecretKey(key(11)))
        plain, literal = Peer(public(2)), Peer(public(3), preshared_key=SecretKey(key(13)))
        interface = Interface("wg0", mtu=1400, peers=(with_psk(1, "wg0/1.psk"), plain, literal))
        resolved = secrets.resolve_interface(interface)
        assert resolved.private_key == SENTINEL
        psks = {each.public_key: each.preshared_key for each in resolved.peers}
        assert psks == {key(1): SecretKey(key(11)), key(2): None, key(3): SecretKey(key(13))}
        assert replace(resolved, private_key=None, peers=()) == replace(interface, peers=())
        assert not shows_secret(repr(resolved))

    def test_a_peer_that_is_off_needs_no_key(self, secrets: Secrets) -> None:
        secrets.write("wg0.key", SENTINEL)
        off = (with_psk(1, "gone", enabled=False), with_psk(2, "gone", expires=NOW))
        assert secrets.resolve_interface(Interface("wg0", peers=off), now=NOW).peers == off

    def test_the_private_key_of_a_peer_is_left_alone(self, secrets: Secrets) -> None:
        secrets.write("wg0.key", SENTINEL)
        peer = Peer(public(1), client=Client(private_key=SecretFile("gone.key")))
        assert secrets.resolve_interface(Interface("wg0", peers=(peer,))).peers == (peer,)

    def test_all_faults_are_told_at_once_with_their_lines(self, folder: Folder, tmp_path: Path) -> None:
        folder.write(
            "wg0.yaml",
            "private_key: {env: GONE}\npeers:\n- public_key: $KEY1\n  preshared_key:\n    file: a.psk\n",
        )
        folder.peer(2, "wg0/bob.yaml", "preshared_key: {file: b.psk}\n")
        secrets = Secrets(tmp_path / "secrets", state=folder.path, environment={})
        with pytest.raises(StateError) as caught:
            secrets.resolve_interface(folder.load().interfaces[0])
        assert [each.removeprefix(f"{folder.path}/").partition(": /")[0] for each in faults(caught)] == [
            "wg0.yaml:1: private_key: the environment variable GONE is not set; set it for wgreconcile",
            "wg0.yaml:4: peers[0].preshared_key",
            "wg0/bob.yaml:2: preshared_key",
        ]

    def test_a_folder_that_others_may_enter_is_one_fault(self, secrets: Secrets) -> None:
        secrets.write("wg0.key", SENTINEL)
        secrets.folder.chmod(0o755)
        with pytest.raises(StateError) as caught:
            secrets.resolve_interface(Interface("wg0", peers=(with_psk(1, "a"), with_psk(2, "b"))))
        assert faults(caught) == [
            f"{secrets.folder}: {secrets.folder} is open to other users; chmod 700 {secrets.folder}"
        ]

    def test_a_file_that_others_may_read_is_a_fault_of_its_reference(self, secrets: Secrets) -> None:
        secrets.write("wg0.key", SENTINEL)
        (secrets.folder / "wg0.key").chmod(0o644)
        with pytest.raises(StateError) as caught:
            secrets.resolve_interface(Interface("wg0", origin="wg0.yaml"))
        (fault,) = faults(caught)
        assert fault.startswith("wg0.yaml: private_key: ")
        assert fault.endswith(f"chmod 600 {secrets.folder}/wg0.key")


class TestGenerate:
    def test_the_key_of_a_new_interface_is_made_and_kept(self, secrets: Secrets) -> None:
        first = secrets.resolve_interface(Interface("wg0"), is_new=True, write=True)
        assert isinstance(first.private_key, SecretKey)
        assert (secrets.folder / "wg0.key").read_text() == first.private_key.reveal() + "\n"
        assert secrets.resolve_interface(Interface("wg0")) == first

    def test_a_plan_alone_keeps_nothing(self, secrets: Secrets) -> None:
        planned = secrets.resolve_interface(Interface("wg0"), is_new=True)
        assert isinstance(planned.private_key, SecretKey)
        assert not secrets.folder.exists()

    def test_a_key_that_is_gone_is_not_replaced(self, secrets: Secrets) -> None:
        with pytest.raises(StateError) as caught:
            secrets.resolve_interface(Interface("wg0", origin="wg0.yaml"), write=True)
        (fault,) = faults(caught)
        assert "wg0.key is not there, and the interface has a key: a new one would lock its peers out" in fault
        assert not secrets.folder.exists()

    def test_a_key_that_may_not_be_made_is_not_made(self, secrets: Secrets) -> None:
        interface = Interface("wg0", private_key=SecretFile("mine.key"))
        with pytest.raises(StateError, match=r"mine\.key does not exist"):
            secrets.resolve_interface(interface, is_new=True, write=True)

    def test_a_preshared_key_is_made_for_each_reference_that_allows_it(self, secrets: Secrets) -> None:
        secrets.write("wg0.key", SENTINEL)
        shared = SecretFile("shared.psk", generate=True)
        one, other = with_psk(1, "", preshared_key=shared), with_psk(2, "", preshared_key=shared)
        alone = with_psk(3, "", preshared_key=SecretFile("alone.psk", generate=True))
        resolved = secrets.resolve_interface(Interface("wg0", peers=(one, other, alone)), write=True)
        keys = {each.public_key: each.preshared_key for each in resolved.peers}
        assert keys[public(1)] == keys[public(2)] != keys[public(3)]
        assert sorted(each.name for each in secrets.folder.glob("*.key")) == ["wg0.key"]
        assert sorted(each.name for each in secrets.folder.glob("*.psk")) == ["alone.psk", "shared.psk"]
        assert secrets.resolve_interface(Interface("wg0", peers=(one, other, alone))) == resolved

    def test_nothing_is_kept_when_anything_is_wrong(self, secrets: Secrets) -> None:
        made = with_psk(1, "", preshared_key=SecretFile("made.psk", generate=True))
        with pytest.raises(StateError):
            secrets.resolve_interface(Interface("wg0", peers=(made, with_psk(2, "gone"))), is_new=True, write=True)
        assert not secrets.folder.exists()

    def test_a_key_that_exists_is_not_made_again(self, secrets: Secrets) -> None:
        first = secrets.generate("wg0.key")
        with pytest.raises(ConflictError):
            secrets.generate("wg0.key")
        assert secrets.resolve(SecretFile("wg0.key"), "f") == first

    def test_a_folder_that_others_may_enter_takes_no_key(self, secrets: Secrets) -> None:
        secrets.folder.mkdir(mode=0o755)
        secrets.folder.chmod(0o755)
        with pytest.raises(StateError, match="chmod 700"):
            secrets.generate("wg0.key")
        with pytest.raises(StateError, match=r"\.\./x: names no file below the secret folder"):
            secrets.generate("../x")

    def test_what_is_missing_is_listed(self, secrets: Secrets) -> None:
        secrets.write("here.psk", SENTINEL)
        peers = (
            with_psk(1, "", preshared_key=SecretFile("b.psk", generate=True)),
            with_psk(2, "", preshared_key=SecretFile("here.psk", generate=True)),
            with_psk(3, "not-made.psk"),
            with_psk(4, "", preshared_key=SecretEnv("GONE")),
        )
        state = DesiredState((Interface("wg1", private_key=SecretEnv("WG_KEY")), Interface("wg0", peers=peers)))
        assert secrets.missing(state) == ("b.psk", "wg0.key")

    def test_preshared_keys_are_random(self) -> None:
        assert generate_preshared_key() != generate_preshared_key()
        assert SecretKey.parse(generate_preshared_key().reveal())

    def test_without_a_private_key_in_the_state_it_is_a_file_of_that_name(self) -> None:
        assert private_key_of(Interface("wg0")) == SecretFile("wg0.key", generate=True)
        assert private_key_of(Interface("wg0", private_key=SENTINEL)) is SENTINEL


class TestCheck:
    @pytest.fixture
    def pair(self, secrets: Secrets) -> Peer:
        """A peer whose own private key is in the folder."""
        own = generate_secret_key()
        reference = secrets.write("alice.key", own)
        return Peer(public_key_of(own), client=Client(private_key=reference), origin="wg0/alice.yaml")

    def test_pairs_that_match_are_no_fault(self, secrets: Secrets, pair: Peer) -> None:
        secrets.write("wg0.key", SENTINEL)
        assert secrets.check(DesiredState((Interface("wg0", peers=(pair,)),))) == ()

    def test_a_key_that_is_not_the_pair_is_a_fault(self, secrets: Secrets, pair: Peer) -> None:
        peers = (
            replace(pair, public_key=public(5)),
            Peer(public(6), client=Client(private_key=SecretEnv("WG_KEY")), origin="wg0/b.yaml"),
        )
        found = secrets.check(DesiredState((Interface("wg0", peers=peers),)))
        assert [(each.field, each.problem) for each in found] == [
            ("client.private_key", "is not the pair of public_key")
        ] * 2
        assert not shows_secret(str(found))

    def test_a_peer_that_is_the_interface_itself_is_a_fault(self, secrets: Secrets) -> None:
        secrets.write("wg0.key", SENTINEL)
        peer = Peer(public_key_of(SENTINEL), origin="wg0/a.yaml")
        (found,) = secrets.check(DesiredState((Interface("wg0", peers=(peer,)),)))
        assert str(found) == "wg0/a.yaml: public_key: is the interface's own public key; write the peer's"

    def test_keys_that_are_elsewhere_are_no_fault(self, secrets: Secrets) -> None:
        peers = tuple(
            Peer(public(number), client=Client(private_key=each))
            for number, each in enumerate([SecretFile("gone.key"), SecretEnv("GONE"), None, SENTINEL], 1)
        )
        assert secrets.check(DesiredState((Interface("wg0", peers=peers),))) == ()

    def test_a_key_that_cannot_be_used_is_a_fault(self, secrets: Secrets, pair: Peer) -> None:
        (secrets.folder / "alice.key").chmod(0o644)
        (found,) = secrets.check(DesiredState((Interface("wg0", peers=(pair,)),)))
        assert "chmod 600" in found.remedy
        secrets.folder.chmod(0o755)
        with pytest.raises(StateError, match="chmod 700"):
            secrets.check(DesiredState((Interface("wg0", peers=(pair,)),)))


def test_no_secret_stands_in_the_repr_of_the_folder(secrets: Secrets) -> None:
    secrets.write("wg0.key", SENTINEL)
    assert not shows_secret(repr(secrets) + repr(vars(secrets).keys()))
    assert os.environ.get("WG_KEY") is None


WHOLE = {
    "description": "office",
    "address": ["10.7.0.1/24"],
    "listen_port": 51820,
    "private_key": {"file": "wg0.key"},
    "mtu": 1420,
    "dns": ["10.7.0.1"],
    "table": "auto",
    "fwmark": "0x1",
    "post_up": ["true"],
    "enabled": True,
    "client_defaults": {"dns": ["10.7.0.1"], "endpoint": "vpn.example.com:51820", "allowed_ips": ["0.0.0.0/0"]},
    "peers": [
        {
            "name": "alice",
            "public_key": key(1),
            "preshared_key": {"env": "NOT_SET"},
            "allowed_ips": ["10.7.0.2/32"],
            "endpoint": "192.0.2.1:51820",
            "persistent_keepalive": 25,
            "expires": "2030-01-01",
            "tags": ["staff"],
            "client": {"address": ["10.7.0.2/32"], "mtu": 1380, "private_key": {"file": "alice.key"}},
        }
    ],
}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, below in items:
        yield (*path, step)
        yield from places(below, (*path, step))


@pytest.mark.parametrize("path", [*places(WHOLE)], ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("form", ["{}", "{}:51820", "{}/24", "x {}", "[{}]", "{{file: {}}}", "{{{}: 1}}"])
def test_a_key_in_the_wrong_field_is_never_quoted(folder: Folder, path: tuple[Any, ...], form: str) -> None:
    document = copy.deepcopy(WHOLE)
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = yaml.safe_load(form.format(SECRET)) if form[0] in "[{" else form.format(SECRET)
    folder.write("wg0.yaml", yaml.safe_dump(document))
    secrets = Secrets(folder.path / "secrets", state=folder.path, environment={})
    with pytest.raises(StateError) as error:  # at the latest that its keys are not there
        for each in folder.load().interfaces:
            secrets.resolve_interface(each)
    assert not shows_secret(str(error.value))
