"""A run with nothing to do is told by its inputs; whatever moves must be noticed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.converge import quiet
from wgreconcile.converge.quiet import Quiet
from wgreconcile.converge.records import Record
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.planning.model import Goal, InterfacePlan, Plan

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
PLAN = Plan((InterfacePlan("wg0", Goal("wg0"), subjects=3),), orphaned=("old",), unmanaged=("foreign",))


def key(number: int) -> str:
    return base64.b64encode(bytes([number] * 32)).decode()


class Look:
    """Stands in for a look at a host: what the real one prints is tested where there are real hosts."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    def fingerprint(self) -> tuple[str, ...]:
        return self._texts


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(quiet, "YOUNG_NS", 0)
    state = tmp_path / "state"
    (state / "wg0").mkdir(parents=True)
    (state / "wg0.yaml").write_text("address: 10.7.0.1/24\n")
    (state / "wg0" / "ann.yaml").write_text(f"public_key: {key(1)}\nallowed_ips: [10.7.0.2]\n")
    secrets = Secrets(tmp_path / "secrets")
    secrets.generate("wg0.key")
    site = Site(Store(state, cache=tmp_path / "var" / "cache"), secrets, tmp_path / "conf", tmp_path / "var")
    site.records.save("wg0", Record("[Interface]\n"))
    return site


def look_again(
    site: Site, *texts: str, names: tuple[str, ...] = (), now: datetime = NOW, prune: bool = False
) -> Quiet:
    look: Any = Look(*(texts or ("as it was",)))
    return Quiet(site, look, names, now, prune=prune)


def remember(site: Site) -> None:
    look_again(site).remember(PLAN, site.store.load())


def test_what_was_remembered_comes_back_whole(site: Site) -> None:
    assert look_again(site).recall() is None
    remember(site)
    outcome = look_again(site).recall()
    assert outcome is not None
    assert outcome.plan == PLAN
    assert [(each.name, each.plan.subjects, each.changed, each.failed) for each in outcome.interfaces] == [
        ("wg0", 3, 0, False)
    ]


def _rewrite(path: Path) -> None:
    """The same text, the same size and, as far as the system call can, the same time of change."""
    stat = path.stat()
    path.write_text(path.read_text())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


MOVES: dict[str, Callable[[Site], object]] = {
    "a document changes": lambda site: (site.store.state / "wg0.yaml").write_text("address: 10.7.0.9/24\n"),
    "a document is written again": lambda site: _rewrite(site.store.state / "wg0" / "ann.yaml"),
    "a document comes": lambda site: (site.store.state / "wg0" / "bob.yaml").write_text(f"public_key: {key(2)}\n"),
    "a document goes": lambda site: (site.store.state / "wg0" / "ann.yaml").unlink(),
    "a document is renamed": lambda site: (site.store.state / "wg0" / "ann.yaml").rename(
        site.store.state / "wg0" / "eve.yaml"
    ),
    "a secret changes": lambda site: (site.secrets.folder / "wg0.key").write_text(key(9)),
    "a secret's mode changes": lambda site: (site.secrets.folder / "wg0.key").chmod(0o644),
    "a record changes": lambda site: site.records.save("wg0", Record("[Interface]\n", running=("wg-quick", "up"))),
    "a record goes": lambda site: site.records.forget("wg0"),
    "what is remembered is damaged": lambda site: (site.var / "cache" / "quiet.json").write_text('{"stamps": 1'),
    "what is remembered goes": lambda site: (site.var / "cache" / "quiet.json").unlink(),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_move_is_noticed(site: Site, move: Callable[[Site], object]) -> None:
    remember(site)
    move(site)
    assert look_again(site).recall() is None


def test_another_sight_is_noticed(site: Site) -> None:
    remember(site)
    assert look_again(site, "as it was", "and more").recall() is None
    assert look_again(site, "as it is now").recall() is None
    assert look_again(site, "as it was").recall() is not None


def test_another_question_is_another_answer(site: Site) -> None:
    remember(site)
    assert look_again(site, names=("wg0",)).recall() is None
    assert look_again(site, prune=True).recall() is None


def test_an_expiry_ends_the_quiet(site: Site) -> None:
    expires = NOW + timedelta(hours=1)
    text = f"public_key: {key(3)}\nexpires: {expires.isoformat()}\n"
    (site.store.state / "wg0" / "guest.yaml").write_text(text)
    remember(site)
    assert look_again(site, now=expires - timedelta(seconds=1)).recall() is not None
    assert look_again(site, now=expires).recall() is None


def test_an_expiry_that_is_past_does_not_disturb(site: Site) -> None:
    text = f"public_key: {key(3)}\nexpires: {(NOW - timedelta(hours=1)).isoformat()}\n"
    (site.store.state / "wg0" / "guest.yaml").write_text(text)
    remember(site)
    assert look_again(site).recall() is not None


def test_a_secret_of_the_environment_is_never_trusted(site: Site) -> None:
    (site.store.state / "wg0.yaml").write_text("private_key: {env: WG0_KEY}\n")
    remember(site)
    assert look_again(site).recall() is None


def test_a_young_document_is_never_trusted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "YOUNG_NS", 3_600_000_000_000)
    remember(site)
    assert look_again(site).recall() is None
    assert not (site.var / "cache" / "quiet.json").exists()


def test_a_folder_that_cannot_be_written_is_no_error(site: Site) -> None:
    cache = site.var / "cache"
    cache.mkdir(exist_ok=True)
    for each in cache.iterdir():
        each.unlink()
    cache.rmdir()
    cache.write_text("in the way")
    remember(site)
    assert look_again(site).recall() is None
