"""Carries out the schedules that are due, and writes down how that went."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from itertools import groupby
from operator import attrgetter

from wgreconcile.api.peer_edits import delete_peers, end_schedules
from wgreconcile.api.request import Clock
from wgreconcile.api.runtime.job_log import JobLine
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.schedules import Due, due, next_date
from wgreconcile.api.wgdashboard.departures import forget, log_ended
from wgreconcile.api.wgdashboard.job_objects import action_word, job_id
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.store import Store
from wgreconcile.errors import WgreconcileError

_log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""How often usage is looked at, which is as often as it is counted."""
RECENT_SECONDS = 30.0
"""How old a document may be that a person has written; what this program writes is seen at once."""
RETRY_SECONDS = 180.0
"""How long a schedule rests that could not be carried out."""


class JobRunner:
    """:meth:`run` is called again and again, by one thread."""

    def __init__(
        self, store: Store, transactions: Transactions, runtime: Runtime, clock: Clock = time.time
    ) -> None:
        self._store = store
        self._transactions = transactions
        self._runtime = runtime
        self._clock = clock
        self._resting: dict[tuple[str, str], float] = {}

    def run(self) -> float:
        """Carry out what is due; returns the seconds until the next look. Raise StateError for a faulty state."""
        now = self._clock()
        state, moment = self._store.recent(RECENT_SECONDS), datetime.fromtimestamp(now, timezone.utc)
        found = [
            each
            for interface in state.interfaces
            for each in due(interface, moment, self._runtime.usage.of_interface(interface.name))
        ]
        # A clock that was set back must not make them rest until it is there again.
        rest = {name: until for name, until in self._resting.items() if now < until <= now + RETRY_SECONDS}
        self._resting = rest
        self._carry_out([each for each in found if _name(each) not in self._resting], now)
        upcoming = next_date(state, moment)
        return min(LOOK_SECONDS, upcoming.timestamp() - now) if upcoming else LOOK_SECONDS

    def _carry_out(self, found: Sequence[Due], now: float) -> None:
        """All in one write; where that fails, each by itself, so that one stops none of the others."""
        if not found or self._write(found, now):
            return
        for each in found if len(found) > 1 else ():
            if not self._write([each], now):
                self._failed(each, now)
        if len(found) == 1:
            self._failed(found[0], now)

    def _write(self, found: Sequence[Due], now: float) -> bool:
        try:
            done = self._transactions.write(lambda draft: _apply(draft, found)).data
        except (WgreconcileError, OSError) as error:
            _log.warning("%d schedule(s) cannot be carried out: %s", len(found), error)
            return False
        with self._runtime.afterwards():
            self._runtime.job_log.append(self._line(each, now, f"is successfully {_done(each)}") for each in done)
            for name, each_of_one in groupby(done, attrgetter("interface")):
                self._end(name, list(each_of_one), now)
        return True

    def _end(self, name: str, done: Iterable[Due], now: float) -> None:
        deleted = [each.peer for each in done if each.schedule.action == "delete"]
        forget(self._runtime, name, deleted, now)
        kept = ((each.peer, each.schedule) for each in done if each.schedule.action != "delete")
        log_ended(self._runtime, name, kept, now)

    def _failed(self, each: Due, now: float) -> None:
        self._resting[_name(each)] = now + RETRY_SECONDS
        with self._runtime.afterwards():
            self._runtime.job_log.append([self._line(each, now, f"failed {_done(each)}", ok=False)])

    def _line(self, each: Due, now: float, what: str, *, ok: bool = True) -> JobLine:
        message = f"Peer {each.peer.public_key} from {each.interface} {what}."
        return JobLine(_name(each)[1], each.interface, int(now), ok, message)


def _apply(draft: Draft, found: Sequence[Due]) -> list[Due]:
    """Put what is still to be done into the draft, and return it: meanwhile somebody may have changed a peer."""
    done = []
    for name, of_one in groupby(found, attrgetter("interface")):
        interface = draft.state.find(name)
        peers = {each.public_key: each for each in interface.peers} if interface else {}
        wanted = [
            Due(name, peers[each.peer.public_key], each.schedule)
            for each in of_one
            if each.peer.public_key in peers and each.schedule in peers[each.peer.public_key].schedules
        ]
        if wanted:
            gone = [each.peer for each in wanted if each.schedule.action == "delete"]
            delete_peers(draft, name, [each.public_key for each in gone])
            end_schedules(draft, name, [(each.peer, each.schedule) for each in wanted if each.peer not in gone])
        done += wanted
    return done


def _name(each: Due) -> tuple[str, str]:
    return each.interface, job_id(each.peer, each.schedule)


def _done(each: Due) -> str:
    # "deleteed" is what v4.0 writes, and what is looked for.
    return f"{action_word(each.schedule)}ed"
