"""Add, change and reset peers; free addresses (API.md 6.2)."""

from __future__ import annotations

from datetime import datetime, timezone

from wgreconcile.api.counting import count
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Reply, Request
from wgreconcile.api.services import Services
from wgreconcile.api.wgdashboard.addresses import by_address, listed, pools
from wgreconcile.api.wgdashboard.bring_up import write_up
from wgreconcile.api.wgdashboard.lookup import NO_CONFIGURATION, require_interface, require_peer
from wgreconcile.api.wgdashboard.new_peers import add_many, add_one, check_form
from wgreconcile.api.wgdashboard.peer_changes import change_peer
from wgreconcile.api.wgdashboard.peer_objects import peer_list
from wgreconcile.api.wgdashboard.views import view_of
from wgreconcile.desired.draft import Draft
from wgreconcile.values import PublicKey

_NO_PEER = "Peer does not exist"
_KINDS = ("total", "receive", "sent")


def available_ips(services: Services, request: Request) -> list[str] | dict[str, list[str]]:
    """Addresses that nobody holds, in the shape of the version that the settings name."""
    is_list = services.settings.get().compat in ("v4.0", "v4.1")
    message = None if is_list else NO_CONFIGURATION
    name = request.path["config"]
    interface = require_interface(services.state_with(name), name, message)
    if not interface.address:
        raise Refusal(message)
    free = pools(interface)
    return listed(free) if is_list else by_address(free)


def add(services: Services, request: Request) -> Reply:
    """Add one peer or many, all of them or none. v4.1 and later answer with the new peers."""
    name, body, compat = request.path["config"], request.body, services.settings.get().compat
    require_interface(services.state_with(name), name)
    check_form(body, compat)

    def edit(draft: Draft) -> list[PublicKey]:
        is_one = not body.get("bulkAdd")
        return add_one(draft, name, body) if is_one else add_many(draft, name, body, compat, request.now)

    written = write_up(services.transactions, name, edit)
    if compat == "v4.0":
        return Reply()
    added = set(written.data)
    interface = require_interface(written.state, name)
    view = view_of(services, request, interface, services.reconciler.observed())
    data = peer_list(view, (each for each in interface.peers if each.public_key in added))
    return Reply(data, "" if compat == "v4.3" else None)


def update(services: Services, request: Request) -> None:
    """Change the settings of a peer."""
    name, body = request.path["config"], request.body
    moment = datetime.fromtimestamp(request.now, timezone.utc)
    require_peer(services.state_with(name), name, body["id"], moment, _NO_PEER)

    def edit(draft: Draft) -> None:
        peer = require_peer(draft.state, name, body["id"], draft.now, _NO_PEER)
        change_peer(draft, name, peer, body, services.keyring)

    write_up(services.transactions, name, edit)


def reset(services: Services, request: Request) -> None:
    """Put counters of a peer back to zero, for good."""
    name, public_key, kind = request.path["config"], request.body["id"], request.body["type"]
    moment = datetime.fromtimestamp(request.now, timezone.utc)
    require_peer(services.state_with(name), name, public_key, moment, "Configuration/Peer does not exist")
    if kind not in _KINDS:
        raise Refusal(None)
    usage = services.runtime.usage
    count(services, name, {public_key})
    if public_key in usage.of_interface(name):
        usage.reset(name, public_key, kind)
