"""Refuses plans that take away more than a slip of the hand should."""

from __future__ import annotations

from collections.abc import Iterator

from wgreconcile.errors import UnsafePlanError
from wgreconcile.planning.model import Change, Disruption, InterfacePlan, Plan

MAX_REMOVED_SHARE = 0.3
_REMEDY = "look at the plan, and if that is meant use --force"
FEW_PEERS = 10
"""An interface with fewer peers than this may lose any of them."""


def check(plan: Plan, *, force: bool = False, max_disruption: Disruption = Disruption.RESTART) -> None:
    """Raise UnsafePlanError that names every interface which would lose too much or be disturbed too much.

    ``force`` lifts the limits on removal; the limit on disruption is the caller's own and stays.
    """
    found = reasons(plan, force=force, max_disruption=max_disruption)
    if found:
        raise UnsafePlanError("refused, nothing was changed:\n" + "\n".join(found))


def reasons(
    plan: Plan, *, force: bool = False, max_disruption: Disruption = Disruption.RESTART
) -> tuple[str, ...]:
    """Why a plan is refused; nothing if it is not."""
    return tuple(reason for each in plan.interfaces for reason in _reasons(each, force, max_disruption))


def _what(change: Change) -> str:
    subject = "peer" if change.peer else "interface"
    return change.field or f"{subject} {change.action.value}d"


def _reasons(plan: InterfacePlan, force: bool, max_disruption: Disruption) -> Iterator[str]:
    removed, before = plan.peers_removed, plan.peers_before
    if plan.removes_interface and not force:
        yield f"{plan.name}: the interface with its {before} peers would be removed; {_REMEDY}"
    elif before >= FEW_PEERS and removed > MAX_REMOVED_SHARE * before and not force:
        yield f"{plan.name}: {removed} of {before} peers would be removed; {_REMEDY}"
    if plan.disruption > max_disruption:
        what = sorted({_what(each) for each in plan.changes if each.disruption == plan.disruption})
        limit = f"--max-disruption {max_disruption}"
        yield f"{plan.name}: disruption {plan.disruption} ({', '.join(what)}) is more than {limit}"
