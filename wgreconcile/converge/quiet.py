"""Whether anything moved since a run that left nothing to do.

A plan is a function of documents, secrets, files, records, what is live, and time. When each of them is what it
was when that plan was empty, it is empty again, and of ten thousand peers not one need be built to see it. When
all but few documents are, only these have to be looked at. What is doubtful (a file that has only just been
written, a secret from the environment) counts as moved.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import wgreconcile
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome
from wgreconcile.converge.site import Site
from wgreconcile.desired.layout import Stamp
from wgreconcile.desired.model import DesiredState, Interface, SecretEnv
from wgreconcile.desired.moments import Period
from wgreconcile.desired.news import News
from wgreconcile.files import keep, kept, read
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Goal, InterfacePlan, Plan

YOUNG_NS = 2_000_000_000
"""A file as young as this may change again without a new time of change (as in Git's racy index)."""


class Quiet:
    """One look at everything that a plan is made from, against the last one that left nothing to do."""

    def __init__(self, site: Site, look: Look, names: Sequence[str], now: datetime, *, prune: bool) -> None:
        self._path = site.var / "cache" / "quiet.json"
        self._site, self._look, self._now = site, look, now
        self._choice = (sorted(names), prune)
        # Before anything is read, so that what changes meanwhile is seen as a change by the next run.
        self._looked_at = time.time_ns()
        self._documents = _documents(site)
        self._folders = _folders(site)
        self._rest = self._rest_with_records()

    def recall(self) -> Outcome | None:
        """The outcome of a run that has nothing to do; None when something moved."""
        try:
            digest = self._digest_of_documents
            if self._documents is None or digest is None or digest != self._last["documents"]:
                return None
            if not self._all_else_rests:
                return None
            plan = self.plan_with(())
        except (ValueError, KeyError, TypeError):
            return None
        return Outcome(plan, tuple(map(InterfaceOutcome, plan.interfaces)), self._look, self._documents)

    def news(self) -> News | None:
        """What few documents say anew, when nothing else has moved; else None."""
        try:
            version = self._last["version"]
            if not version or self._documents is None or not self._rests:
                return None
            chosen = {each.name for each in self.plan_with(()).interfaces}
            found = self._site.store.news(version, self._documents, self._looked_at, self._now)
            is_all = found is not None and chosen.issuperset(each.interface.name for each in found.interfaces)
            return found if is_all and self._all_else_rests else None
        except (ValueError, KeyError, TypeError):
            return None

    def plan_with(self, plans: Sequence[InterfacePlan]) -> Plan:
        """The plan of the run that is remembered, which was empty, but for these interfaces."""
        found = {each.name: each for each in plans}
        quiet = (InterfacePlan(name, Goal(name), subjects=count) for name, count in self._last["subjects"])
        merged = tuple(found.get(each.name, each) for each in quiet)
        return Plan(merged, tuple(self._last["orphaned"]), tuple(self._last["unmanaged"]))

    def remember(self, plan: Plan, desired: DesiredState) -> None:
        """Keep that ``plan`` was empty. A folder that cannot be written costs time, nothing else."""
        period = Period.of((), self._now)
        self._remember(plan, desired.interfaces, desired.version, period, self._seen)

    def remember_news(self, plan: Plan, news: News, look: Look) -> None:
        """Keep that all of ``plan`` was carried out, and what a last ``look`` saw."""
        self._rest = self._rest_with_records()  # which this run has written; folders are as they were planned with
        interfaces = [each.interface for each in news.interfaces]
        self._remember(plan, interfaces, news.version, self._last_period, _digest(look.fingerprint()))

    def _remember(
        self, plan: Plan, interfaces: Sequence[Interface], version: str, period: Period, seen: str
    ) -> None:
        peers = [each for interface in interfaces for each in interface.peers]
        secrets = [each.preshared_key for each in peers] + [each.private_key for each in interfaces]
        if self._rest is None or any(isinstance(each, SecretEnv) for each in secrets):
            return
        data = {
            "documents": self._digest_of_documents,
            "rest": self._rest,
            "seen": seen,
            "period": period.with_new(peers, self._now),
            "version": version,
            "subjects": [[each.name, each.subjects_after] for each in plan.interfaces],
            "orphaned": plan.orphaned,
            "unmanaged": plan.unmanaged,
        }
        with suppress(OSError):
            keep(self._path, json.dumps(data))

    @cached_property
    def _last(self) -> Mapping[str, Any]:
        """What the last run has remembered; empty when it has not."""
        try:
            found = json.loads(kept(self._path))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def _rests(self) -> bool:
        """Whether all that is desired rests, documents aside; cheaper than a look at the host."""
        return self._rest is not None and self._last["rest"] == self._rest and self._last_period.has(self._now)

    @property
    def _last_period(self) -> Period:
        return Period(*self._last["period"])

    @property
    def _all_else_rests(self) -> bool:
        """Whether nothing has moved, documents aside."""
        return self._rests and self._last["seen"] == self._seen

    @cached_property
    def _seen(self) -> str:
        """A digest of what is on disk and live."""
        return _digest(self._look.fingerprint())

    @cached_property
    def _digest_of_documents(self) -> str | None:
        """A digest of the stamps of all documents; None when one of them is too young to be trusted."""
        if self._documents is None or _is_young(self._documents.values(), self._looked_at):
            return None
        return _digest_of(self._documents)

    def _rest_with_records(self) -> str | None:
        """A digest of all else that is desired, of the program and of the choice; None when it cannot be told."""
        try:
            # By content: a run writes them itself, and the next one need not wait until they are old.
            paths = sorted((self._site.var / "interfaces").glob("*.json"))
            records = [text for each in paths for text in (each.name, read(each).decode(errors="replace"))]
        except OSError:
            return None
        return _digest([repr((self._choice, self._folders)), *records]) if self._folders else None


def _digest_of(found: Mapping[str, tuple[int, ...]]) -> str | None:
    """A digest of stamps, in the order of the folders: where that changes, a little time is lost."""
    try:
        numbers = array("Q", chain.from_iterable(found.values()))
    except OverflowError:  # from before 1970
        return None
    return _digest(["\0".join(found), numbers.tobytes().hex()])


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=32)
    for text in texts:
        digest.update(text.encode(errors="surrogateescape") + b"\0")
    return digest.hexdigest()


