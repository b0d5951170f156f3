from __future__ import annotations

from pathlib import Path

import pytest

from wgreconcile.desired.layout import document_of, interface_names, scan, stamps

from .samples import Folder


def test_documents_are_interfaces_and_their_peers(folder: Folder) -> None:
    for path in ("wg1.yaml", "wg0.yaml", "wg0/bob.yaml", "wg0/alice.yaml"):
        folder.write(path, "")
    layout = scan(folder.path)
    assert [(each.path, each.interface, each.peer) for each in layout.documents] == [
        ("wg0.yaml", "wg0", ""),
        ("wg1.yaml", "wg1", ""),
        ("wg0/alice.yaml", "wg0", "alice"),
        ("wg0/bob.yaml", "wg0", "bob"),
    ]
    assert layout.faults == ()


@pytest.mark.parametrize(
    "path",
    [
        "settings.yaml",
        "README.md",
        "README.yaml",
        ".gitignore",
        ".hidden.yaml",
        ".git/config.yaml",
        "secrets/wg0.yaml",
        "wg0.conf",
        "wg0.yaml~",
        "notes/x.txt",
        "wg0/README.yaml",
        "wg0/.alice.yaml.x1y2",
        "wg0/alice.yaml.disabled",
    ],
)
def test_what_is_no_document_is_left_alone(folder: Folder, path: str) -> None:
    folder.write(path, "x")
    assert scan(folder.path).documents == ()
    assert scan(folder.path).faults == ()
    assert interface_names(folder.path) == frozenset()


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("wg0.yml", "wg0.yml: ends in .yml, which is not read; rename it to wg0.yaml"),
        ("wg0/a.yml", "wg0/a.yml: ends in .yml, which is not read; rename it to wg0/a.yaml"),
        (
            "an-interface-too-long.yaml",
            "an-interface-too-long.yaml: is no name that an interface can have; "
            "use 1 to 15 letters, digits and _ = + . -",
        ),
        (
            "wg 0.yaml",
            "wg 0.yaml: is no name that an interface can have; use 1 to 15 letters, digits and _ = + . -",
        ),
        ("wg0/a\nb.yaml", "wg0/a?b.yaml: is no name of one printable line; rename it"),
        ("wg0/a\udcff.yaml", "wg0/a?.yaml: is no name of one printable line; rename it"),
        (
            "secrets.yaml",
            "secrets.yaml: is no name that an interface can have: secrets in the state folder is something else; "
            "give the interface another name",
        ),
        (
            "all.yaml",
            "all.yaml: is no name that an interface can have: "
            "the kernel keeps it for the settings of all interfaces; give the interface another name",
        ),
        (
            "wg 0/alice.yaml",
            "wg 0: is no name that an interface can have; use 1 to 15 letters, digits and _ = + . -",
        ),
        (
            "wg0/more/a.yaml",
            "wg0/more: is a folder inside an interface's folder, where nothing is read; "
            "move its documents one level up",
        ),
    ],
)
def test_a_document_in_the_wrong_place_is_a_fault(folder: Folder, path: str, fault: str) -> None:
    folder.write(path, "")
    assert [str(each).removeprefix(f"{folder.path}/") for each in scan(folder.path).faults] == [fault]


def test_a_folder_that_does_not_exist_is_a_fault_with_the_way_out(tmp_path: Path) -> None:
    (fault,) = scan(tmp_path / "none").faults
    assert str(fault).startswith(f"{tmp_path}/none: cannot be read: No such file")
    assert "--state" in fault.remedy
    assert interface_names(tmp_path / "none") == frozenset()


def test_a_stamp_changes_with_the_file(folder: Folder) -> None:
    file = folder.write("wg0.yaml", "a")
    before = scan(folder.path).documents[0].stamp
    assert scan(folder.path).documents[0].stamp == before
    draft = folder.write(".draft", "b")
    draft.replace(file)
    assert scan(folder.path).documents[0].stamp != before


def test_names_of_interfaces_come_from_names_of_files(folder: Folder) -> None:
    for path in ("wg0.yaml", "wg1.yaml", "settings.yaml", "wg2/a.yaml", "wg 3.yaml"):
        folder.write(path, "no: [yaml")
    assert interface_names(folder.path) == {"wg0", "wg1"}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("wg0.yaml", ("wg0", "")),
        ("wg0/alice.yaml", ("wg0", "alice")),
        ("wg0/alice.yml", None),
        ("wg0/../x.yaml", None),
        ("../wg0.yaml", None),
        ("/wg0.yaml", None),
        ("wg0/a/b.yaml", None),
        ("settings.yaml", None),
        ("secrets/a.yaml", None),
        ("wg0/.a.yaml", None),
        ("wg0/.yaml", None),
        ("wg 0.yaml", None),
    ],
)
def test_a_path_says_what_belongs_there(path: str, place: tuple[str, str] | None) -> None:
    found = document_of(path)
    assert (found and (found.interface, found.peer)) == place


@pytest.mark.parametrize(
    "path", ["wg0.yaml", "wg0/ann.yaml", "wg0.yaml/ann.yaml", "settings.yaml/ann.yaml", "wg0.yml/ann.yaml"]
)
def test_each_document_has_a_stamp(folder: Folder, path: str) -> None:
    folder.write(path, "")
    (document,) = scan(folder.path).documents
    assert stamps(folder.path)[path] == document.stamp
