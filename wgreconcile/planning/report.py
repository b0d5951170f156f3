"""A plan as text for people: a unified diff by subject, with cause and disruption, secrets masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields

from wgreconcile.observed.conf import ConfPeer
from wgreconcile.observed.model import Route, Rule
from wgreconcile.planning.model import Action, Change, Disruption, InterfacePlan, Plan
from wgreconcile.values import PublicKey

MOST_PEERS = 40
"""Of more changed peers only the number is printed; ``-o json`` has them all."""

HOOKS = ("pre_up", "post_up", "pre_down", "post_down")
"""Commands: each has a line of its own, as in a configuration file, whatever commas it has."""

Paint = Callable[[str, str], str]
"""Called with a colour (``add``, ``remove``, ``hunk``, ``head``, ``warn``) and a text."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A change with all the places that it is made in."""

    change: Change
    places: tuple[str, ...]


def report(plan: Plan, paint: Paint) -> Iterator[str]:
    """The lines of a plan: what would change, interface by interface, and what is left alone."""
    for each in plan.interfaces:
        if each.changes:
            yield from _interface(each, paint)
    if plan.orphaned:
        names = ", ".join(plan.orphaned)
        yield paint("warn", f"no longer in the state, left as it is (--prune removes it): {names}")
    if plan.unmanaged:
        yield f"unmanaged, never touched: {', '.join(plan.unmanaged)}"


def recap(name: str, subjects: int, changed: int, failed: int) -> str:
    """One line an interface, as Ansible prints it: an interface and each of its peers count one."""
    return f"{name:<15} : ok={max(0, subjects - changed - failed)} changed={changed} failed={failed}"


def symbol(changes: Iterable[Change]) -> str:
    """``+`` comes, ``-`` goes, ``~`` changes in place, ``-/+`` goes down and comes back."""
    found = list(changes)
    if any(each.disruption == Disruption.RESTART and each.action is Action.UPDATE for each in found):
        return "-/+"
    actions = {each.action for each in found if not each.field} or {Action.UPDATE}
    return {Action.CREATE: "+", Action.DELETE: "-"}.get(actions.pop(), "~") if len(actions) == 1 else "~"


def _interface(plan: InterfacePlan, paint: Paint) -> Iterator[str]:
    yield paint("head", f"--- {plan.name} (observed)")
    yield paint("head", f"+++ {plan.name} (desired)")
    subjects: dict[PublicKey | None, list[_Entry]] = {}
    for entry in _merged(plan.changes):
        subjects.setdefault(entry.change.peer, []).append(entry)
    yield from _hunk(subjects.pop(None, []), f"interface {plan.name}", paint)
    labels = {peer: f"{_printable(entries[0].change.name)} {peer}".lstrip() for peer, entries in subjects.items()}
    for peer in sorted(subjects, key=labels.__getitem__)[:MOST_PEERS]:
        yield from _hunk(subjects[peer], f"peer {labels[peer]}", paint)
    if len(subjects) > MOST_PEERS:
        yield paint("hunk", f"@@ and {len(subjects) - MOST_PEERS} more peers; -o json names them all @@")


def _merged(changes: Iterable[Change]) -> list[_Entry]:
    """One entry for what is made on disk and live alike."""
    merged: dict[object, list[Change]] = {}
    for each in changes:
        whole = each.field == "" and each.peer is not None
        key = (each.peer, each.action, each.field) if whole else (each.peer, each.field, each.before, each.after)
        merged.setdefault(key, []).append(each)
    return [_Entry(found[-1], tuple(each.place.value for each in found)) for found in merged.values()]


def _hunk(entries: list[_Entry], subject: str, paint: Paint) -> Iterator[str]:
    if not entries:
        return
    changes = [each.change for each in entries]
    causes = ", ".join(sorted({each.cause.value for each in changes}))
    disruption = max(each.disruption for each in changes)
    yield paint("hunk", f"@@ {symbol(changes)} {subject} @@ {causes}; disruption: {disruption}")
    for entry in entries:
        where = "" if len(entry.places) == 2 else f"   ({entry.places[0]})"
        for sign, value in (("-", entry.change.before), ("+", entry.change.after)):
            for line in _lines(entry.change.field, value):
                yield paint("remove" if sign == "-" else "add", f"{sign}{line}{where}")


def _lines(field: str, value: object) -> Iterator[str]:
    """A value as lines of ``field = text``; nothing for an absent one."""
    if value is None or value == ():
        return
    if isinstance(value, ConfPeer):
        for each in fields(value):
            if each.compare:
                yield from _lines(each.name, getattr(value, each.name))
    elif isinstance(value, tuple) and (field in HOOKS or isinstance(value[0], Route | Rule)):
        for each in value:
            yield f"{field} = {_text(each)}"
    else:
        yield f"{field} = {_text(value)}" if field else _text(value)


def _text(value: object) -> str:
    if isinstance(value, Route):
        return value.network if value.table == "main" else f"{value.network} table {value.table}"
    if isinstance(value, Rule):
        what = f"not fwmark {value.table}" if value.table else "main without its default route"
        return f"IPv{value.version} {what}"
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return _printable(str(value))


def _printable(text: str) -> str:
    """Files hold any bytes: here they neither steer a terminal nor break its encoding."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
