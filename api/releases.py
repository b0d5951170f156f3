"""Asks once in a while whether there is a newer release."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from dataclasses import dataclass

_TIMEOUT = 3.0
_ASK_AGAIN_AFTER = 3600.0
_TRY_AGAIN_AFTER = 60.0
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Release:
    """The newest release: its tag and its page."""

    tag: str
    page: str


class Releases:
    """The newest release told at a URL, in the form of GitHub's API.

    An answer is kept for an hour, and that there was none for a minute.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[str, float, Release | None] = ("", float("-inf"), None)

    def newest(self, url: str) -> Release | None:
        """The newest release; None when it cannot be found out within a few seconds."""
        with self._lock:
            kept_url, at, release = self._kept
            if kept_url != url or time.monotonic() - at > (_ASK_AGAIN_AFTER if release else _TRY_AGAIN_AFTER):
                release = _ask(url)
                self._kept = (url, time.monotonic(), release)
            return release


def _ask(url: str) -> Release | None:
    request = urllib.request.Request(url, headers={"Accept": "application/json", "User-Agent": "wgreconcile"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            data = json.loads(answer.read(_MOST_BYTES))
        return Release(str(data["tag_name"]), str(data["html_url"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
