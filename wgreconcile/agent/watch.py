"""When a pass is due: every so often, and when time alone has changed what is desired."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timezone

from wgreconcile.api.reconciler import Outcome
from wgreconcile.converge.site import Site
from wgreconcile.desired.moments import next_change

_log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""How often to look for peers that expire soon: a person may have written them since."""


class Watch:
    """Calls ``converge`` every ``pass_seconds``, and in the second in which a peer expires."""

    def __init__(self, site: Site, converge: Callable[[], Outcome], pass_seconds: float) -> None:
        self._site = site
        self._converge = converge
        self._pass_seconds = pass_seconds
        self._due = float("-inf")
        self._last = datetime.min.replace(tzinfo=timezone.utc)

    def look(self) -> float:
        """Converge if it is time for that; the seconds until the next look. Raises what converging does."""
        now = datetime.now(timezone.utc)
        if time.monotonic() >= self._due or self._next_change(self._last) <= now:
            began = time.monotonic()
            _tell(self._converge())
            self._last, self._due = now, began + self._pass_seconds
        change = (self._next_change(self._last) - datetime.now(timezone.utc)).total_seconds()
        return max(0.0, min(self._due - time.monotonic(), change, LOOK_SECONDS))

    def _next_change(self, after: datetime) -> datetime:
        changes = [next_change(each.peers, after) for each in self._site.store.recent(LOOK_SECONDS).interfaces]
        return min(changes, default=next_change((), after))


def _tell(outcome: Outcome) -> None:
    for each in outcome.interfaces:
        if each.error:
            _log.error("%s: %s", each.name, each.error)
        elif each.changed:
            _log.info("%s: converged", each.name)
