"""Configuration files that nobody manages yet become desired state, as the API's listing promises."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from wgreconcile.cli.import_verb import live_interfaces
from wgreconcile.converge.site import Site
from wgreconcile.errors import WgreconcileError
from wgreconcile.importing.importer import files_to_import, import_files

_log = logging.getLogger(__name__)


class Adoption:
    """Imports what is new in the folder of configuration files. Safe to call from many threads.

    A file that cannot be imported is told once and tried again when it changes.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._mutex = threading.Lock()
        self._refused: dict[Path, int] = {}

    def __call__(self) -> None:
        """Import what is new; most often a look at the names of files is all there is to it."""
        if not self._new():
            return
        with self._mutex:
            if paths := self._new():
                self._import(paths)

    def _new(self) -> list[Path]:
        # What is managed and has left the state waits to be pruned; to take its file in would undo that.
        found = files_to_import([], conf_dir=self._site.conf_dir, known=self._site.names())
        return [each for each in found if self._refused.get(each) != _stamp(each)]

    def _import(self, paths: list[Path]) -> None:
        site = self._site
        stamps = {each: _stamp(each) for each in paths}
        try:
            report = import_files(
                paths,
                store=site.store,
                secrets=site.secrets,
                conf_dir=site.conf_dir,
                live=live_interfaces(),
                # WGDashboard, in whose place this is, takes no plain comment for a name.
                remarks="descriptions",
            )
        except WgreconcileError as error:  # the list is shown all the same
            _log.error("nothing is adopted: %s", error)
            return
        for each in report.results:
            if each.imported:
                _log.info(
                    "%s: adopted with %d peers; %s", each.name, each.peers, "; ".join(each.notes) or "as it is"
                )
            else:
                self._refused[each.path] = stamps[each.path]
                _log.warning("%s is not adopted: %s", each.path, "; ".join(map(str, each.faults)))


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
