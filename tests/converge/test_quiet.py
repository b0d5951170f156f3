"""Remembering that there was nothing to do: recalled only when nothing at all has moved, and for no longer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.desired.memory import Memory
from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.news import News
from wgreconcile.files import keep
from wgreconcile.planning.model import Goal, InterfacePlan, Plan

from .sites import NOW, document, site_in

PLAN = Plan((InterfacePlan("wg0", Goal("wg0"), subjects=3),), ("wg8",), ("wg9",))
PEER = "peers: [{{public_key: wM3ZgHgPQYT0jMGZ6Pbl0IkVpaSPFM1ohGoCBEk9UQ8=, {}}}]"


class Seen:
    """In place of a look with real programs."""

    def __init__(self, text: str = "as it was") -> None:
        self.text = text

    def fingerprint(self) -> Iterator[str]:
        yield self.text


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site that nobody has touched for an hour."""
    made = site_in(tmp_path)
    document(tmp_path, "wg0")
    (tmp_path / "secrets").mkdir(mode=0o700)
    (tmp_path / "secrets" / "wg0").mkdir()
    for name in ("wg0.key", "wg0/ann.psk"):
        (tmp_path / "secrets" / name).write_text("key")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "bob.psk").write_text("key")
    (tmp_path / "secrets" / "link").symlink_to(tmp_path / "elsewhere")
    made.records.save("wg0", Record("text"))
    return made


def quiet(
    site: Site, *, seen: str = "as it was", now: datetime = NOW, prune: bool = False, names: tuple[str, ...] = ()
) -> Quiet:
    return Quiet(site, Seen(seen), names, now, prune=prune)


def settled(site: Site, monkeypatch: pytest.MonkeyPatch, desired: DesiredState | None = None) -> None:
    """Remember an empty plan, an hour later: what was written a moment ago is not trusted."""
    later = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr("wgreconcile.converge.quiet.time.time_ns", lambda: later)
    quiet(site).remember(PLAN, desired or site.store.load())


