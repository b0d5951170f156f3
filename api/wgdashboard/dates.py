"""Dates as WGDashboard writes them: ``YYYY-MM-DD HH:MM:SS`` in the server's local time."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from wgreconcile.api.refusal import Refusal
from wgreconcile.desired.wording import show
from wgreconcile.errors import masked

FORMAT = "%Y-%m-%d %H:%M:%S"

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{3}([0-9]{3})?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
"""What Python takes for a date besides is not meant as one: milliseconds since 1970 would be a day of long ago."""


def date_text(seconds: float) -> str:
    """A moment in seconds since 1970 as a date."""
    return moment_text(datetime.fromtimestamp(seconds, timezone.utc))


def moment_text(moment: datetime) -> str:
    """A moment as a date: in UTC at the ends of the calendar, where local time may have none."""
    try:
        found = moment.astimezone()
    except (OverflowError, ValueError):
        found = moment.astimezone(timezone.utc)
    return found.isoformat(" ", "seconds")[:19]


def parse_date(text: str) -> int:
    """The moment of a date, in seconds since 1970. Raise Refusal in the words of v4.0."""
    try:
        return int(datetime.strptime(text, FORMAT).timestamp())
    except (ValueError, OverflowError) as error:
        raise Refusal(masked(str(error))) from None


def parse_moment(field: str, text: str) -> datetime:
    """The moment of a date that a browser may have written: with a T, without seconds, in UTC. Raise Refusal."""
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise Refusal(f"{field}: {show(text)} is not a date such as 2030-01-31 18:00:00") from None
