"""Carries a WGDashboard over: peers into the state; account, keys, links and usage into the runtime database.

What is there already stays, so it can be repeated.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wgreconcile.api.auth.first_run import USERNAME
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.runtime.share_links import ShareLink
from wgreconcile.api.runtime.usage import Usage
from wgreconcile.api.settings.model import Dashboard
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard.configuration_objects import GIB
from wgreconcile.api.wgdashboard.dates import parse_date
from wgreconcile.api.wgdashboard.legacy import Legacy, Row
from wgreconcile.api.wgdashboard.legacy_peers import LegacyPeers
from wgreconcile.api.wgdashboard.setting_items import ITEMS
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired.store import Store
from wgreconcile.errors import WgreconcileError

T = TypeVar("T")


@dataclass
class Takeover:
    """One takeover of ``legacy``. ``done`` counts what was taken over, ``notes`` say what was not, and why."""

    legacy: Legacy
    store: Store
    transactions: Transactions
    runtime: Runtime
    settings: DashboardSettings
    now: float
    done: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Take over all that can be. Interfaces have to be in the state already."""
        self._peers()
        known = {(each.name, str(peer.public_key)) for each in self.store.load().interfaces for peer in each.peers}
        self._usage(known)
        self._links(known)
        self._api_keys()
        self._account()
        self._settings()

    def _peers(self) -> None:
        state = self.store.load()
        for name, rows in self.legacy.peers.items():
            restricted = self.legacy.restricted[name]
            if state.find(name) is not None:
                jobs = [each for each in self.legacy.jobs if each["Configuration"] == name]
                peers = LegacyPeers(name, rows, restricted, jobs)
                written = self._try(name, self.transactions.write, peers.edit)
                self.notes += peers.notes
                self._count("peers", written.data if written else 0)
            elif rows or restricted:
                self.notes.append(f"{name}: is no interface of the state")

    def _usage(self, known: set[tuple[str, str]]) -> None:
        tables = (*self.legacy.peers.items(), *self.legacy.restricted.items())
        usages = [_usage_of(name, row) for name, rows in tables for row in rows if (name, row["id"]) in known]
        self._count("usage", self.runtime.usage.begin(filter(_is_any, usages)))

    def _links(self, known: set[tuple[str, str]]) -> None:
        for row in self.legacy.links:
            if (row["Configuration"], row["Peer"]) in known and (end := self._end(row["ExpireDate"])) is not False:
                link = ShareLink(row["ShareID"], row["Configuration"], row["Peer"], end)
                self._count("share links", self.runtime.share_links.take_over(link, self.now))

    def _api_keys(self) -> None:
        for row in self.legacy.api_keys:
            if (end := self._end(row["ExpiredAt"])) is not False:
                made = self._try("API key", parse_date, str(row["CreatedAt"])) or int(self.now)
                self._count("API keys", self.runtime.keys.take_over(row["Key"], made, end))

    def _end(self, text: Any) -> int | bool | None:
        """When something ends, None for never; False when it has ended, or nobody can tell."""
        if text is None:
            return None
        end = self._try("date", parse_date, str(text))
        return end if end is not None and end > self.now else False

    def _account(self) -> None:
        its, accounts = self.legacy.settings.get("Account", {}), self.runtime.accounts
        if self._is_true("Other", "welcome_session") or not its.get("password"):
            self.notes.append("account: nobody has chosen a password yet")
            return
        if accounts.get() is None:
            accounts.create(USERNAME, secrets.token_urlsafe(32), has_default_password=False)
        if not accounts.adopt(its.get("username", USERNAME), its["password"]):
            self.notes.append("account: there is one already, which stays")
            return
        self._count("account", 1)
        if self._is_true("Account", "enable_totp") and its.get("totp_key"):
            accounts.adopt_totp(its["totp_key"], verified=self._is_true("Account", "totp_verified"))

    def _settings(self) -> None:
        for key, place, value in self._said():
            self._count("settings", self._try(key, self._set, place, value) or 0)
        if not self._is_true("Server", "auth_req", default="true"):
            self.notes.append("auth_req: false would open everything to everybody; see server.auth_required")

    def _said(self) -> Iterator[tuple[str, str, Any]]:
        """Settings that nobody has made here, and that say something else than what holds without them."""
        now, defaults = self.settings.get(), Dashboard()
        for item in ITEMS:
            text = self.legacy.settings.get(item.section, {}).get(item.key, "")
            if text and item.shown(now) == item.shown(defaults) != text:
                value = self._try(item.key, item.parse, text)
                if value is not None:
                    yield item.key, item.field, value
        if self._is_true("Server", "dashboard_api_key") and not now.server.api_keys:
            yield "dashboard_api_key", "server.api_keys", True

    def _set(self, place: str, value: Any) -> int:
        self.settings.set(place, value)
        return 1

    def _is_true(self, section: str, key: str, default: str = "false") -> bool:
        return self.legacy.settings.get(section, {}).get(key, default).lower() in ("1", "yes", "true", "on")

    def _count(self, what: str, number: int) -> None:
        if number:
            self.done[what] = self.done.get(what, 0) + number

    def _try(self, what: str, act: Callable[..., T], *arguments: Any) -> T | None:
        """Do something; None, with a note, when it cannot be done."""
        try:
            return act(*arguments)
        except WgreconcileError as error:
            self.notes.append(f"{what}: {error}")
            return None


def _usage_of(name: str, row: Row) -> Usage:
    """What was counted since the interface came up may be what its live counters still show."""
    names = ("total_receive", "total_sent", "cumu_receive", "cumu_sent")
    live_rx, live_tx, earlier_rx, earlier_tx = (round(float(row.get(each) or 0) * GIB) for each in names)
    return Usage(name, row["id"], live_rx=live_rx, live_tx=live_tx, earlier_rx=earlier_rx, earlier_tx=earlier_tx)


def _is_any(usage: Usage) -> bool:
    return any((usage.live_rx, usage.live_tx, usage.earlier_rx, usage.earlier_tx))
