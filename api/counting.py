"""Usage counted out of turn, before something ends what WireGuard has counted."""

from __future__ import annotations

from collections.abc import Container

from wgreconcile.api.runtime.usage import Sample, Usage
from wgreconcile.api.services import Services
from wgreconcile.observed.model import LivePeer


def count(services: Services, name: str, public_keys: Container[str] | None = None) -> None:
    """Take in what peers of an interface, all or these, have used until now.

    Rounds are seconds apart: what came in between would be lost, or after a reset come back. So would what came
    since a look of a moment ago.
    """
    usage, observed = services.runtime.usage, services.reconciler.observed(anew=True)
    live, known = observed.find(name), usage.of_interface(name)
    peers = () if live is None else live.peers
    usage.update(
        Sample(name, each.public_key, each.rx_bytes, each.tx_bytes, taken_at=observed.taken_at)
        for each in peers
        if (public_keys is None or each.public_key in public_keys)
        and _has_gone_on(each, known.get(each.public_key, Usage(name, each.public_key)))
    )


def _has_gone_on(peer: LivePeer, known: Usage) -> bool:
    """Fewer bytes than known belong to another life of the interface, which the next round will see."""
    now, before = (peer.rx_bytes, peer.tx_bytes), (known.live_rx, known.live_tx)
    return now != before and now[0] >= before[0] and now[1] >= before[1]
