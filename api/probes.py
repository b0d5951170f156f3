"""Ping and traceroute: bounded in number and time, and only a few at once, so that other callers get through."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import icmplib

from wgreconcile.api.refusal import Refusal
from wgreconcile.desired.wording import show

T = TypeVar("T")

MOST_PACKETS = 20
_MOST_HOPS = 30
_TRACE_SECONDS = 20.0
_AT_ONCE = 4

_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})?(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})?)*")


@dataclass(frozen=True, slots=True)
class Pinged:
    """What became of a number of echo requests; round trips are in milliseconds."""

    address: str
    sent: int
    received: int
    shortest: float
    average: float
    longest: float

    @property
    def loss(self) -> float:
        """The part that got no answer, from 0 to 1."""
        return 1 - self.received / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class Hop:
    """A router on the way, ``distance`` steps away; round trips are in milliseconds."""

    distance: int
    address: str
    shortest: float
    average: float
    longest: float


class Probes:
    """``ping`` and ``trace_hop`` send the packets; tests put their own in place."""

    def __init__(
        self,
        ping: Callable[[str, int], Pinged] | None = None,
        trace_hop: Callable[[str, int], Hop | None] | None = None,
    ) -> None:
        self._ping = ping or _ping
        self._trace_hop = trace_hop or _trace_hop
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def ping(self, target: str, count: int) -> Pinged:
        """Send ``count`` requests, one a second. Raise Refusal when that is too many or cannot be done."""
        if count > MOST_PACKETS:
            raise Refusal(f"count: {count} is not a number from 0 to {MOST_PACKETS}")
        with self._place():
            return self._ping(resolve(target), count)

    def trace(self, target: str) -> tuple[Hop, ...]:
        """The routers that answer, in order. Raise Refusal when it cannot be done."""
        with self._place():
            return tuple(self._hops(resolve(target)))

    def _hops(self, address: str) -> Iterator[Hop]:
        deadline = time.monotonic() + _TRACE_SECONDS
        for distance in range(1, _MOST_HOPS + 1):
            hop = self._trace_hop(address, distance)
            if hop is not None:
                yield hop
            if time.monotonic() > deadline or (hop is not None and hop.address == address):
                return

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise Refusal("Other pings and traceroutes are running. Please try again shortly.", retry_after=5)
        try:
            yield
        finally:
            self._free.release()


def resolve(target: str) -> str:
    """The address of an address or host name. Raise Refusal when it is neither, or unknown."""
    try:
        return str(ipaddress.ip_address(target.partition("%")[0]))
    except ValueError:
        pass
    if not _HOST_NAME.fullmatch(target):
        raise Refusal(f"ipAddress: {show(target)} is no address or host name")
    try:
        found = socket.getaddrinfo(target, None, type=socket.SOCK_DGRAM)
    except OSError:
        raise Refusal(f"ipAddress: {show(target)} cannot be resolved") from None
    return str(found[0][4][0])


def _ping(address: str, count: int) -> Pinged:
    host: Any = _allowed(lambda privileged: icmplib.ping(address, count, timeout=1, privileged=privileged))
    return Pinged(address, host.packets_sent, host.packets_received, host.min_rtt, host.avg_rtt, host.max_rtt)


def _trace_hop(address: str, distance: int) -> Hop | None:
    found: Any = _allowed(
        lambda _: icmplib.traceroute(
            address, count=2, interval=0.05, timeout=0.5, first_hop=distance, max_hops=distance
        )
    )
    return Hop(distance, found[0].address, found[0].min_rtt, found[0].avg_rtt, found[0].max_rtt) if found else None


def _allowed(send: Callable[[bool], T]) -> T:
    """Send as root does, or as the kernel lets others do."""
    try:
        try:
            return send(True)
        except icmplib.SocketPermissionError:
            return send(False)
    except icmplib.SocketPermissionError:
        raise Refusal("The server may not send such packets; it needs the capability CAP_NET_RAW.") from None
    except icmplib.ICMPLibError as error:
        raise Refusal(f"The packets cannot be sent: {error}") from None
