"""Verdicts in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from .player import Verdict

_KINDS = ("match", "match but for headers as declared", "differ as declared", "differ", "not seen")


def summary(name: str, verdicts: Iterable[Verdict]) -> str:
    """One line on a scenario: how many exchanges and states match."""
    count = Counter(map(_kind, (each for each in verdicts if each.step.kind != "action")))
    parts = [f"{count[kind]} {kind}" for kind in _KINDS]
    return f"{name}: {count.total()} compared: {', '.join(part for part in parts if not part.startswith('0 '))}"


def details(verdict: Verdict) -> Iterator[str]:
    """Lines on what is not as it should be with a step."""
    step = verdict.step
    if not verdict.done:
        what = step.data.get("action", "state")
        yield f"{step.id}: {what}: cannot be done from here: {step.note}"
    if verdict.undeclared:
        request = f"{step.data.get('method', step.kind)} {step.data.get('path', '')}".strip()
        yield f"{step.id}: {request}{f' ({step.note})' if step.note else ''}"
        yield from (f"    {difference}" for difference in verdict.undeclared)


def _kind(verdict: Verdict) -> str:
    if not verdict.done:
        return "not seen"
    if verdict.undeclared:
        return "differ"
    if all(difference.path.startswith("headers.") for difference, _ in verdict.differences):
        return "match but for headers as declared" if verdict.differences else "match"
    return "differ as declared"
