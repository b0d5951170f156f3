"""Which values may differ between two runs of the same server, and how much."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .variables import DATE

NEAR = timedelta(minutes=10)
"""A date this close to the clock was made by the clock."""

_KEY = r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw480]="
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN = re.compile(r"[\w-]{43}")
_AGE = re.compile(r"(\d+ days?, )?\d+:\d\d:\d\d")
_HASH = re.compile(r"\$2b\$\d+\$[./A-Za-z0-9]{53}")
_PORT = re.compile(r"(.*):\d+")
_BULK = re.compile(r"BulkPeer ?#\d+_")
_GENERATED = (
    (re.compile(r"(BulkPeer ?#\d+)_\d{8}_\d{6}"), r"\1_<moment>"),
    (re.compile(r"^\d+_(UntitledPeer_)"), r"<number>_\1"),
    (re.compile(r"(otpauth:.*[?&]secret=)[A-Z2-7]{32}(?=&|$)"), r"\1<secret>"),
)


@dataclass(frozen=True)
class Clocks:
    """What the recorded server's clock showed at an answer, and what ours showed."""

    recorded: datetime
    ours: datetime


def is_made_in_bulk(value: Any) -> bool:
    """Whether an object is about a peer that the server named itself; its keys are the server's too."""
    return isinstance(value, dict) and any(
        isinstance(value.get(field), str) and _BULK.match(value[field]) for field in ("name", "fileName")
    )


def without_generated(text: str, *, keys: bool = False) -> str:
    """The text without what a server makes up: moments and secrets, and keys when told so."""
    for pattern, replacement in _GENERATED:
        text = pattern.sub(replacement, text)
    return re.sub(_KEY, "<key>", text) if keys or "BulkPeer" in text else text


def alike(field: str, expected: Any, got: Any, clocks: Clocks, *, loose: bool = False) -> bool:
    """Whether a value is what was recorded, as far as two runs can agree on it. ``loose``: keys are made up."""
    if field in _NUMBERS and _is_number(expected) and _is_number(got):
        return bool(expected) is bool(got) and got >= 0
    if type(expected) is not type(got):
        return False
    if expected == got:
        return True
    if not isinstance(expected, str):
        return False
    if rule := _RULES.get(field):
        return rule(expected, got, clocks)
    return without_generated(expected, keys=loose) == without_generated(got, keys=loose)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _both(pattern: re.Pattern[str]) -> Callable[[str, str, Clocks], bool]:
    return lambda expected, got, _clocks: bool(pattern.fullmatch(expected) and pattern.fullmatch(got))


def _made_by_the_clock(expected: str, got: str, clocks: Clocks) -> bool:
    try:
        return (
            abs(datetime.strptime(expected, DATE) - clocks.recorded) < NEAR
            and abs(datetime.strptime(got, DATE) - clocks.ours) < NEAR
        )
    except ValueError:
        return False


def _same_host(expected: str, got: str, _clocks: Clocks) -> bool:
    recorded, ours = _PORT.fullmatch(expected), _PORT.fullmatch(got)
    return bool(recorded and ours) and recorded[1] == ours[1]


_NUMBERS = frozenset(
    {"Total", "Sent", "Receive", "min_rtt", "avg_rtt", "max_rtt"}
    | {f"{kind}_{what}" for kind in ("total", "cumu") for what in ("receive", "sent", "data")}
)
"""Counters and times: how large they are differs, whether they are 0 does not."""

_RULES: dict[str, Callable[[str, str, Clocks], bool]] = {
    "Key": _both(_TOKEN),
    "ShareID": _both(_UUID),
    "LogID": _both(_UUID),
    **dict.fromkeys(("CreatedAt", "ExpiredAt", "CreationDate", "ExpireDate", "LogDate"), _made_by_the_clock),
    "latest_handshake": _both(_AGE),
    "endpoint": _same_host,
    "password": _both(_HASH),
}
