"""How much each peer has sent and received: whole bytes that only grow, whatever restarts in between."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from wgreconcile.api.runtime.database import Database

_COLUMNS = (
    "interface, peer, run, live_rx, live_tx, base_rx, base_tx, earlier_rx, earlier_tx, latest_handshake, endpoint"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A peer's live counters at one moment.

    ``run`` tells one life of the interface from the next (boot and interface index); empty is unknown, then
    only a counter that went down tells. ``latest_handshake`` 0 is never, ``endpoint`` empty is unknown.
    ``taken_at`` is on a clock that is never set back.
    """

    interface: str
    peer: str
    rx_bytes: int
    tx_bytes: int
    latest_handshake: int = 0
    endpoint: str = ""
    run: str = ""
    taken_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a peer has used.

    ``live_*`` are the counters as last seen, ``base_*`` the part of them that a reset took off, ``earlier_*``
    what earlier lives of the interface brought. ``taken_at``, of the sample seen last, is not kept.
    """

    interface: str
    peer: str
    run: str = ""
    live_rx: int = 0
    live_tx: int = 0
    base_rx: int = 0
    base_tx: int = 0
    earlier_rx: int = 0
    earlier_tx: int = 0
    latest_handshake: int = 0
    endpoint: str = ""
    taken_at: float = field(default=0.0, compare=False)

    @property
    def current_rx(self) -> int:
        """Bytes received since the interface came up, or since the reset after that."""
        return self.live_rx - self.base_rx

    @property
    def current_tx(self) -> int:
        """Bytes sent since the interface came up, or since the reset after that."""
        return self.live_tx - self.base_tx

    def after(self, sample: Sample) -> Usage:
        """The usage once ``sample`` is seen. One that was overtaken by a later one tells nothing."""
        if sample.taken_at < self.taken_at:
            return self
        seen = self.folded() if self._is_over(sample) else self
        return replace(
            seen,
            run=sample.run or seen.run,
            live_rx=sample.rx_bytes,
            live_tx=sample.tx_bytes,
            latest_handshake=max(sample.latest_handshake, seen.latest_handshake),
            endpoint=sample.endpoint or seen.endpoint,
            taken_at=sample.taken_at,
        )

    def folded(self) -> Usage:
        """The same totals, with the live counters known to begin at zero again."""
        return replace(
            self,
            live_rx=0,
            live_tx=0,
            base_rx=0,
            base_tx=0,
            earlier_rx=self.earlier_rx + self.current_rx,
            earlier_tx=self.earlier_tx + self.current_tx,
        )

    def without(self, *, rx: bool, tx: bool) -> Usage:
        """The usage with received or sent bytes, or both, back at zero."""
        result = replace(self, base_rx=self.live_rx, earlier_rx=0) if rx else self
        return replace(result, base_tx=result.live_tx, earlier_tx=0) if tx else result

    def _is_over(self, sample: Sample) -> bool:
        restarted = bool(sample.run and self.run and sample.run != self.run)
        return restarted or sample.rx_bytes < self.live_rx or sample.tx_bytes < self.live_tx


class UsageCounters:
    """The usage of all peers, kept in memory as well, since every answer shows it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Usage]] = {}
        for row in database.read(f"SELECT {_COLUMNS} FROM usage"):
            self._known.setdefault(row[0], {})[row[1]] = Usage(*row)

    def of_interface(self, interface: str) -> Mapping[str, Usage]:
        """Usage by public key, as it is now. A peer that was never seen is not in it."""
        with self._lock:
            return MappingProxyType(dict(self._known.get(interface, {})))

    def update(self, samples: Iterable[Sample]) -> None:
        """Take in live counters, all of them or none."""
        with self._lock:
            self._keep(self._of(each.interface, each.peer).after(each) for each in samples)

    def begin(self, usages: Iterable[Usage]) -> int:
        """Go on from what another server has counted, for peers without usage here; returns how many these are."""
        with self._lock:
            new = [each for each in usages if each.peer not in self._known.get(each.interface, {})]
            self._keep(new)
        return len(new)

    def reset(self, interface: str, peer: str, kind: Literal["total", "receive", "sent"]) -> None:
        """Put a peer's usage back to zero; what its live counters showed until now never returns."""
        with self._lock:
            rx, tx = kind in ("total", "receive"), kind in ("total", "sent")
            self._keep([self._of(interface, peer).without(rx=rx, tx=tx)])

    def fold(self, interface: str, peers: Sequence[str]) -> None:
        """The live counters of these peers are about to begin at zero (removed, or the interface goes down)."""
        with self._lock:
            self._keep(self._of(interface, each).folded() for each in peers)

    def delete(self, interface: str, peers: Sequence[str]) -> None:
        """Forget peers that are gone."""
        with self._lock:
            with self._database.write() as connection:
                connection.executemany(
                    "DELETE FROM usage WHERE interface = ? AND peer = ?", [(interface, each) for each in peers]
                )
            for each in peers:
                self._known.get(interface, {}).pop(each, None)

    def _of(self, interface: str, peer: str) -> Usage:
        return self._known.get(interface, {}).get(peer) or Usage(interface, peer)

    def _keep(self, usages: Iterable[Usage]) -> None:
        changed = [each for each in usages if each != self._known.get(each.interface, {}).get(each.peer)]
        if not changed:
            return
        with self._database.write() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO usage ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_row(each) for each in changed],
            )
        for each in changed:
            self._known.setdefault(each.interface, {})[each.peer] = each


def _row(usage: Usage) -> tuple[object, ...]:
    return tuple(getattr(usage, name.strip()) for name in _COLUMNS.split(","))
