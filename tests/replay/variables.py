"""Values that differ between the recorded run and ours: keys, tokens, dates, codes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyotp

DATE = "%Y-%m-%d %H:%M:%S"
_FROM_NOW = {"t_soon": timedelta(seconds=3), "t_week": timedelta(days=7), "t_future": timedelta(days=7)}
_HOLE = re.compile(r"\$\{(\w+)\}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_CODE = re.compile(r"\d{6}")
_SHORTEST = 6
"""Recorded values with fewer characters are not looked for in answers: they may stand there by chance."""


class Variables:
    """Variables of a run: what the recorded run had, and what ours has instead."""

    def __init__(self, now: Callable[[], datetime] = datetime.now) -> None:
        self.recorded: dict[str, str] = {}
        self.ours: dict[str, str] = {}
        self._now = now
        self._used_code = ""

    def begin(self, given: Mapping[str, str]) -> None:
        """What a scenario starts with, for variables that earlier scenarios of this run did not set."""
        for name, value in given.items():
            if name not in self.ours:
                self.set(name, value, None)

    def set(self, name: str, recorded: Any, clock: datetime | None) -> None:
        """Take a value that the recorded script set when its server's clock showed ``clock``."""
        self.recorded[name] = recorded
        self.ours[name] = self._own(name, recorded, clock)

    def capture(self, name: str, recorded: Any, ours: Any) -> None:
        """Take a value out of an answer; without one in ours, the recorded one goes on."""
        self.recorded[name] = recorded
        self.ours[name] = recorded if ours is None else ours

    def fill(self, template: Any) -> Any:
        """The template with our values in its holes."""
        if isinstance(template, dict):
            return {name: self.fill(value) for name, value in template.items()}
        if isinstance(template, list):
            return [self.fill(value) for value in template]
        if isinstance(template, str):
            whole = _HOLE.fullmatch(template)
            if whole:
                return self.ours[whole[1]]
            return _HOLE.sub(lambda hole: str(self.ours[hole[1]]), template)
        return template

    def translate(self, recorded: Any) -> Any:
        """What was recorded, as it would be with our values."""
        if isinstance(recorded, dict):
            return {self.translate(name): self.translate(value) for name, value in recorded.items()}
        if isinstance(recorded, list):
            return [self.translate(value) for value in recorded]
        if isinstance(recorded, str):
            for name, value in self.recorded.items():
                if isinstance(value, str) and len(value) >= _SHORTEST and value != self.ours[name]:
                    recorded = recorded.replace(value, str(self.ours[name]))
        return recorded

    def name_of(self, value: str) -> str:
        """The first name of one of our values, else the value itself."""
        return next((name for name, ours in self.ours.items() if ours == value), value)

    def _own(self, name: str, recorded: Any, clock: datetime | None) -> Any:
        if not isinstance(recorded, str):
            return recorded
        if _DATE.fullmatch(recorded):
            return self._date(name, recorded, clock)
        if name == "totp_secret":
            return self._secret(recorded)
        if name.startswith("otp") and _CODE.fullmatch(recorded) and "totp_secret" in self.ours:
            return self._code(self.ours["totp_secret"])
        return recorded

    def _date(self, name: str, recorded: str, clock: datetime | None) -> str:
        """As far from now as it was in the recorded run; dates long ago and far ahead are meant as they are."""
        if name in _FROM_NOW:
            return (self._now() + _FROM_NOW[name]).strftime(DATE)
        if clock is None:
            return recorded
        distance = datetime.strptime(recorded, DATE) - clock
        return (self._now() + distance).strftime(DATE) if abs(distance) < timedelta(days=365) else recorded

    def _secret(self, recorded: str) -> str:
        """The secret out of our own answer, where the recorded one stands in the recorded answer."""
        for name, value in self.recorded.items():
            before, found, _ = str(value).partition(recorded)
            if found and name != "totp_secret":
                own = re.match(r"[A-Z2-7]+", str(self.ours[name])[len(before) :])
                return own[0] if own else recorded
        return recorded

    def _code(self, secret: str) -> str:
        """The code of now; the one of the next step when it was sent before, since a code works once."""
        totp, now = pyotp.TOTP(secret), self._now()
        code = totp.at(now)
        self._used_code = code if code != self._used_code else totp.at(now + timedelta(seconds=totp.interval))
        return self._used_code
