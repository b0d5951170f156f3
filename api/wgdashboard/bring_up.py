"""Interfaces come up with any change of their peers, as in v4.0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.wgdashboard.lookup import require_interface
from wgreconcile.api.writes.transactions import Transactions, Written
from wgreconcile.desired.draft import Draft

T = TypeVar("T")


def write_up(transactions: Transactions, name: str, edit: Callable[[Draft], T]) -> Written[T]:
    """Write an edit of the peers of an interface that is up from then on, also when the edit is refused.

    v4.0 brings it up before it looks at the peers (API.md 6.2 and 6.3). ``edit`` raises Refusal before it changes
    the draft, or not at all.
    """

    def edit_up(draft: Draft) -> T | Refusal:
        interface = require_interface(draft.state, name)
        if interface.enabled:
            return edit(draft)
        draft.put_interface(replace(interface, enabled=True))
        try:
            return edit(draft)
        except Refusal as refusal:
            return refusal

    written = transactions.write(edit_up)
    if isinstance(written.data, Refusal):
        raise written.data
    return Written(written.data, written.state, written.outcome)
