"""Whether anything moved since a run found nothing to do.

A plan is a function of documents, secrets, files, records, what is live, and time. When each of them is what it
was when that plan was empty, it is empty again, and of ten thousand peers not one need be built to see it. What is
doubtful (a document that has only just been written, a secret from the environment) counts as moved.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path

import wgreconcile
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome
from wgreconcile.converge.site import Site
from wgreconcile.desired.layout import stamps
from wgreconcile.desired.model import DesiredState, Peer, SecretEnv
from wgreconcile.files import make_private_folder, read, write_atomic
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Goal, InterfacePlan, Plan

YOUNG_NS = 2_000_000_000
"""A file as young as this may change again without a new time of change (as in Git's racy index)."""


class Quiet:
    """One look at everything that a plan is made from, against the last one that left nothing to do."""

    def __init__(self, site: Site, look: Look, names: Sequence[str], now: datetime, *, prune: bool) -> None:
        self._path = site.var / "cache" / "quiet.json"
        self._now = now
        self._look = look
        # Before anything is read, so that what changes meanwhile is seen as a change by the next run.
        self._stamps = _stamps_of(site, names, prune)

    def recall(self) -> Outcome | None:
        """The outcome of a run that has nothing to do; None when something moved."""
        try:
            data = json.loads(read(self._path))
            if self._stamps is None or data["stamps"] != self._stamps or data["until"] <= self._now.isoformat():
                return None
            if data["seen"] != self._seen:
                return None
            plans = tuple(InterfacePlan(name, Goal(name), subjects=count) for name, count in data["subjects"])
            plan = Plan(plans, tuple(data["orphaned"]), tuple(data["unmanaged"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Outcome(plan, tuple(map(InterfaceOutcome, plans)))

    def remember(self, plan: Plan, desired: DesiredState) -> None:
        """Keep that ``plan`` was empty. A folder that cannot be written costs time, nothing else."""
        peers = [each for interface in desired.interfaces for each in interface.peers]
        secrets = [each.preshared_key for each in peers] + [each.private_key for each in desired.interfaces]
        if self._stamps is None or any(isinstance(each, SecretEnv) for each in secrets):
            return
        moments = (moment.astimezone(self._now.tzinfo) for each in peers for moment in _moments(each))
        data = {
            "stamps": self._stamps,
            "seen": self._seen,
            "until": min((each for each in moments if each > self._now), default=datetime.max).isoformat(),
            "subjects": [[each.name, each.subjects] for each in plan.interfaces],
            "orphaned": plan.orphaned,
            "unmanaged": plan.unmanaged,
        }
        try:
            make_private_folder(self._path.parent)
            write_atomic(self._path, json.dumps(data), durable=False)
        except OSError:
            return

    @cached_property
    def _seen(self) -> str:
        """A digest of what is on disk and live."""
        digest = hashlib.blake2b(digest_size=32)
        for text in self._look.fingerprint():
            digest.update(text.encode(errors="surrogateescape") + b"\0")
        return digest.hexdigest()


def _moments(peer: Peer) -> Iterator[datetime]:
    """When a peer may come or go without anybody doing anything."""
    if peer.expires is not None:
        yield peer.expires
    for schedule in peer.schedules:
        if isinstance(schedule.value, datetime):
            yield schedule.value
            yield schedule.begins


def _stamps_of(site: Site, names: Sequence[str], prune: bool) -> str | None:
    """A digest of what is desired, by the stamps of its files; None when one is too young to be trusted."""
    package = Path(wgreconcile.__file__).parent  # in a checkout, some of its folders are links
    folders = (site.secrets.folder, site.var / "interfaces", package, package / "schemas", package / "templates")
    try:
        documents = sorted(stamps(site.store.state).items())
        files = [stamp for folder in folders for stamp in _stamps(folder)]
    except OSError:
        return None
    young = time.time_ns() - YOUNG_NS
    if any(stamp[0] > young or stamp[3] > young for _, stamp in [*documents, *files]):
        return None
    return hashlib.blake2b(repr((sorted(names), prune, documents, files)).encode(), digest_size=32).hexdigest()


def _stamps(folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What betrays a change of a file, for all files below a folder in a settled order, as documents have it."""
    pending = [str(folder)]
    while pending:
        entries = sorted(_entries(pending.pop()), key=lambda each: each.name)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            else:
                stat = (os.stat if entry.is_file() else os.lstat)(entry.path)
                yield entry.path, (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns, stat.st_mode)


def _entries(folder: str) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [each for each in entries if each.name not in ("__pycache__", ".git")]
    except FileNotFoundError:
        return []
