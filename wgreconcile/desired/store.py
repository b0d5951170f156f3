"""The state folder as one desired state: read here, and written by the API."""

from __future__ import annotations

from pathlib import Path

from wgreconcile.desired import loading
from wgreconcile.desired.layout import interface_names
from wgreconcile.desired.model import DesiredState


class Store:
    """The documents below ``state``. ``cache`` is a folder to remember in what was read and checked before."""

    def __init__(self, state: Path, *, cache: Path | None = None) -> None:
        self.state = state
        self._cache = cache

    def names(self) -> frozenset[str]:
        """Names of the interfaces, from the names of the documents alone."""
        return interface_names(self.state)

    def load(self) -> DesiredState:
        """Read all documents. Raise StateError with all faults of all of them."""
        return loading.load(self.state, self._cache)