def test_nothing_moved(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quiet(site).recall() is None
    settled(site, monkeypatch)
    outcome = quiet(site).recall()
    assert outcome is not None
    assert [(each.name, each.plan.subjects, each.changed) for each in outcome.interfaces] == [("wg0", 3, 0)]
    assert (outcome.plan.is_empty, outcome.plan.orphaned, outcome.plan.unmanaged) == (True, ("wg8",), ("wg9",))


def _spoil(path: Path) -> None:
    text = path.read_text()
    path.write_text(text.replace("253402300800.0", "253402300801.0"))
    assert path.read_text() != text


def rewritten(path: str) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        text = (folder / path).read_text()
        (folder / path).write_text(text)

    return rewrite


@pytest.mark.parametrize(
    "move",
    [
        rewritten("state/wg0.yaml"),
        rewritten("secrets/wg0.key"),
        rewritten("secrets/wg0/ann.psk"),
        lambda folder: (folder / "var" / "interfaces" / "wg0.json").write_text("{}"),
        lambda folder: (folder / "var" / "interfaces" / "wg1.json").write_text("{}"),
        lambda folder: (folder / "state" / "wg1.yaml").write_text("{}"),
        lambda folder: (folder / "secrets" / "new").write_text(""),
        lambda folder: (folder / "secrets" / "wg0.key").chmod(0o644),
        lambda folder: (folder / "secrets").chmod(0o755),
        lambda folder: (folder / "secrets" / "link" / "bob.psk").write_text("other"),
        lambda folder: (folder / "var" / "interfaces" / "wg0.json").unlink(),
        lambda folder: (folder / "var" / "cache" / "quiet.json").write_text("{"),
        lambda folder: (folder / "var" / "cache" / "quiet.json").write_text("{}"),
        lambda folder: keep(folder / "var" / "cache" / "quiet.json", "{}"),
        lambda folder: keep(folder / "var" / "cache" / "quiet.json", "[]"),
        lambda folder: _spoil(folder / "var" / "cache" / "quiet.json"),
        lambda folder: (folder / "var" / "cache" / "quiet.json").chmod(0o666),
        lambda folder: (folder / "var" / "cache" / "quiet.json").unlink(),
    ],
)
def test_something_moved(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: Callable[[Path], None]
) -> None:
    settled(site, monkeypatch)
    assert quiet(site).recall() is not None
    move(tmp_path)
    assert quiet(site).recall() is None


def test_something_else_was_seen_or_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(site, monkeypatch)
    assert quiet(site, seen="otherwise").recall() is None
    assert quiet(site, prune=True).recall() is None
    assert quiet(site, names=("wg0",)).recall() is None
    assert quiet(site, now=NOW + timedelta(days=3650)).recall() is not None
    assert quiet(site, now=NOW - timedelta(seconds=1)).recall() is None, "the clock was set back"


def test_what_was_written_a_moment_ago_is_not_trusted(site: Site) -> None:
    """It may change once more without its time of change telling."""
    quiet(site).remember(PLAN, site.store.load())
    assert not (site.var / "cache" / "quiet.json").exists()


@pytest.mark.parametrize(
    ("field", "until"),
    [
        ("expires: '2030-01-02T00:00:00Z'", timedelta(days=1)),
        ("expires: '2030-01-02T02:00:00+02:00'", timedelta(days=1)),
        ("expires: '2029-01-01T00:00:00Z'", None),
        ("expires: '2030-01-01T00:00:00Z'", None),
        ("schedules: [{subject: date, is: above, value: '2030-01-02', action: disable}]", timedelta(days=1)),
        ("schedules: [{subject: date, is: below, value: '2030-01-02', action: disable}]", timedelta(days=1)),
        ("schedules: [{subject: received, is: above, value: 5, action: disable}]", None),
    ],
)
def test_peers_come_and_go_by_themselves(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, until: timedelta | None
) -> None:
    path = tmp_path / "state" / "wg0.yaml"
    path.write_text(path.read_text().replace("peers: []", PEER.format(field)))
    settled(site, monkeypatch)
    moment = NOW + (until or timedelta(days=36500))
    assert quiet(site, now=moment - timedelta(seconds=1)).recall() is not None
    assert (quiet(site, now=moment).recall() is None) is (until is not None)


def test_secrets_of_the_environment_cannot_be_watched(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document(tmp_path, "wg0", private_key="{env: WG0_KEY}")
    settled(site, monkeypatch)
    assert quiet(site).recall() is None


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.var / "cache").write_text("in the way")
    settled(site, monkeypatch)
    assert quiet(site).recall() is None


def test_no_key_is_remembered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(site, monkeypatch)
    kept = site.var / "cache" / "quiet.json"
    assert "key" not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_what_changes_meanwhile_is_not_remembered(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run may take long: what was planned with decides, and not what is there in the end."""
    settled(site, monkeypatch)
    found = quiet(site)
    rewritten("secrets/wg0/ann.psk")(tmp_path)
    long_ago = time.time_ns() + 7200 * 10**9
    monkeypatch.setattr("wgreconcile.converge.quiet.time.time_ns", lambda: long_ago)
    news = News((), Memory({"wg0.yaml": [[], "digest", None]}))
    found.remember_news(PLAN, news, Seen())
    assert quiet(site).recall() is None


def test_documents_from_before_there_was_time(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(tmp_path / "state" / "wg0.yaml", ns=(-1, -1))
    settled(site, monkeypatch)
    assert quiet(site).recall() is None
    assert quiet(site).news() is None


def test_links_to_nowhere_and_in_circles_do_no_harm(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.secrets.folder.mkdir(mode=0o700, exist_ok=True)
    (site.secrets.folder / "gone").symlink_to("/nonexistent")
    (site.secrets.folder / "circle").symlink_to(".")
    settled(site, monkeypatch)
    assert quiet(site).recall() is not None
    (site.secrets.folder / "gone").unlink()
    (site.secrets.folder / "gone").symlink_to("/elsewhere")
    assert quiet(site).recall() is None
