"""Changes of one field, and why something differs, which the configuration that was applied last tells."""

from __future__ import annotations

from wgreconcile.planning.model import Action, Baseline, Cause, Change, Disruption, Place, Value


def updated(
    name: str,
    place: Place,
    field: str,
    before: Value,
    after: Value,
    cause: Cause,
    disruption: Disruption = Disruption.NONE,
) -> Change:
    """A setting of the interface itself that is another one."""
    return Change(name, place, Action.UPDATE, field, before, after, cause, disruption)


def cause_of(baseline: Baseline, applied: object, after: object, drifted: Cause) -> Cause:
    """Never applied, changed in the state since, or else changed where it was observed."""
    if not baseline.applied:
        return Cause.NEW
    return drifted if applied == after else Cause.STATE
