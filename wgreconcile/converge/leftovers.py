"""What a run that was killed leaves behind: commands under way, staged files, half-written ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wgreconcile.command import wait_until_gone
from wgreconcile.converge.site import Site
from wgreconcile.files import drafts

STAGING = ".wgreconcile"
"""A private folder below that of the configuration files: what is in it exists while one command runs."""


def settle(site: Site) -> None:
    """Let commands end that are still under way, then remove files that are nobody's any more: they hold keys.

    Nobody else may be at work; raise BusyError when such a command does not end.
    """
    for name in site.records.names():
        record = site.records.load(name)
        if record is not None and record.running:
            wait_until_gone(record.running)
    for path in [*_leftovers(site)]:
        path.unlink(missing_ok=True)
    site.secrets.settle()
    site.store.settle()


def _leftovers(site: Site) -> Iterator[Path]:
    yield from (site.conf_dir / STAGING).glob("*")
    for folder in (site.conf_dir, site.var / "interfaces", site.var / "cache"):
        yield from drafts(folder)
