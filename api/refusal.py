"""What handlers raise when the answer is no."""

from __future__ import annotations

from typing import Any

from wgreconcile.errors import UsageError, WgreconcileError


class Refusal(UsageError):
    """The request cannot be done as asked: HTTP 200, ``status: false``, this message and these data.

    ``retry_after`` is in whole seconds and becomes a header.
    """

    def __init__(self, message: str | None, data: Any = None, *, retry_after: int | None = None) -> None:
        super().__init__(message or "")
        self.message = message
        self.data = data
        self.retry_after = retry_after


class Unauthorized(WgreconcileError):
    """The caller has shown nothing that allows the request: HTTP 401."""

    def __init__(self, message: str = "Unauthorized access.") -> None:
        super().__init__(message)
