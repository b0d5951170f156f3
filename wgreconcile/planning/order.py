"""In which order interfaces are converged: what one gives up and another takes has to be given up first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wgreconcile.observed.model import LiveInterface, Route
from wgreconcile.planning.model import Adjust, BringUp, InterfacePlan, SyncConf, TakeDown
from wgreconcile.planning.routes import expected_routes

Held = Route | int
"""What only one interface can have: a route, or a listen port."""


def in_order(
    plans: Sequence[InterfacePlan], live: Mapping[str, LiveInterface | None]
) -> tuple[InterfacePlan, ...]:
    """The plans, those that give up first what others take; else what goes down first, and by name.

    Where two exchange what they hold there is no such order, and the first to take it fails.
    """
    rest = sorted(plans, key=lambda each: (each.goal.live is not None, each.name))
    given, taken = ({each.name: of(each, live.get(each.name)) for each in rest} for of in (_given, _taken))
    ordered: list[InterfacePlan] = []
    while rest:
        ready = (
            each
            for each in rest
            if not any(taken[each.name] & given[other.name] for other in rest if other is not each)
        )
        ordered.append(next(ready, rest[0]))
        rest.remove(ordered[-1])
    return tuple(ordered)


def _given(plan: InterfacePlan, live: LiveInterface | None) -> set[Held]:
    given: set[Held] = set()
    if live is None:
        return given
    for step in plan.steps:
        match step:
            case TakeDown():
                given.update(live.routes, {live.listen_port})
            case SyncConf(conf) if conf.listen_port != live.listen_port:
                given.add(live.listen_port)
            case Adjust():
                given.update(step.remove_routes)
    return given


def _taken(plan: InterfacePlan, live: LiveInterface | None) -> set[Held]:
    taken: set[Held] = set()
    for step in plan.steps:
        match step:
            case BringUp(conf):
                taken.update(expected_routes(conf, 0), {conf.listen_port or 0})
            case SyncConf(conf) if live and conf.listen_port != live.listen_port:
                taken.add(conf.listen_port or 0)
            case Adjust():
                taken.update(step.add_routes)
    return taken - {0}
