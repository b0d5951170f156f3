"""Dates as WGDashboard writes them: ``YYYY-MM-DD HH:MM:SS`` in the server's local time."""

from __future__ import annotations

from datetime import datetime

from wgreconcile.api.refusal import Refusal

FORMAT = "%Y-%m-%d %H:%M:%S"


def date_text(seconds: float) -> str:
    """A moment in seconds since 1970 as a date."""
    return datetime.fromtimestamp(seconds).strftime(FORMAT)


def parse_date(text: str) -> int:
    """The moment of a date, in seconds since 1970. Raise Refusal in the words of v4.0."""
    try:
        return int(datetime.strptime(text, FORMAT).timestamp())
    except (ValueError, OverflowError) as error:
        raise Refusal(str(error)) from None
