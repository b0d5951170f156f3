"""Delete peers, keep them off their interface, let them back in (API.md 6.3)."""

from __future__ import annotations

from collections.abc import Sequence

from wgreconcile.api.counting import count
from wgreconcile.api.peer_edits import delete_peers, disable_peers, enable_peers
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Reply, Request
from wgreconcile.api.services import Services
from wgreconcile.api.wgdashboard.bring_up import write_up
from wgreconcile.api.wgdashboard.departures import forget, log_ended
from wgreconcile.api.wgdashboard.lookup import require_interface


def delete(services: Services, request: Request) -> Reply:
    """Delete peers, restricted ones among them, with their usage, schedules and links."""
    name, keys = request.path["config"], _keys(services, request)
    gone = write_up(services.transactions, name, lambda draft: delete_peers(draft, name, keys)).data
    with services.runtime.afterwards():
        forget(services.runtime, name, gone, request.now)
    return _told(len(gone), len(keys), "Deleted", "delete")


def restrict(services: Services, request: Request) -> Reply:
    """Keep peers in the state only."""
    name, keys = request.path["config"], _keys(services, request)
    count(services, name, set(keys))
    done = write_up(services.transactions, name, lambda draft: disable_peers(draft, name, keys)).data
    return _told(len(done), len(keys), "Restricted", "restrict")


def allow(services: Services, request: Request) -> Reply:
    """Put restricted peers back on the interface, up to the first that is not restricted."""
    name, keys = request.path["config"], _keys(services, request)
    _fold(services, name, keys)
    done = write_up(services.transactions, name, lambda draft: enable_peers(draft, name, keys)).data
    with services.runtime.afterwards():
        log_ended(services.runtime, name, done.ended, request.now)
    if done.refused is not None:
        return Reply(message=f"Failed to allow access of peer {done.refused}", ok=False)
    return Reply(message="Allow access successfully!")


def _keys(services: Services, request: Request) -> list[str]:
    """The public keys of a request. A text is no list, and so names nobody: v4.0 went through its characters."""
    require_interface(services.state_with(request.path["config"]), request.path["config"])
    if not request.body["peers"]:
        is_first = services.settings.get().compat == "v4.0"
        raise Refusal("Please specify more than one peer" if is_first else "Please specify one or more peers")
    return list(request.body["peers"])


def _fold(services: Services, name: str, keys: Sequence[str]) -> None:
    """Of peers that are not on the interface now, WireGuard will count from zero."""
    live, usage = services.reconciler.observed().find(name), services.runtime.usage
    on_it = {each.public_key for each in live.peers} if live else set()
    usage.fold(name, list(usage.of_interface(name).keys() & set(keys) - on_it))


def _told(done: int, asked: int, participle: str, verb: str) -> Reply:
    """What was done is done, also when some of the keys were nobody's."""
    if done == asked:
        return Reply(message=f"{participle} {done} peer(s)")
    return Reply(message=f"{participle} {done} peer(s) successfully. Failed to {verb} 0 peer(s)", ok=False)
