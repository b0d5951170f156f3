"""Share links as WGDashboard's clients see them (API.md 3.3)."""

from __future__ import annotations

from typing import Any

from wgreconcile.api.runtime.share_links import ShareLink
from wgreconcile.api.wgdashboard.dates import date_text


def link_object(link: ShareLink) -> dict[str, Any]:
    """The object of an active link."""
    return {
        "ShareID": link.share_id,
        "Configuration": link.interface,
        "Peer": link.peer,
        "ExpireDate": None if link.expires_at is None else date_text(link.expires_at),
    }
