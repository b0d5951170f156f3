"""Two hosts that the same happens to: one remembers what saves time, the other forgets it before every run."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.converge import news, reconcile, survey, target
from wgreconcile.converge.outcome import Outcome
from wgreconcile.desired import loading
from wgreconcile.desired.store import Store
from wgreconcile.errors import CommandError, WgreconcileError
from wgreconcile.planning.export import export_plan
from wgreconcile.planning.model import Step
from wgreconcile.planning.report import report

from ..desired.samples import clock_at
from ..planning.model_host import ModelHost, Refused
from .sites import NOW, Fleet, FleetLook, site_in


class Killed(BaseException):
    """In place of SIGKILL."""


class Twin:
    """One of the two."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        site = site_in(folder)
        self.folder = folder
        self.site = replace(site, store=Store(folder / "state", cache=folder / "var" / "cache"))
        self.fleet = Fleet(patch, self.site)
        self.meanwhile: dict[int, Event] = {}
        """What happens in the next run after so many steps."""
        self._performed = 0
        self._real = self.fleet.perform
        self.fleet.perform = self._perform

    def _perform(self, step: Step, name: str) -> None:
        try:
            self._real(step, name)
        except Refused as error:
            raise CommandError(["ip"], 1, str(error)) from None
        self._performed += 1
        if event := self.meanwhile.pop(self._performed, None):
            event(self)

    def model(self, name: str) -> ModelHost:
        return self.fleet.host(name)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(exist_ok=True, mode=0o700)
        file.write_text(text)
        file.chmod(0o600)

    def run(self, names: Sequence[str], now: datetime, **options: Any) -> str:
        """All that a person would be told."""
        self._performed = 0
        try:
            text = _told(reconcile.reconcile(self.site, names, now, **options))
        except (WgreconcileError, Killed) as error:
            text = f"{type(error).__name__}: {error}"
        self.meanwhile.clear()
        return self._anonymous(text)

    def seen(self) -> dict[str, object]:
        """All that there is, but for what saves time."""
        files = {
            str(path.relative_to(self.folder)): (self._anonymous(path.read_text()), path.stat().st_mode)
            for path in self.folder.rglob("*")
            if path.is_file() and "cache" not in path.parts
        }
        return files | {name: host.observed.live for name, host in self.fleet.hosts.items()}

    def _anonymous(self, text: str) -> str:
        return text.replace(str(self.folder), "")


Event = Callable[[Twin], None]


def _told(outcome: Outcome) -> str:
    lines = [json.dumps(export_plan(outcome.plan), indent=1), *report(outcome.plan, lambda colour, text: text)]
    for each in outcome.interfaces:
        lines.append(repr((each.name, each.plan.subjects, each.changed, each.error, each.return_error)))
    return "\n".join(lines)


class Twins:
    """Both of them. ``story`` is what has happened; ``wholes`` how often the one that remembers looked at all."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.some, self.every = (Twin(folder / each, patch) for each in ("some", "every"))
        self.now = NOW
        self.story: list[str] = []
        self.runs = self.wholes = 0
        self._patch = patch
        self._hour = 0
        fleets = {each.site.conf_dir: each.fleet for each in (self.some, self.every)}
        patch.setattr(target, "perform", lambda step, name, host: fleets[host.conf_dir].perform(step, name))
        patch.setattr(target, "observe", lambda folder, names: fleets[folder].observe(names))
        for module in (reconcile, survey, news):
            patch.setattr(module, "Look", lambda folder, names: FleetLook(fleets[folder], names))
        real, real_survey = time.time_ns, survey.survey
        # What was written a moment ago is not trusted: every run is an hour after the one before.
        patch.setattr(time, "time_ns", lambda: real() + self._hour * 3600 * 10**9)

        def counted(site: Any, *arguments: Any, **more: Any) -> Any:
            self.wholes += site is self.some.site
            return real_survey(site, *arguments, **more)

        patch.setattr(survey, "survey", counted)

    def do(self, event: Event, text: str = "") -> None:
        """Let something happen to both."""
        self.story.append(text)
        for each in (self.some, self.every):
            event(each)

    def run(self, *names: str, compared: bool = True, **options: Any) -> str:
        """Reconcile both; it must come to the same. Tells what a person would be told."""
        self.story.append(f"run {names} {options}")
        self.runs += 1
        self._hour += 1
        clock_at(self._patch, loading, self.now)
        shutil.rmtree(self.every.folder / "var" / "cache", ignore_errors=True)
        some, every = (each.run(names, self.now, **options) for each in (self.some, self.every))
        if compared:
            story = "\n".join(self.story[-15:])
            assert some == every, story
            assert self.some.seen() == self.every.seen(), story
        return some
