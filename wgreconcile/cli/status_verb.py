"""``status``: desired, on disk and live side by side, as tables for people or JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, TextIO

from wgreconcile.cli.terminal import READING, painter, working
from wgreconcile.converge.site import Site
from wgreconcile.converge.survey import survey
from wgreconcile.planning.model import Action, Change
from wgreconcile.planning.status import InterfaceStatus, PeerStatus, State, Status, Unmanaged, status_of

VERSION = 1

_INTERFACE_COLUMNS = ("INTERFACE", "STATE", "DESIRED", "DISK", "LIVE", "PORT", "PUBLIC KEY", "ADDRESSES", "PEERS")
_PEER_COLUMNS = (
    *("PEER", "PUBLIC KEY", "DESIRED", "DISK", "LIVE"),
    *("ENDPOINT", "HANDSHAKE", "RECEIVED", "SENT", "DIFFERS IN"),
)
_COLOURS = {State.IN_SYNC: "add", State.DRIFT: "error", State.NOT_APPLIED: "warn", State.NOT_IN_STATE: "warn"}
_AGES = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def run_status(
    site: Site, names: Sequence[str], *, out: TextIO, output_format: str = "text", now: datetime | None = None
) -> int:
    """Print the status of the named interfaces, of all without names. Changes nothing.

    Raise StateError when the desired state has faults, UsageError for a name that is not in it.
    """
    moment = now or datetime.now(timezone.utc)
    with working(sys.stderr, READING):
        found = survey(site, names, moment)
    status = status_of(found.plan, found.observed, found.baselines, found.desired, moment)
    if output_format == "json":
        print(json.dumps(export_status(status), indent=2), file=out)
    else:
        for line in status_lines(status, moment, painter(out)):
            print(line, file=out)
    return 0


def status_lines(status: Status, now: datetime, paint: Callable[[str, str], str]) -> Iterator[str]:
    """The lines of a status: one table of all interfaces, then one of peers for each."""
    if not status.interfaces:
        yield "no interfaces in the state"
    else:
        states = [each.state for each in status.interfaces]
        head, *rows = table(_INTERFACE_COLUMNS, map(_interface_row, status.interfaces))
        yield paint("head", head)
        for state, row in zip(states, rows, strict=True):
            yield paint(_COLOURS[state], row) if state in _COLOURS else row
    for each in status.interfaces:
        yield from _details(each, now, paint)
    if orphaned := [each.name for each in status.interfaces if each.state is State.NOT_IN_STATE]:
        yield ""
        remedy = "`wgreconcile apply --prune` removes it"
        yield paint("warn", f"no longer in the state, left as it is ({remedy}): {', '.join(orphaned)}")
    if status.unmanaged:
        yield ""
        yield f"unmanaged, never touched: {', '.join(map(_unmanaged, status.unmanaged))}"


def export_status(status: Status) -> dict[str, Any]:
    """The whole status as plain data. It holds no secret."""
    return {
        "version": VERSION,
        "interfaces": [_export_interface(each) for each in status.interfaces],
        "unmanaged": [
            {"name": each.name, "file": each.has_file, "live": each.is_live} for each in status.unmanaged
        ],
    }


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell; ``-`` for an empty one."""
    cells = [columns, *([_printable(cell) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]


def age(seconds: float) -> str:
    """How long ago, by its largest unit: ``12 s``, ``3 min``, ``2 d``."""
    unit, size = next(((unit, size) for unit, size in _AGES if seconds >= size), _AGES[-1])
    return f"{max(0, int(seconds)) // size} {unit}"


def size(count: int) -> str:
    """Bytes for people: ``0 B``, ``1.5 KiB``, ``20.0 GiB``."""
    amount, units = float(count), iter(("B", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while amount >= 1024 and (larger := next(units, None)):
        amount, unit = amount / 1024, larger
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def _interface_row(each: InterfaceStatus) -> Sequence[str]:
    port = str(each.listen_port) if each.listen_port else ""
    marks = (each.state.value, each.desired.value, each.disk.value, each.live.value)
    return (each.name, *marks, port, each.public_key or "", ", ".join(each.address), str(len(each.peers)))


def _details(each: InterfaceStatus, now: datetime, paint: Callable[[str, str], str]) -> Iterator[str]:
    if not each.peers and not each.changes:
        return
    yield ""
    yield paint("head", each.name)
    if each.changes:
        yield paint("warn", f"  differs in {_differences(each.changes)}")
    if each.peers:
        head, *rows = table(_PEER_COLUMNS, (_peer_row(peer, now) for peer in each.peers))
        yield f"  {head}"
        for peer, row in zip(each.peers, rows, strict=True):
            yield paint("warn", f"  {row}") if peer.changes else f"  {row}"


def _peer_row(peer: PeerStatus, now: datetime) -> Sequence[str]:
    handshake = f"{age(now.timestamp() - peer.latest_handshake)} ago" if peer.latest_handshake else ""
    marks = (peer.desired.value, peer.disk.value, peer.live.value)
    traffic = (size(peer.rx_bytes), size(peer.tx_bytes)) if peer.live.value != "-" else ("", "")
    return (
        *(peer.name, f"{peer.public_key[:8]}…", *marks),
        *(peer.endpoint or "", handshake, *traffic, _differences(peer.changes)),
    )


def _differences(changes: Iterable[Change]) -> str:
    """``mtu (live, changed live), missing (file, edited on disk)``."""
    return ", ".join(f"{_what(each)} ({each.place.value}, {each.cause.value})" for each in changes)


def _what(change: Change) -> str:
    return change.field or {Action.CREATE: "missing", Action.DELETE: "surplus"}.get(change.action, "other")


def _unmanaged(each: Unmanaged) -> str:
    where = [word for word, is_there in (("file", each.has_file), ("live", each.is_live)) if is_there]
    return f"{each.name} ({' and '.join(where)})" if where else each.name


def _export_interface(each: InterfaceStatus) -> dict[str, Any]:
    return {
        "name": each.name,
        "state": each.state.value,
        "desired": each.desired.value,
        "disk": each.disk.value,
        "live": each.live.value,
        "public_key": each.public_key,
        "listen_port": each.listen_port,
        "address": list(each.address),
        "differences": [_export_change(change) for change in each.changes],
        "peers": [_export_peer(peer) for peer in each.peers],
    }


def _export_peer(peer: PeerStatus) -> dict[str, Any]:
    return {
        "name": peer.name,
        "public_key": peer.public_key,
        "desired": peer.desired.value,
        "disk": peer.disk.value,
        "live": peer.live.value,
        "endpoint": peer.endpoint,
        "latest_handshake": peer.latest_handshake,
        "rx_bytes": peer.rx_bytes,
        "tx_bytes": peer.tx_bytes,
        "differences": [_export_change(change) for change in peer.changes],
    }


def _export_change(change: Change) -> dict[str, str]:
    return {
        "field": change.field,
        "action": change.action.value,
        "place": change.place.value,
        "cause": change.cause.value,
    }


def _printable(text: str) -> str:
    """Text from a hand-edited file may hold what drives a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)
