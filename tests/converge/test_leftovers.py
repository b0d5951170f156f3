"""What a killed run leaves behind: files that hold keys are cleared away, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgreconcile.converge import leftovers
from wgreconcile.converge.leftovers import settle
from wgreconcile.converge.records import Record
from wgreconcile.desired.landing import JOURNAL, Landing, land

from ..killing import is_killed_at
from .sites import document, site_in


def test_staged_and_half_written_files_go_and_others_stay(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    document(tmp_path, "wg0")
    site.records.save("wg1", Record(""))
    (site.conf_dir / ".wgreconcile").mkdir()
    (site.conf_dir / "mine").mkdir()
    (site.secrets.folder / "wg0").mkdir(parents=True)
    (site.store.state / "wg0").mkdir()
    gone = [
        site.conf_dir / ".wgreconcile" / "wg0.conf",
        site.store.state / JOURNAL,
        site.secrets.folder / JOURNAL,
        site.conf_dir / ".wgreconcile" / "wg0.peers",
        site.conf_dir / ".wg0.conf.wgreconcile-abcd_123",
        site.conf_dir / ".wg7.conf.wgreconcile-abcdefgh",
        site.var / "interfaces" / ".wg1.json.wgreconcile-abcdefgh",
        site.var / "cache" / ".quiet.json.wgreconcile-abcdefgh",
        site.secrets.folder / ".wg0.key.wgreconcile-abcdefgh",
        site.secrets.folder / "wg0" / ".alice.psk.wgreconcile-abcdefgh",
        site.store.state / ".wg0.yaml.wgreconcile-abcdefgh",
        site.store.state / "wg0" / ".alice.yaml.wgreconcile-abcdefgh",
    ]
    kept = [
        site.conf_dir / "wg0.conf",
        site.conf_dir / ".wg0.conf.original",
        site.conf_dir / ".wg0.conf.swp",
        site.conf_dir / "mine" / ".wg0.conf.wgreconcile-abcdefgh",
        site.secrets.folder / ".wg0.key.original",
        site.secrets.folder / "wg0.key.wgreconcile-abcdefgh",
        site.store.state / "wg0" / ".alice.yaml.swp",
        site.conf_dir / "wg0.conf.abcdefgh",
        site.var / "interfaces" / "wg1.json",
        site.var / "lock",
    ]
    (site.var / "cache").mkdir()
    for path in [*gone, *kept[:-2], kept[-1]]:
        if path.name != JOURNAL:
            path.write_text("key")
    for folder, path in ((site.store.state, "wg0/alice.yaml"), (site.secrets.folder, "wg0/alice.psk")):
        assert is_killed_at(3, land, folder, [Landing(path, b"old", b"new")])
    settle(site)
    assert [path for path in gone if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []
    settle(site)


def test_nothing_to_clear_away(tmp_path: Path) -> None:
    settle(site_in(tmp_path))


def test_commands_under_way_are_waited_for_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_in(tmp_path)
    staged = site.conf_dir / ".wgreconcile" / "wg0.conf"
    staged.parent.mkdir()
    staged.write_text("key")
    waited = []

    def wait(argv: tuple[str, ...]) -> None:
        assert staged.exists()
        waited.append(argv)

    monkeypatch.setattr(leftovers, "wait_until_gone", wait)
    site.records.save("wg0", Record("", running=("wg-quick", "up", str(staged))))
    site.records.save("wg1", Record(""))
    settle(site)
    assert waited == [("wg-quick", "up", str(staged))]
    assert not staged.exists()
