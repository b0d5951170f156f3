"""Loading a folder, and what is remembered between two times."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from wgreconcile.desired import loading, memory, reading
from wgreconcile.desired.layout import document_of, stamps
from wgreconcile.desired.loading import load
from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.news import news
from wgreconcile.desired.store import Store
from wgreconcile.errors import StateError

from .samples import FROM_2040, SECRET, Folder, clock_at, key, make_irregular, shows_secret


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that are parsed from now on; with a ``+`` those whose schema is checked."""
    seen: list[str] = []
    real = reading.read

    def read(kind: object, text: str, file: str, *, origin: str, checked: bool = False, **more: object) -> object:
        seen.append(origin + "+" * (not checked))
        return real(kind, text, file, origin=origin, checked=checked, **more)

    monkeypatch.setattr(reading, "read", read)
    return seen


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Documents are old enough to be known by their stamps."""
    monkeypatch.setattr(memory, "RACY_NS", -(10**12))
    yield


def small(folder: Folder) -> Folder:
    folder.write("wg0.yaml", "listen_port: 51820\npeers:\n- public_key: $KEY1\n  name: inline\n")
    folder.peer(2, "wg0/alice.yaml", "allowed_ips: 10.7.0.2\n")
    folder.peer(3, "wg0/bob.yaml", "name: Bob\n")
    return folder


def test_inline_peers_and_documents_of_peers_are_one_interface(folder: Folder) -> None:
    (wg0,) = small(folder).load().interfaces
    assert {each.name: each.origin for each in wg0.peers} == {
        "inline": "wg0.yaml",
        "alice": "wg0/alice.yaml",
        "Bob": "wg0/bob.yaml",
    }
    assert [each.public_key for each in wg0.peers] == sorted(key(number) for number in (1, 2, 3))


def test_an_empty_folder_is_an_empty_state(folder: Folder) -> None:
    assert folder.load() == DesiredState()


def test_interfaces_are_sorted_by_name(folder: Folder) -> None:
    for name in ("wg1", "wg0", "eu"):
        folder.write(f"{name}.yaml", "enabled: false\n")
    assert [each.name for each in folder.load().interfaces] == ["eu", "wg0", "wg1"]


def test_links_are_followed(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text("listen_port: 1\n")
    (folder.path / "wg0.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert folder.load().interfaces[0].listen_port == 1
    (folder.path / "wg1.yaml").symlink_to(tmp_path / "gone.yaml")
    (fault,) = folder.faults()
    assert fault == "wg1.yaml: cannot be read: No such file or directory; put a file there that can be read"


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "link"])
@pytest.mark.parametrize("path", ["wg0.yaml", "wg0/alice.yaml"])
def test_what_is_no_regular_file_is_a_fault_and_holds_nobody_up(folder: Folder, kind: str, path: str) -> None:
    small(folder)
    target = folder.path / path
    target.unlink()
    make_irregular(target, kind)
    assert folder.faults() == [f"{path}: cannot be read: is not a regular file; put a file there that can be read"]
    with pytest.raises(StateError, match="is a link" if kind == "link" else "is not a regular file"):
        folder.store.document(path)


def test_a_document_in_another_encoding_is_a_fault_with_its_line(folder: Folder) -> None:
    (folder.path / "wg0.yaml").write_bytes(b"listen_port: 1\ndescription: caf\xe9\n")
    assert folder.faults() == ["wg0.yaml:2: is not UTF-8; save it as UTF-8"]


def test_faults_name_the_folder_as_it_was_given(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("wg0.yaml", "mtu: x\n")
    monkeypatch.chdir(folder.path.parent)
    with pytest.raises(StateError, match=r"^state/wg0\.yaml:1: mtu: "):
        load(Path("state"), None)


def test_a_faulty_document_hides_no_fault_between_the_others(folder: Folder) -> None:
    folder.write("wg0.yaml", "mtu: [\n")
    folder.peer(1, "wg0/a.yaml", "endpoint: x\n")
    folder.peer(1, "wg0/b.yaml")
    assert [each.partition(": ")[0] for each in folder.faults()] == ["wg0.yaml:2", "wg0/a.yaml:2", "wg0/b.yaml:1"]


class TestMemory:
    def test_what_did_not_change_is_not_read_again(self, folder: Folder, old: None, parsed: list[str]) -> None:
        first = small(folder).load()
        assert parsed == ["wg0.yaml+", "wg0/alice.yaml+", "wg0/bob.yaml+"]
        parsed.clear()
        assert folder.load() == first
        assert parsed == []

    def test_then_neither_a_document_nor_a_rule_is_looked_at(
        self, folder: Folder, old: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small(folder).load()
        monkeypatch.setattr(loading.rules, "check", lambda *_: pytest.fail("the state was checked again"))
        monkeypatch.setattr(loading._Loading, "_text", lambda *_: pytest.fail("a document was read again"))
        assert len(folder.load().interfaces[0].peers) == 3

    def test_then_neither_the_parser_nor_the_schemas_are_imported(self, folder: Folder) -> None:
        folder.load()
        program = (
            "import sys; from pathlib import Path; from wgreconcile.desired.store import Store; "
            f"Store(Path({str(folder.path)!r}), cache=Path({str(folder.cache)!r})).load(); "
            "print(sorted({'yaml', 'jsonschema', 'cryptography'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_one_changed_document_is_the_only_one_read(self, folder: Folder, old: None, parsed: list[str]) -> None:
        small(folder).load()
        parsed.clear()
        folder.peer(2, "wg0/alice.yaml", "allowed_ips: 10.7.0.99\n")
        (wg0,) = folder.load().interfaces
        assert parsed == ["wg0/alice.yaml+"]
        assert "10.7.0.99/32" in {network for each in wg0.peers for network in each.allowed_ips}
        assert folder.load().interfaces == (wg0,)
        assert parsed == ["wg0/alice.yaml+"]

    def test_a_new_and_a_removed_document_are_noticed(self, folder: Folder, old: None) -> None:
        small(folder).load()
        (folder.path / "wg0" / "alice.yaml").unlink()
        assert len(folder.load().interfaces[0].peers) == 2
        folder.peer(4)
        assert len(folder.load().interfaces[0].peers) == 3
        folder.write("wg1.yaml", "enabled: false\n")
        assert len(folder.load().interfaces) == 2

    def test_a_document_that_was_only_touched_is_known_by_its_content(
        self, folder: Folder, old: None, parsed: list[str]
    ) -> None:
        first = small(folder).load()
        parsed.clear()
        os.utime(folder.path / "wg0" / "alice.yaml")
        assert folder.load() == first
        assert parsed == []

    def test_a_young_document_is_known_by_its_content_alone(self, folder: Folder) -> None:
        """Written twice within one tick of the clock, at the same size: the stamps may be equal."""
        small(folder).load()
        file = folder.path / "wg0" / "alice.yaml"
        before = file.stat()
        file.write_bytes(file.read_bytes().replace(b"10.7.0.2", b"10.7.0.9"))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        (wg0,) = folder.load().interfaces
        assert "10.7.0.9/32" in {network for each in wg0.peers for network in each.allowed_ips}

    def test_a_young_document_is_trusted_once_it_has_been_looked_at_later(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small(folder).load()
        looked_at = memory.recall(folder.cache, folder.path).looked_at
        folder.load()
        assert memory.recall(folder.cache, folder.path).looked_at == looked_at, "nothing new to write"
        now = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: now() + 2 * memory.RACY_NS)
        folder.load()
        known = memory.recall(folder.cache, folder.path)
        assert all(known.trusts(tuple(each[0])) for each in known.documents.values())

    def test_a_damaged_cache_is_rebuilt(self, folder: Folder, old: None, parsed: list[str]) -> None:
        first = small(folder).load()
        file = folder.cache / memory.FILE_NAME
        file.write_bytes(file.read_bytes()[:-9])
        parsed.clear()
        assert folder.load() == first
        assert len(parsed) == 3
        assert folder.load() == first
        assert len(parsed) == 3

    def test_an_unusable_cache_is_no_error(self, folder: Folder) -> None:
        folder.cache.write_text("a file in place of the folder")
        assert small(folder).load() == load(folder.path, None)

    def test_faults_are_told_every_time(self, folder: Folder, old: None, parsed: list[str]) -> None:
        small(folder).write("wg1.yaml", "mtu: x\n")
        first = folder.faults()
        assert folder.faults() == first != []
        assert parsed.count("wg1.yaml+") == 2, "a faulty document is not remembered"
        assert parsed.count("wg0.yaml+") == 1, "a sound one beside it is"

    def test_faults_between_documents_are_told_every_time(self, folder: Folder, old: None) -> None:
        small(folder).peer(2, "wg0/again.yaml")
        assert len(folder.faults()) == len(folder.faults()) == 1
        (folder.path / "wg0" / "again.yaml").unlink()
        assert folder.faults() == []

    def test_warnings_are_told_every_time(self, folder: Folder, old: None) -> None:
        small(folder).write("wg0.yaml", "address: 10.9.0.1/24\n")
        first = folder.load().warnings
        assert len(first) == 1
        assert folder.load().warnings == first
        assert (
            load(folder.path.parent / "state" / ".." / "state", folder.cache)
            .warnings[0]
            .file.endswith("state/../state/wg0/alice.yaml")
        )

    def test_a_document_with_a_key_is_never_kept(self, folder: Folder, old: None, parsed: list[str]) -> None:
        folder.write("wg0.yaml", "private_key: $SECRET\npeers:\n- public_key: $KEY1\n  preshared_key: $SECRET\n")
        first = folder.load()
        everything = "".join(each.read_text() for each in folder.cache.iterdir())
        assert not shows_secret(everything)
        parsed.clear()
        assert folder.load() == first
        assert parsed == ["wg0.yaml"], "read again, but its schema was checked before"

    def test_of_a_document_that_changes_to_hold_a_key_nothing_stays(self, folder: Folder, old: None) -> None:
        folder.write("wg0.yaml", "description: before\n")
        folder.load()
        folder.write("wg0.yaml", f"private_key: {SECRET}\n")
        folder.load()
        assert "before" not in (folder.cache / memory.FILE_NAME).read_text()

    def test_the_cache_is_json(self, folder: Folder) -> None:
        small(folder).load()
        body = (folder.cache / memory.FILE_NAME).read_text().partition("\n")[2]
        assert set(json.loads(body)["documents"]) == {"wg0.yaml", "wg0/alice.yaml", "wg0/bob.yaml"}


class TestOverlay:
    """What the state would be: this is checked before anything is written."""

    def test_a_document_is_replaced_added_or_removed(self, folder: Folder) -> None:
        small(folder)
        overlay = {
            "wg0.yaml": "listen_port: 2\n",
            "wg0/alice.yaml": None,
            "wg0/new.yaml": f"public_key: {key(7)}\n",
            "wg1.yaml": "enabled: false\n",
        }
        wg0, wg1 = load(folder.path, folder.cache, overlay).interfaces
        assert (wg0.listen_port, {each.name for each in wg0.peers}) == (2, {"Bob", "new"})
        assert wg1.name == "wg1"
        assert folder.load().interfaces[0].listen_port == 51820

    def test_faults_of_texts_that_are_not_written_yet_have_their_lines(self, folder: Folder) -> None:
        small(folder)
        with pytest.raises(StateError) as caught:
            load(
                folder.path,
                folder.cache,
                {"wg0/new.yaml": f"# new\npublic_key: {key(2)}\n", "wg0.yaml": "\nmtu: x\n"},
            )
        assert [(each.line, each.field) for each in caught.value.faults] == [(2, "mtu"), (2, "public_key")]

    def test_peers_left_without_their_interface_are_a_fault(self, folder: Folder) -> None:
        small(folder)
        with pytest.raises(StateError, match="has peers of an interface wg0, which has no document"):
            load(folder.path, folder.cache, {"wg0.yaml": None})
        everything = {"wg0.yaml": None, "wg0/alice.yaml": None, "wg0/bob.yaml": None}
        assert load(folder.path, folder.cache, everything) == DesiredState()

    def test_it_leaves_no_trace_in_the_cache(self, folder: Folder, old: None) -> None:
        first = small(folder).load()
        before = (folder.cache / memory.FILE_NAME).read_bytes()
        load(folder.path, folder.cache, {"wg0.yaml": "listen_port: 2\n"})
        assert (folder.cache / memory.FILE_NAME).read_bytes() == before
        assert folder.load() == first


def test_a_document_is_found_by_its_place_alone() -> None:
    found = document_of("wg0/alice.yaml")
    assert found is not None
    assert (found.interface, found.peer) == ("wg0", "alice")


def _peer(number: int, allowed: str) -> str:
    return f"public_key: {base64.b64encode(bytes([number] * 32)).decode()}\nallowed_ips: [{allowed}]\n"


def _two_peers(tmp_path: Path) -> tuple[Path, Path]:
    state, cache = tmp_path / "state", tmp_path / "cache"
    (state / "wg0").mkdir(parents=True)
    (state / "wg0.yaml").write_text("address: 10.7.0.1/24\n")
    (state / "wg0" / "ann.yaml").write_text(_peer(1, "192.0.2.2"))  # outside: worth a warning
    (state / "wg0" / "bob.yaml").write_text(_peer(2, "10.7.0.3"))
    return state, cache


def test_a_changed_peer_is_held_against_those_that_were_checked_before(tmp_path: Path) -> None:
    state, cache = _two_peers(tmp_path)
    Store(state, cache=cache).load()
    (state / "wg0" / "bob.yaml").write_text(_peer(2, "192.0.2.2"))
    with pytest.raises(StateError, match=r"belongs to .ann. in wg0/ann\.yaml already") as error:
        Store(state, cache=cache).load()
    assert len(error.value.faults) == 1
    (state / "wg0" / "bob.yaml").write_text(_peer(1, "10.7.0.3"))
    with pytest.raises(StateError, match="is the public key of"):
        Store(state, cache=cache).load()


def test_warnings_about_unchanged_peers_stay(tmp_path: Path) -> None:
    state, cache = _two_peers(tmp_path)
    (first,) = Store(state, cache=cache).load().warnings
    (state / "wg0" / "bob.yaml").write_text(_peer(2, "10.7.0.4"))
    assert Store(state, cache=cache).load().warnings == (first,)
    (state / "wg0" / "bob.yaml").write_text(_peer(2, "192.0.2.3"))
    assert {each.file for each in Store(state, cache=cache).load().warnings} == {
        str(state / "wg0" / "ann.yaml"),
        str(state / "wg0" / "bob.yaml"),
    }
    (state / "wg0" / "ann.yaml").unlink()
    assert [each.file for each in Store(state, cache=cache).load().warnings] == [str(state / "wg0" / "bob.yaml")]


def test_a_state_folder_that_is_a_link_to_itself_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "sound").mkdir()
    (tmp_path / "sound" / "wg0.yaml").write_text("listen_port: 1\n")
    load(tmp_path / "sound", tmp_path / "cache")
    for cache in (None, tmp_path / "cache"):
        with pytest.raises(StateError, match="Too many levels of symbolic links"):
            load(tmp_path / "loop", cache)


class TestTime:
    """It alone can bring a peer onto its interface, beside one that has its network meanwhile."""

    @pytest.fixture
    def late(self, folder: Folder, old: None) -> Folder:
        """A sound state in which ann is off her interface until 2040."""
        folder.write("wg0.yaml", "address: 10.7.0.1/24\n")
        folder.peer(2, "wg0/ann.yaml", f"allowed_ips: 10.7.0.2\n{FROM_2040}")
        folder.peer(3, "wg0/bob.yaml", "allowed_ips: 10.7.0.2\n")
        folder.load()
        return folder

    @pytest.mark.parametrize("touched", [(), ("wg0/cat.yaml",)], ids=["nothing else", "another"])
    def test_a_state_that_was_sound(
        self, late: Folder, monkeypatch: pytest.MonkeyPatch, touched: tuple[str, ...]
    ) -> None:
        for each in touched:
            late.peer(4, each)
        clock_at(monkeypatch, loading, datetime(2039, 12, 31, tzinfo=timezone.utc))
        late.load()
        clock_at(monkeypatch, loading, datetime(2040, 1, 1, tzinfo=timezone.utc))
        with pytest.raises(StateError, match=r"10\.7\.0\.2/32 belongs to"):
            late.load()
        clock_at(monkeypatch, loading, datetime(2039, 12, 31, tzinfo=timezone.utc))
        late.load()

    def test_news_are_left_to_loading(self, late: Folder) -> None:
        late.peer(4, "wg0/cat.yaml")
        known, seen = memory.recall(late.cache, late.path), stamps(late.path)
        for year, is_simple in ((2039, True), (2040, False), (2020, False)):
            now = datetime(year, 1, 1, tzinfo=timezone.utc)
            assert (news(late.path, known, seen, 2**62, now) is not None) is is_simple
