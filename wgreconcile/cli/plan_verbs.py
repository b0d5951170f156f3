"""``plan`` and ``apply``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime, timezone

from wgreconcile.cli.settings import Settings
from wgreconcile.cli.signals import deferred
from wgreconcile.cli.site import need_root, site_of
from wgreconcile.cli.terminal import READING, painter, working
from wgreconcile.converge.outcome import InterfaceOutcome, Outcome
from wgreconcile.converge.reconcile import reconcile
from wgreconcile.converge.site import Site
from wgreconcile.errors import UsageError
from wgreconcile.planning.export import export_plan
from wgreconcile.planning.model import Disruption, Plan
from wgreconcile.planning.report import recap, report

PENDING = 2
_BACK = "it is back as it was before, which was verified"


def plan(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show what an apply would change."""
    now = _moment(arguments.at)
    if not arguments.offline:
        need_root("plan", "use --offline to compare with files alone")
    elif settings.conf_dir.is_dir() and not os.access(settings.conf_dir, os.R_OK | os.X_OK):
        print(f"note: {settings.conf_dir} is not readable for you, so all of it looks new", file=sys.stderr)
    found = _survey(site_of(settings), arguments, now, offline=arguments.offline)
    for path in (settings.conf_dir / f"{each.name}.conf" for each in found.interfaces):
        if arguments.offline and os.access(path, os.F_OK) and not os.access(path, os.R_OK):
            print(f"note: {path} is not readable for you, so it looks new", file=sys.stderr)
    _show_plan(found, arguments.output, diff=True)
    _show_obstacles(found)
    from wgreconcile.planning import safety

    for reason in safety.reasons(found):
        print(f"note: apply would refuse this: {reason}", file=sys.stderr)
    return PENDING if arguments.detailed_exitcode and not found.is_empty else 0


def apply(arguments: argparse.Namespace, settings: Settings) -> int:
    """Bring interfaces to their desired state; with ``--check`` only show what that would change."""
    site, now = site_of(settings), datetime.now(timezone.utc)
    need_root("apply", "it changes interfaces")
    if arguments.check:
        return _check(_survey(site, arguments, now), arguments)
    with deferred() as stop:
        with working(sys.stderr, READING) as show:
            outcome = reconcile(
                site,
                arguments.names,
                now,
                prune=arguments.prune,
                force=arguments.force,
                max_disruption=_limit(arguments),
                progress=show,
                stop=stop,
                patience=arguments.wait,
            )
        _show_outcome(outcome, arguments.output, diff=arguments.diff)
    return 1 if outcome.failed else 0


def _check(found: Plan, arguments: argparse.Namespace) -> int:
    """Show a plan and end as an apply of it would begin: raise UnsafePlanError for what that would refuse."""
    from wgreconcile.planning import safety

    _show_plan(found, arguments.output, diff=arguments.diff)
    _show_obstacles(found)
    safety.check(found, force=arguments.force, max_disruption=_limit(arguments))
    return 0 if found.is_empty else PENDING


def _limit(arguments: argparse.Namespace) -> Disruption:
    return Disruption[arguments.max_disruption.upper()]


def _survey(site: Site, arguments: argparse.Namespace, now: datetime, *, offline: bool = False) -> Plan:
    from wgreconcile.converge.survey import survey  # an apply that finds nothing to do ends without it

    with working(sys.stderr, READING):
        found = survey(site, arguments.names, now, prune=arguments.prune, offline=offline)
    for warning in found.desired.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for each in found.unread:
        print(f"note: {each} not compared: {site.secrets.folder} is not readable for you", file=sys.stderr)
    return found.plan


def _show_plan(found: Plan, output: str, *, diff: bool) -> None:
    if output == "json":
        print(json.dumps(export_plan(found), indent=2))
        return
    _show_notes(found, diff)
    for each in found.interfaces:
        print(recap(each.name, each.subjects, each.changed_subjects, 0))


def _show_obstacles(found: Plan) -> None:
    from wgreconcile.converge.obstacles import obstacles

    for each in found.interfaces:
        for problem in obstacles(each):
            print(f"warning: {each.name}: apply would fail: {problem}", file=sys.stderr)


def _show_outcome(outcome: Outcome, output: str, *, diff: bool) -> None:
    if output == "json":
        print(json.dumps(export_plan(outcome.plan) | {"outcome": [*map(_exported, outcome.interfaces)]}, indent=2))
        return
    _show_notes(outcome.plan, diff)
    paint = painter(sys.stderr)
    for each in outcome.interfaces:
        if each.failed:
            print(paint("error", f"{each.name}: {each.error}"), file=sys.stderr)
            way_back = f"the way back failed too: {each.return_error}" if each.return_error else _BACK
            print(f"{each.name}: {way_back}", file=sys.stderr)
        if each.record_error:
            print(paint("error", f"{each.name}: {_unremembered(each)}"), file=sys.stderr)
    for each in outcome.interfaces:
        print(recap(each.name, each.plan.subjects, each.changed, int(each.failed)))


def _show_notes(found: Plan, diff: bool) -> None:
    shown = found if diff else Plan((), found.orphaned)
    for line in report(shown, painter(sys.stdout)):
        print(line)
    if not found.interfaces:
        print("the state has no interfaces: nothing to do")


def _unremembered(each: InterfaceOutcome) -> str:
    done = "" if each.failed else "it is as the state wants it, which was verified; only "
    return f"{done}what was applied could not be remembered: {each.record_error}; make room there and apply again"


def _exported(each: InterfaceOutcome) -> dict[str, object]:
    return {
        "name": each.name,
        "changed": each.changed,
        "failed": each.failed,
        "error": each.error,
        "return_error": each.return_error,
        "record_error": each.record_error,
    }


def _moment(text: str | None) -> datetime:
    if not text:
        return datetime.now(timezone.utc)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(f"--at: '{text}' is no ISO 8601 time such as 2030-01-31T12:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
