"""Rules across fields, documents and interfaces: what no schema of a single document can see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wgreconcile.desired.model import Interface
from wgreconcile.desired.places import FieldPath
from wgreconcile.values import PublicKey


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, or with ``is_warning`` odd, with an interface or one of its peers.

    ``origin`` is the document. ``peer`` None means the interface itself; ``ordinal`` counts the peers of that
    key in that document.
    """

    origin: str
    peer: PublicKey | None
    ordinal: int
    field: FieldPath
    problem: str
    remedy: str = ""
    is_warning: bool = False

    @property
    def place(self) -> tuple[str, PublicKey | None, int, FieldPath]:
        """What finds the line of the finding."""
        return self.origin, self.peer, self.ordinal, self.field


def check(interfaces: Iterable[Interface], now: datetime) -> list[Finding]:
    """All findings about a state. Peers that are off the interface at ``now`` hold no allowed IPs."""
    return []
