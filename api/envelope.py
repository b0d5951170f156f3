"""The one shape of every answer: ``{"data": …, "message": …, "status": …}``."""

from __future__ import annotations

import json
from typing import Any

MEDIA_TYPE = "application/json"

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class Encoded(str):
    """JSON that was encoded already, and stands in the answer as it is."""

    __slots__ = ()


def envelope(data: Any = None, message: str | bool | None = None, *, ok: bool = True) -> bytes:
    """The body of an answer. Keys are sorted at every level, as v4.0's were."""
    text = data if isinstance(data, Encoded) else encode(data)
    return f'{{"data":{text},"message":{encode(message)},"status":{encode(ok)}}}'.encode()
