"""Links that show one peer's file to whoever has them (API.md 6.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Reply, Request
from wgreconcile.api.runtime.share_links import ShareLink
from wgreconcile.api.services import Services
from wgreconcile.api.wgdashboard.dates import parse_moment
from wgreconcile.api.wgdashboard.downloads import client_file
from wgreconcile.api.wgdashboard.lookup import require_interface
from wgreconcile.api.wgdashboard.share_objects import link_object
from wgreconcile.api.wgdashboard.views import view_of

_GONE = "The peer you're looking for does not exist"


def create(services: Services, request: Request) -> Reply:
    """Make a link for a peer that has none. One that would have ended already is not made."""
    name, key = request.body["Configuration"], request.body["Peer"]
    if not name or not key:
        raise Refusal("Please specify configuration and peer")
    interface = require_interface(services.state_with(name), name)
    if interface.find(key) is None:
        raise Refusal("Peer does not exist")
    end, links = _end(request.body), services.runtime.share_links
    active = links.of_interface(name, request.now).get(key)
    if active is None and end is not None and end <= request.now:
        return Reply([])
    link = None if active else links.create(name, key, end, request.now)
    if link is None:
        return _already_shared(services, request, name, key)
    after = services.state().find(name)
    if after is None or after.find(key) is None:  # somebody has just deleted it
        links.delete_of(name, (key,))
        raise Refusal("Peer does not exist")
    return Reply([link_object(link)])


def update(services: Services, request: Request) -> list[dict[str, Any]]:
    """Change when a link ends. One that has ended is over."""
    share_id = request.body["ShareID"]
    if not share_id:
        raise Refusal("Please specify ShareID")
    links = services.runtime.share_links
    if links.find(share_id, request.now) is None:
        raise Refusal("ShareID does not exist")
    link = links.move_end(share_id, _end(request.body), request.now)
    return [link_object(link)] if link and _is_active(link, request.now) else []


def get(services: Services, request: Request) -> dict[str, str]:
    """The file behind a link, for everybody who has it."""
    share_id = request.query.get("ShareID")
    if not share_id:
        raise Refusal("Please provide ShareID")
    link = services.runtime.share_links.find(share_id, request.now)
    if link is None:
        raise Refusal("This link is either expired to invalid")
    interface = require_interface(services.state(), link.interface, _GONE)
    view = view_of(services, request, interface, services.reconciler.observed())
    peer = interface.find(link.peer)
    if peer is None or not peer.is_active(view.moment):
        raise Refusal(_GONE)
    return client_file(view, peer)


def _already_shared(services: Services, request: Request, name: str, key: str) -> Reply:
    active = services.runtime.share_links.of_interface(name, request.now).get(key)
    if active and services.settings.get().compat in ("v4.2", "v4.3"):
        return Reply(link_object(active), "This peer is already sharing. Please view data for shared link.")
    raise Refusal("This peer is already sharing, please stop sharing first.")


def _end(body: Mapping[str, Any]) -> int | None:
    """When the link ends; None is never. Raise Refusal when the date is none."""
    date = body.get("ExpireDate")
    return int(parse_moment("ExpireDate", date).timestamp()) if date else None


def _is_active(link: ShareLink, now: float) -> bool:
    return link.expires_at is None or link.expires_at > now
