"""Names, keys and settings of a WGDashboard's peers, and those that are restricted, into the desired state.

What the state says already is never changed: only what it lacks is filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from typing import Any, TypeVar

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.wgdashboard.dates import FORMAT
from wgreconcile.api.wgdashboard.job_objects import job_id, schedule_of
from wgreconcile.api.wgdashboard.legacy import Row
from wgreconcile.api.wgdashboard.new_peers import put_with_keys
from wgreconcile.api.wgdashboard.peer_objects import NOT_AVAILABLE, name_of
from wgreconcile.api.wgdashboard.peer_settings import (
    allowed_ips_of_text,
    client_of_body,
    name_of_body,
    preshared_key_of_body,
    private_key_of_body,
    public_key_of_body,
)
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Client, Peer, Schedule
from wgreconcile.values import Network, SecretKey

T = TypeVar("T")
_Put = tuple[Peer, SecretKey | None, SecretKey | None]

_SETTINGS = {
    "DNS": "dns",
    "endpoint_allowed_ip": "allowed_ips",
    "mtu": "mtu",
    "keepalive": "persistent_keepalive",
}
_MAY_BE_EMPTY = ("DNS", "allowed_ip")
"""An empty column says something: none. Of all others, it says nothing."""


@dataclass
class LegacyPeers:
    """The peers of one configuration. ``notes`` gathers what cannot be taken over, and why; never a key."""

    name: str
    rows: Sequence[Row]
    restricted: Sequence[Row]
    jobs: Sequence[Row]
    notes: list[str] = field(default_factory=list)

    def edit(self, draft: Draft) -> int:
        """Put what the state lacks into the draft; the number of peers that say more, or are new."""
        self.notes = []
        known = {str(each.public_key): each for each in draft.interface(self.name).peers}
        put = [found for row in self.rows if (found := self._filled(row, known))]
        put += [found for row in self.restricted if (found := self._restricted(row, known))]
        put_with_keys(draft, self.name, put)
        return len(put)

    def _filled(self, row: Row, known: Mapping[str, Peer]) -> _Put | None:
        before = known.get(row["id"])
        if before is None:
            self._note(row, "is not in the configuration file")
            return None
        own = before.client
        own_settings = {each: getattr(own, each) for each in _SETTINGS.values()}
        said = {
            **self._settings(row),
            **{each: value for each, value in own_settings.items() if value not in (None, ())},
        }
        after = replace(
            before,
            name=name_of(before) or self._try(row, "name", name_of_body) or before.name,
            client=replace(own, **said),
            schedules=(*before.schedules, *self._schedules(row["id"], before)),
        )
        key = None if own.private_key else self._private_key(row)
        return (after, key, None) if after != before or key else None

    def _restricted(self, row: Row, known: Mapping[str, Peer]) -> _Put | None:
        if row["id"] in known:
            return None
        public_key = self._try(row, "id", public_key_of_body)
        allowed_ips = self._try(row, "allowed_ip", _allowed_ips)
        if public_key is None or allowed_ips is None:
            return None
        peer = Peer(
            public_key,
            self._try(row, "name", name_of_body) or "",
            allowed_ips=allowed_ips,
            client=Client(**self._settings(row)),
            enabled=False,
        )
        return peer, self._private_key(row), self._try(row, "preshared_key", preshared_key_of_body)

    def _settings(self, row: Row) -> dict[str, Any]:
        """What the peer's own file shall hold; a setting that cannot be read is left to the defaults."""
        found = {}
        for column, name in _SETTINGS.items():
            said = self._try(row, column, partial(_client_of, column))
            if said is not None:
                found[name] = getattr(said, name)
        return found

    def _private_key(self, row: Row) -> SecretKey | None:
        return self._try(row, "private_key", partial(private_key_of_body, public_key=row["id"]))

    def _schedules(self, public_key: str, peer: Peer) -> list[Schedule]:
        taken = {job_id(peer, each) for each in peer.schedules}
        jobs = [each for each in self.jobs if each["Peer"] == public_key and each["ExpireDate"] is None]
        made = [self._try({"id": public_key, "job": each}, "job", _schedule_of) for each in jobs]
        return [each for each in made if each is not None and each.id not in taken]

    def _try(self, row: Row, column: str, parse: Callable[[Any], T]) -> T | None:
        """What a column says; None, with a note, when that cannot be taken over."""
        value = row.get(column)
        if value in (None, "") and column not in _MAY_BE_EMPTY:
            return None
        try:
            return parse("" if value is None else value)
        except Refusal as refusal:
            self._note(row, f"{column}: {refusal.message}")
            return None

    def _note(self, row: Row, what: str) -> None:
        self.notes.append(f"{self.name}: peer {row['id']}: {what}")


def _client_of(column: str, value: Any) -> Client:
    return client_of_body({column: value})


def _allowed_ips(text: str) -> tuple[Network, ...]:
    return allowed_ips_of_text("" if text == NOT_AVAILABLE else text)


def _schedule_of(job: Row) -> Schedule:
    return schedule_of({**job, "Value": str(job["Value"])}, _made(job["CreationDate"]))


def _made(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text), FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
