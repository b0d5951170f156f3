"""Where everything that a reconcile reads and writes is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wgreconcile.converge.records import Records
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store


@dataclass(frozen=True)
class Site:
    """A host with its desired state: where everything that a reconcile reads and writes is kept."""

    store: Store
    secrets: Secrets
    conf_dir: Path
    var: Path

    @property
    def records(self) -> Records:
        """What wgreconcile remembers of the interfaces that it manages."""
        return Records(self.var)

    def names(self) -> frozenset[str]:
        """All interfaces that are in the state or managed."""
        return self.store.names() | self.records.names()
