"""Interfaces come up with any change of their peers, as in v4.0."""

from __future__ import annotations

from dataclasses import replace

from wgreconcile.desired.draft import Draft


def bring_up(draft: Draft, name: str) -> None:
    """Want the interface up from now on."""
    interface = draft.interface(name)
    if not interface.enabled:
        draft.put_interface(replace(interface, enabled=True))
