"""What goes with a peer that is gone: its usage, its links, its jobs."""

from __future__ import annotations

from collections.abc import Sequence

from wgreconcile.api.runtime.job_log import JobLine
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.wgdashboard.job_objects import REMOVED, job_id
from wgreconcile.desired.model import Peer


def forget(runtime: Runtime, interface: str, peers: Sequence[Peer], now: float) -> None:
    """End what the runtime keeps of peers that were deleted from an interface."""
    if not peers:
        return
    keys = tuple(each.public_key for each in peers)
    runtime.usage.delete(interface, keys)
    runtime.share_links.delete_of(interface, keys)
    ended = [job_id(peer, schedule) for peer in peers for schedule in peer.schedules]
    if ended:
        runtime.job_log.append(JobLine(each, interface, int(now), True, REMOVED) for each in ended)
