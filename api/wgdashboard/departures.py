"""What goes with a peer that is gone: its usage, its links, its jobs. And jobs that go by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wgreconcile.api.peer_edits import Ended
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
    log_ended(runtime, interface, [(peer, each) for peer in peers for each in peer.schedules], now)


def log_ended(runtime: Runtime, interface: str, ended: Iterable[Ended], now: float) -> None:
    """Write down which schedules of peers of an interface have come to their end."""
    lines = [JobLine(job_id(*each), interface, int(now), True, REMOVED) for each in ended]
    if lines:
        runtime.job_log.append(lines)