def _documents(site: Site) -> dict[str, Stamp] | None:
    """The stamps of all documents; None when the folder cannot be read."""
    try:
        return site.store.stamps()
    except OSError:
        return None


def _is_young(found: Iterable[tuple[int, ...]], now: int) -> bool:
    young = now - YOUNG_NS
    return any(stamp[0] > young or stamp[3] > young for stamp in found)


def _folders(site: Site) -> str | None:
    """A digest of what betrays a change of a secret or of the program; None when it is too young to be trusted."""
    try:
        found = dict(chain(_stamps(site.secrets.folder), _stamps(Path(wgreconcile.__file__).parent)))
    except OSError:
        return None
    return None if _is_young(found.values(), time.time_ns()) else _digest_of(found)


def _stamps(folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What betrays a change of a file, for all below a folder, as documents have it.

    Of a folder it is whose it is and who may enter. Links are followed, also to folders.
    """
    pending, been = [folder], set()
    while pending:
        path = pending.pop()
        with suppress(FileNotFoundError):
            stat = path.stat()
            if (stat.st_dev, stat.st_ino) in been:
                continue
            been.add((stat.st_dev, stat.st_ino))
            yield str(path), (0, stat.st_uid, stat.st_ino, 0, stat.st_mode)
            for entry in _entries(path):
                if entry.is_dir():
                    pending.append(Path(entry.path))
                else:
                    stat = (os.stat if entry.is_file() else os.lstat)(entry.path)
                    yield entry.path, (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns, stat.st_mode)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [each for each in entries if each.name not in ("__pycache__", ".git")]
