"""The change of a few peers of an interface that is known: its plan, and whether it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wgreconcile.command import start
from wgreconcile.converge.known import Delta, Known, Seen, moved, only, only_live
from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.ip import LinkQuery, RouteQuery, with_link
from wgreconcile.observed.live import LiveReader
from wgreconcile.observed.model import ConfFile, ObservedInterface
from wgreconcile.observed.observe import read_file
from wgreconcile.planning.diff import FILE_MODE, diff
from wgreconcile.planning.model import Adjust, Baseline, Goal, InterfacePlan, RemovePeers, SetPeers, WriteFile
from wgreconcile.planning.plan import plan_changes
from wgreconcile.planning.render import render_conf

_SIMPLE = (WriteFile, SetPeers, RemovePeers, Adjust)
"""Steps that end at once and disturb nobody but the peers that they name."""


@dataclass(frozen=True)
class Touch:
    """The change of a few peers: what is known, what will be, and the plan that leads there."""

    known: Known
    seen: Seen
    after: Known
    plan: InterfacePlan

    @property
    def text(self) -> str | None:
        """What the file says afterwards: a new comment alone is not written."""
        is_written = any(isinstance(each, WriteFile) for each in self.plan.steps)
        return self.after.goal.text if is_written else self.seen.file.text

    @property
    def is_simple(self) -> bool:
        """Whether there is nothing else to do than what ends at once."""
        return all(isinstance(each, _SIMPLE) for each in self.plan.steps)


class Look:
    """A look at one interface that has begun, by programs that run while the caller does something else."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._dump = start(["wg", "show", "all", "dump"])
        self._links, self._routes = LinkQuery(), RouteQuery([name])

    def result(self, reader: LiveReader, conf_dir: Path) -> ObservedInterface:
        """What is there. Raise CommandError."""
        found = reader.parse(self._dump.finish())
        live = next((each for each in found if each.name == self._name), None)
        if live is None or self._name not in self._links.result:
            return ObservedInterface(self._name)
        (complete,) = self._routes.with_routes([with_link(live, self._links.result[self._name])])
        return ObservedInterface(self._name, read_file(conf_dir, self._name), complete)


def plan_few(known: Known, seen: Seen, after: Known, delta: Delta, few: Conf) -> InterfacePlan:
    """What differs is told by the few peers alone; what is to be done, by all of them."""
    name, before = known.goal.name, only(known.conf, delta.keys)
    file = ConfFile("(as applied)", FILE_MODE, render_conf(before))
    part = ObservedInterface(name, file, only_live(seen.live, delta.keys))
    changes = diff(Goal(name, render_conf(few), few, few), part, Baseline(before, applied=True))
    whole = ObservedInterface(name, seen.file, seen.live)
    return plan_changes(after.goal, whole, Baseline(known.conf, applied=True), changes)


def is_reached(touch: Touch, observed: ObservedInterface, pairs: Mapping[int, ConfPeer]) -> bool:
    """Whether all of an interface is at its goal, given that all of it was at the goal before."""
    file, live, conf = observed.file, observed.live, touch.after.conf
    if file is None or live is None or (file.mode, file.text) != (FILE_MODE, touch.text):
        return False
    keys = moved(conf, live, pairs)
    removed = {route for step in touch.plan.steps if isinstance(step, Adjust) for route in step.remove_routes}
    if keys is None or touch.seen.live.routes - live.routes - removed:
        return False
    few = only(conf, keys)
    seen = ObservedInterface(observed.name, None, only_live(live, keys))
    return not diff(Goal(observed.name, live=few), seen, Baseline(few, applied=True))
