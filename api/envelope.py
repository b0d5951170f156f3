"""The one shape of every answer: ``{"data": …, "message": …, "status": …}``."""

from __future__ import annotations

import json
from typing import Any

MEDIA_TYPE = "application/json"

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def envelope(data: Any = None, message: str | bool | None = None, *, ok: bool = True) -> bytes:
    """The body of an answer. Keys are sorted at every level, as v4.0's were."""
    return f'{{"data":{_encode(data)},"message":{_encode(message)},"status":{_encode(ok)}}}'.encode()
