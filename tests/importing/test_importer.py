"""Each file whole or not at all, nothing overwritten, and the files of WGDashboard's users."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.desired.saving import Snapshot
from wgreconcile.desired.store import Store
from wgreconcile.errors import BusyError, ConflictError, Fault, StateError
from wgreconcile.importing import importer
from wgreconcile.importing.conffile import text_of
from wgreconcile.importing.importer import files_to_import
from wgreconcile.importing.reading import SAVE_CONFIG
from wgreconcile.values import SecretKey

from .samples import Place, key, secret

FIXTURES = Path(__file__).parents[1] / "cases" / "import" / "wgdashboard"
CONF = """\
[Interface]
PrivateKey = @SECRET0@
SaveConfig = true
[Peer]
# ann
PublicKey = @KEY1@
PresharedKey = @SECRET1@
"""


def told(place: Place, path: Path, **options: Any) -> list[str]:
    (result,) = place.run(path, **options).results
    return [str(each).replace(f"{place.root}/", "") for each in result.faults]


class BrokenStore(Store):
    """Refuses every change."""

    def __init__(self, state: Path, error: Exception) -> None:
        super().__init__(state)
        self.error = error

    def save(
        self, changes: Mapping[str, Mapping[str, Any] | None], *, expected: Mapping[str, str] | None = None
    ) -> Snapshot:
        raise self.error


def test_files_of_wgdashboard_are_imported_and_their_plan_is_empty(place: Place) -> None:
    for each in FIXTURES.glob("*.conf"):
        shutil.copy(each, place.conf_dir)
    paths = files_to_import([], conf_dir=place.conf_dir, known=())
    report = place.run(*paths, live=())
    assert [(each.name, each.imported, each.peers) for each in report.results] == [
        ("wg0", True, 2),
        ("wgbroken", False, 0),
        ("wgdual", True, 1),
        ("wgmulti", True, 1),
        ("wgnoaddr", True, 0),
        ("wgsmall", True, 0),
    ]
    assert not report.ok
    assert place.plan().is_empty
    assert place.plan().unmanaged == ("wgbroken",)
    assert place.documents()["wg0.yaml"]["peers"][0]["name"] == "laptop of ann"
    assert place.documents()["wgmulti.yaml"]["post_up"] == ["echo one", "echo two"]


def test_one_file_that_is_refused_stops_none_of_the_others(place: Place) -> None:
    report = place.run(
        place.write("wg1.conf", "nonsense\n"), place.conf_dir / "none.conf", place.write("wg0.conf", CONF)
    )
    assert [each.imported for each in report.results] == [False, False, True]
    assert [each.name for each in report.imported] == ["wg0"]


def test_up_to_twenty_peers_stay_in_one_document(place: Place) -> None:
    peers = "".join(f"[Peer]\nPublicKey = {key(each)}\n" for each in range(1, 21))
    place.run(place.write("wg0.conf", f"[Interface]\nPrivateKey = @SECRET0@\n{peers}"))
    assert [*place.documents()] == ["wg0.yaml"]
    assert [each["public_key"] for each in place.documents()["wg0.yaml"]["peers"]] == [*map(key, range(1, 21))]


def test_more_peers_become_a_file_each(place: Place) -> None:
    peers = "".join(
        f"[Peer]\n# ../peer {each % 10}\nPublicKey = {key(each)}\nAllowedIPs = 10.{each >> 8}.{each & 255}.0/24\n"
        + "PresharedKey = @SECRET1@\n" * (each % 10 == 3)
        for each in range(1, 1001)
    )
    path = place.write("wg0.conf", f"[Interface]\nPrivateKey = @SECRET0@\n{peers}")
    (result,) = place.run(path).results
    assert (result.peers, len(result.documents), len(result.secrets)) == (1000, 1001, 101)
    documents = place.documents()
    assert len(documents) == 1001
    assert documents["wg0/peer-3.yaml"] == {
        "name": "../peer 3",
        "public_key": key(3),
        "preshared_key": {"file": "wg0/peer-3.psk"},
        "allowed_ips": ["10.0.3.0/24"],
    }
    assert documents["wg0/peer-3-2.yaml"]["public_key"] == key(13)
    assert documents["wg0.yaml"] == {"private_key": {"file": "wg0.key"}}
    assert place.plan().is_empty


def test_names_that_somebody_knows_come_before_those_of_the_file(place: Place) -> None:
    peers = [f"[Peer]\n# comment {each}\nPublicKey = {key(each)}\n" for each in range(1, 22)]
    path = place.write("wg0.conf", "\n".join(["[Interface]\nPrivateKey = @SECRET0@\n", *peers]))
    place.run(path, names={key(1): "Ann"}, remarks="descriptions")
    documents = place.documents()
    assert documents["wg0/ann.yaml"] == {"public_key": key(1), "name": "Ann", "description": "comment 1"}
    assert "wg0/comment-2.yaml" not in documents


def test_fault_of_a_peer_that_would_be_a_file_names_the_line(place: Place) -> None:
    peers = "".join(
        f"[Peer]\n# p{each}\nPublicKey = {key(each)}\nAllowedIPs = 10.0.{min(each, 24)}.0/24\n"
        for each in range(1, 26)
    )
    (fault,) = told(place, place.write("wg0.conf", f"[Interface]\nPrivateKey = @SECRET0@\n{peers}"))
    assert fault.startswith("conf/wg0.conf:102: AllowedIPs: 10.0.24.0/24 belongs to ")
    assert place.kept() == {}


def test_interface_that_is_in_the_state_is_left_alone(place: Place) -> None:
    path = place.write("wg0.conf", CONF)
    place.run(path)
    before = place.everything()
    assert told(place, path) == [
        "conf/wg0.conf: wg0 is in the state already: state/wg0.yaml; "
        "edit that document, or remove wg0 from the state and import again"
    ]
    assert place.everything() == before


def test_key_that_exists_is_never_overwritten(place: Place) -> None:
    path = place.write("wg0.conf", CONF)
    place.secrets.write("wg0/ann.psk", SecretKey(secret(5)))
    before = place.everything()
    assert told(place, path) == [
        "conf/wg0.conf: secrets/wg0/ann.psk exists and holds another key; it is not overwritten; "
        "see to that, then import again"
    ]
    assert place.everything() == before


def test_the_same_key_is_taken_as_it_is_and_kept_when_the_documents_are_refused(place: Place) -> None:
    path = place.write("wg0.conf", CONF)
    place.secrets.write("wg0.key", SecretKey(secret(0)))
    store, place.store = place.store, BrokenStore(place.root / "state", OSError(28, "No space left on device"))
    assert told(place, path) == ["conf/wg0.conf: No space left on device; make it accessible, then import again"]
    assert place.kept() == {"wg0.key": secret(0)}
    place.store = store
    assert told(place, path) == []
    assert place.kept() == {"wg0.key": secret(0), "wg0/ann.psk": secret(1)}


@pytest.mark.parametrize(
    "error",
    [
        StateError([Fault("other.yaml", 3, "mtu", "wrong")]),
        BusyError("another process writes"),
        ConflictError("wg0.yaml changed meanwhile"),
        OSError(13, "denied"),
        RuntimeError(),
    ],
)
def test_refused_documents_leave_no_keys_behind(place: Place, error: Exception) -> None:
    path = place.write("wg0.conf", CONF, 0o644)
    place.store = BrokenStore(place.root / "state", error)
    before = place.everything()
    try:
        place.run(path)
    except RuntimeError:  # what nobody foresaw is not swallowed, and still nothing is half done
        assert error.__class__ is RuntimeError
    assert place.everything() == before
    assert not (place.secrets.folder / "wg0").exists()


def test_file_that_cannot_be_settled_takes_everything_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.write("wg0.conf", CONF)
    before = place.everything()

    def fail(*_: object) -> list[str]:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(importer, "settle", fail)
    assert told(place, path) == ["conf/wg0.conf: Read-only file system; make it accessible, then import again"]
    assert place.everything() == before
    assert place.documents() == {}


def test_documents_that_somebody_edits_at_once_stay_with_their_keys(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.write("wg0.conf", CONF)

    def edit_and_fail(*_: object) -> list[str]:
        with (place.store.state / "wg0.yaml").open("a") as document:
            document.write("mtu: 1400\n")
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(importer, "settle", edit_and_fail)
    assert told(place, path) == [
        "conf/wg0.conf: wg0.yaml changed since; not put back; see to that, then import again"
    ]
    assert place.documents()["wg0.yaml"]["mtu"] == 1400
    assert place.kept() == {"wg0.key": secret(0), "wg0/ann.psk": secret(1)}


def test_interface_is_written_after_its_peers(place: Place) -> None:
    """A crash in between leaves peers without an interface, and no interface that lacks peers it has live."""
    written: list[str] = []

    class Watched(Store):
        def save(
            self, changes: Mapping[str, Mapping[str, Any] | None], *, expected: Mapping[str, str] | None = None
        ) -> Snapshot:
            written.extend(changes)
            return super().save(changes, expected=expected)

    place.store = Watched(place.root / "state")
    peers = "".join(f"[Peer]\n# p{each}\nPublicKey = {key(each)}\n" for each in range(1, 22))
    (result,) = place.run(place.write("wg0.conf", f"[Interface]\nPrivateKey = @SECRET0@\n{peers}")).results
    assert written == [*(f"wg0/p{each}.yaml" for each in range(1, 22)), "wg0.yaml"]
    assert result.documents[:2] == (place.store.state / "wg0.yaml", place.store.state / "wg0/p1.yaml")


def test_file_that_changes_meanwhile_is_not_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.write("wg0.conf", CONF)
    read = text_of

    def read_before_somebody_writes(file: Path) -> str:
        text = read(file)
        file.write_text(f"{text}# new\n")
        return text

    monkeypatch.setattr(importer, "text_of", read_before_somebody_writes)
    assert told(place, path) == ["conf/wg0.conf: was changed while it was imported; import again"]
    assert path.read_text().endswith("# new\n")
    assert place.documents() == place.kept() == {}


def test_mode_is_tightened_and_told(place: Place) -> None:
    path = place.write("wg0.conf", "[Interface]\nPrivateKey = @SECRET0@\n", 0o640)
    (result,) = place.run(path).results
    assert result.notes == (f"{path} holds keys: its mode was 0640 and is 0600 now",)
    assert path.stat().st_mode & 0o777 == 0o600


def test_link_stays_a_link(place: Place) -> None:
    target = place.write("elsewhere", CONF)
    path = place.conf_dir / "wg0.conf"
    path.symlink_to(target)
    place.run(path)
    assert path.is_symlink()
    assert "SaveConfig" not in target.read_text()
    assert place.plan().is_empty


def test_file_of_another_folder_is_never_touched(place: Place) -> None:
    (place.root / "backup").mkdir()
    path = place.root / "backup" / "wg0.conf"
    place.write("../backup/wg0.conf", CONF, 0o644)
    before = path.read_bytes()
    (result,) = place.run(path, live=()).results
    assert [each.replace(f"{place.conf_dir}/", "") for each in result.notes] == [
        f"not carried over: {SAVE_CONFIG}",
        "wg0.conf will be made by apply",
        "not up now, so its document says `enabled: false`; take that out to bring it up",
    ]
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (before, 0o644)


def test_file_of_another_folder_beside_one_of_the_same_name(place: Place) -> None:
    (place.root / "backup").mkdir()
    managed = place.write("wg0.conf", "[Interface]\nPrivateKey = @SECRET3@\n", 0o644)
    (result,) = place.run(place.write("../backup/wg0.conf", "[Interface]\nPrivateKey = @SECRET0@\n")).results
    assert result.notes == (f"{managed} is another file: the plan shows what differs",)
    assert managed.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a-name-that-is-too-long.conf", "is no name that an interface can have; use 1 to 15 letters"),
        ("wg 0.conf", "is no name that an interface can have; use 1 to 15 letters"),
        (
            "..conf",
            "is no name that an interface can have: a folder is called so; give the interface another name",
        ),
        (".hidden.conf", "is no name that an interface can have: no document of that name is read"),
        ("settings.conf", "is no name that an interface can have: settings in the state folder is something else"),
        ("interfaces.conf", "is no name that an interface can have: `wg show` takes it for the list of all"),
        ("wg0.txt", "does not end in .conf; name a configuration file of wg-quick"),
    ],
)
def test_name_that_no_interface_can_have(place: Place, name: str, problem: str) -> None:
    (fault,) = told(place, place.write(name, CONF))
    assert fault.startswith(f"conf/{name}: {problem}")
    assert place.kept() == {}


def test_unreadable_file(place: Place) -> None:
    (place.conf_dir / "wg0.conf").mkdir()
    assert told(place, place.conf_dir / "wg0.conf") == [
        "conf/wg0.conf: Is a directory; make it accessible, then import again"
    ]
    assert told(place, place.conf_dir / "wg1.conf") == [
        "conf/wg1.conf: No such file or directory; make it accessible, then import again"
    ]


def test_bytes_that_are_not_utf8(place: Place) -> None:
    text = "[Interface]\nPrivateKey = @SECRET0@\n[Peer]\n# J\udcfcrgen\nPublicKey = @KEY1@\n"
    place.run(place.write("wg0.conf", text))
    assert place.documents()["wg0.yaml"]["peers"][0]["name"] == "Jürgen"
    hook = "[Interface]\nPrivateKey = @SECRET0@\nPostUp = echo J\udcfcrgen\n"
    assert told(place, place.write("wg1.conf", hook)) == [
        "conf/wg1.conf:3: PostUp: is not UTF-8; save the file as UTF-8, then import again"
    ]


def test_faults_of_the_state_come_first(place: Place) -> None:
    place.store.state.mkdir()
    (place.store.state / "wg9.yaml").write_text("nonsense: true\n")
    with pytest.raises(StateError, match=r"wg9.yaml:1: nonsense: unknown field"):
        place.run(place.write("wg0.conf", CONF))
    assert not place.secrets.folder.exists()


def test_fault_with_another_interface_of_the_state(place: Place) -> None:
    first, second = (f"[Interface]\nPrivateKey = @SECRET{each}@\nListenPort = 51820\n" for each in (0, 1))
    report = place.run(place.write("wg0.conf", first), place.write("wg1.conf", second), live=("wg0", "wg1"))
    assert [each.imported for each in report.results] == [True, False]
    (fault,) = report.results[1].faults
    assert str(fault).startswith(
        f"{place.conf_dir}/wg1.conf:3: ListenPort: 51820 is the port of wg0 (wg0.yaml) too"
    )


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ([], ["conf/wg1.conf"]),
        (["wg0"], ["conf/wg0.conf"]),
        (["wg0.conf", "wg0"], ["conf/wg0.conf"]),
        (["./x/wg7.conf"], ["x/wg7.conf"]),
        (["here.conf"], ["here.conf"]),
        (["folder"], ["conf/folder.conf"]),
        (["a name"], ["conf/a name.conf"]),
    ],
)
def test_which_files_are_meant(
    place: Place, monkeypatch: pytest.MonkeyPatch, arguments: list[str], files: list[str]
) -> None:
    monkeypatch.chdir(place.root)
    Path("here.conf").touch()
    Path("folder").mkdir()
    for name in ("wg0.conf", "wg1.conf", "not an interface.conf", "wg2.conf.save"):
        place.write(name, "")
    found = files_to_import(arguments, conf_dir=Path("conf"), known=("wg0",))
    assert [str(each) for each in found] == [os.path.normpath(each) for each in files]
