"""What is to be done about few peers of an interface, when all others are known to be as they shall be.

These peers are planned, converged and verified by the very code that does it for all; a :class:`Part` stands
between it and the whole. Whatever is not that simple is left to a reconcile of everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from wgreconcile.converge.interface import converge
from wgreconcile.converge.operations import Host
from wgreconcile.converge.outcome import InterfaceOutcome, Progress
from wgreconcile.converge.part import NotAlone, Part, is_simple
from wgreconcile.converge.site import Site
from wgreconcile.converge.target import Whole
from wgreconcile.desired.news import NewPeers
from wgreconcile.errors import StateError
from wgreconcile.observed.conf import Conf, parse_conf
from wgreconcile.observed.observe import Look
from wgreconcile.planning.goal import goal_of
from wgreconcile.planning.model import Baseline, Goal, InterfacePlan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.sections import Sections


@dataclass(frozen=True)
class Few:
    """The plan for few peers of an interface, and what it was made from."""

    plan: InterfacePlan
    baseline: Baseline
    part: Part

    def converge(self, progress: Progress = lambda name, text: None) -> InterfaceOutcome:
        """Carry it out and verify it. Raise NotAlone when more turns out to have changed meanwhile."""
        return converge(self.plan, self.part.before, self.baseline, self.part, progress)


def plan_few(site: Site, new: NewPeers, now: datetime, look: Look, look_again: Callable[[], Look]) -> Few:
    """Plan for the peers of ``new``, given that in ``look`` the interface was as the record says.

    Raise NotAlone when it takes more than that.
    """
    name = new.interface.name
    whole = Whole(name, Host(site.conf_dir), site.records)
    record = whole.load()
    if record is None or record.running or not record.up:
        raise NotAlone
    part = Part(whole, new.keys, record.text, look, look_again)
    try:
        few = site.secrets.resolve_interface(new.interface, write=True, now=now)
    except StateError:  # of this interface; a run of everything tells all that is missing at once
        raise NotAlone from None
    goal = replace(goal_of(few, now), others=part.others)
    baseline = Baseline(parse_conf(part.text, "(record)"), applied=True)
    if not _is_plain(goal, baseline.conf, part):
        raise NotAlone
    plan = plan_interface(goal, part.before, baseline)
    if not all(map(is_simple, plan.steps)):
        raise NotAlone
    return Few(plan, baseline, part)


def _is_plain(goal: Goal, before: Conf, part: Part) -> bool:
    """Whether the interface is up and stays what it is, without default routes: those are wg-quick's."""
    live, wanted = part.before.live, goal.live
    if live is None or wanted is None or Sections.of(goal.text or "").head != Sections.of(part.text).head:
        return False
    routed = {each.network for each in live.routes} | before.networks | wanted.networks
    return not any(each.is_default for each in routed)
