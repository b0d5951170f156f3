"""What became of an import, file by file. Nothing in it is secret."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wgreconcile.errors import Fault


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file: imported into ``documents`` and ``secrets``, or refused for ``faults`` with nothing changed.

    ``documents`` and ``secrets`` are the files that were written. ``notes`` say what the user should know of an
    import that went well.
    """

    path: Path
    name: str
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    documents: tuple[Path, ...] = ()
    secrets: tuple[Path, ...] = ()
    peers: int = 0

    @property
    def imported(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The results of an import, in the order in which files were given."""

    results: tuple[FileResult, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every file was imported."""
        return all(each.imported for each in self.results)

    @property
    def imported(self) -> tuple[FileResult, ...]:
        return tuple(each for each in self.results if each.imported)
