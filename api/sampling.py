"""From what is live to usage: the counters of each look, taken over where they moved."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from wgreconcile.api.reconciler import Snapshot
from wgreconcile.api.runtime.usage import Sample, UsageCounters
from wgreconcile.observed.model import LiveInterface, LivePeer

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Sampler:
    """Keeps usage up to date; call it with every look, from one thread.

    A peer that is the very object of the look before has not moved, so that ten thousand idle ones cost nothing.
    """

    def __init__(self, usage: UsageCounters, life_of: Callable[[str], str] | None = None) -> None:
        self._usage = usage
        self._life_of = life_of or life_of_interface
        self._seen: dict[str, tuple[str, tuple[LivePeer, ...]]] = {}

    def __call__(self, snapshot: Snapshot) -> None:
        """Take in the counters of all peers that are live. Raise sqlite3.Error, with none of them taken in."""
        lives = {each.name: self._life_of(each.name) for each in snapshot.interfaces}
        self._usage.update(
            sample
            for each in snapshot.interfaces
            for sample in self._samples(each, lives[each.name], snapshot.taken_at)
        )
        # The peers themselves are kept, or else another one could get the identity of one that is gone.
        self._seen = {each.name: (lives[each.name], each.peers) for each in snapshot.interfaces}

    def _samples(self, interface: LiveInterface, life: str, taken_at: float) -> Iterator[Sample]:
        seen_life, peers = self._seen.get(interface.name, ("", ()))
        if life == seen_life and interface.peers is peers:
            return
        seen = frozenset(map(id, peers)) if life == seen_life else frozenset[int]()
        for peer in interface.peers:
            if id(peer) not in seen:
                yield Sample(
                    interface.name,
                    peer.public_key,
                    peer.rx_bytes,
                    peer.tx_bytes,
                    peer.latest_handshake,
                    peer.endpoint or "",
                    life,
                    taken_at,
                )


def life_of_interface(name: str) -> str:
    """What tells one life of an interface from the next: the boot, and its index. Empty when it is gone."""
    try:
        return f"{_boot()}/{socket.if_nametoindex(name)}"
    except OSError:
        return ""


@cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
