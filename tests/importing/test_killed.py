"""An import that is killed at any point has either not taken place, or all of it has."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from wgreconcile.converge.survey import survey

from ..killing import is_killed_at
from .samples import NOW, Place, key, secret

PEERS = 22
"""More than stay in the interface's own document."""

CONF = "[Interface]\nPrivateKey = @SECRET0@\nSaveConfig = true\n" + "".join(
    f"[Peer]\n# p{each}\nPublicKey = {key(each)}\nAllowedIPs = 10.7.0.{each}/32\n"
    + f"PresharedKey = {secret(each)}\n" * (each < 3)
    for each in range(1, PEERS + 1)
)


def new_place(root: Path) -> tuple[Place, Path]:
    root.mkdir()
    place = Place(root)
    return place, place.write("wg0.conf", CONF)


def content(place: Place, *folders: Path) -> dict[str, tuple[int, bytes]]:
    """All files of folders and the folders themselves, hidden ones, too, with their modes."""
    found = (each for folder in folders for each in (folder, *folder.rglob("*")) if each.exists())
    return {
        str(each.relative_to(place.root)): (each.stat().st_mode, each.read_bytes() if each.is_file() else b"")
        for each in found
    }


def test_at_any_point_it_is_all_or_nothing(tmp_path: Path) -> None:
    whole, path = new_place(tmp_path / "whole")
    assert whole.run(path).ok
    documents = content(whole, whole.store.state)
    keys = content(whole, whole.secrets.folder)
    assert len(documents) == PEERS + 3

    was_imported = set()
    for step in count(1):
        place, path = new_place(tmp_path / str(step))
        if not is_killed_at(step, place.run, path):
            break
        is_imported = place.store.state.exists() and bool(place.store.load().interfaces)  # the next one to come
        was_imported.add(is_imported)
        if is_imported:
            assert fields_that_differ(place) <= {"save_config"}  # the file itself is seen to last
        else:
            assert not any(place.store.state.rglob("*"))
            assert "SaveConfig" in path.read_text()
            assert place.run(path).ok  # nothing that was left behind is in the way
        assert content(place, place.store.state) == documents
        assert content(place, place.secrets.folder) == keys
    assert was_imported == {False, True}
    assert step > 100


def fields_that_differ(place: Place) -> set[str]:
    plan = survey(place.site, [], NOW, offline=True).plan
    return {change.field for each in plan.interfaces for change in each.changes}
