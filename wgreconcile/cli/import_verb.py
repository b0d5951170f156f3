"""``import``: turns configuration files into desired state."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TextIO

from wgreconcile.cli.terminal import READING, painter, working
from wgreconcile.command import run
from wgreconcile.converge.site import Site
from wgreconcile.errors import DependencyError
from wgreconcile.importing.documents import Remarks
from wgreconcile.importing.importer import files_to_import, import_files
from wgreconcile.importing.report import FileResult, ImportReport


def run_import(
    site: Site,
    arguments: Sequence[str],
    *,
    out: TextIO,
    err: TextIO | None = None,
    live: Collection[str] | None = None,
    remarks: Remarks = "names",
    names: Mapping[str, str] = {},
) -> int:
    """Import the named files or interfaces, without names all that are not in the state; 1 if one was refused.

    ``live`` None: look which interfaces are up. Raise StateError when the desired state has faults already.
    """
    paths = files_to_import(arguments, conf_dir=site.conf_dir, known=site.store.names())
    if not paths:
        print(f"nothing to import: no file in {site.conf_dir} that is not in the state already", file=out)
        return 0
    up = live_interfaces() if live is None else live
    with working(err or sys.stderr, READING) as show:
        report = import_files(
            paths,
            store=site.store,
            secrets=site.secrets,
            conf_dir=site.conf_dir,
            live=up,
            progress=show,
            remarks=remarks,
            names=names,
        )
    _show(report, out, err or sys.stderr)
    return 0 if report.ok else 1


def live_interfaces() -> frozenset[str]:
    """The WireGuard interfaces that are up; none where WireGuard is not installed."""
    try:
        return frozenset(run(["wg", "show", "interfaces"]).split())
    except DependencyError:
        return frozenset()


def _show(report: ImportReport, out: TextIO, err: TextIO) -> None:
    for each in report.results:
        if each.imported:
            print(_headline(each), file=out)
            for note in each.notes:
                print(f"  {note}", file=out)
    paint = painter(err)
    for each in report.results:
        for fault in each.faults:
            print(paint("error", str(fault)), file=err)
    imported, refused = len(report.imported), len(report.results) - len(report.imported)
    untouched = ", of which nothing was changed" * bool(refused)
    hint = "; look at the state, then at `wgreconcile plan`" * bool(imported)
    print(f"imported {imported}, refused {refused}{untouched}{hint}", file=out)


def _headline(each: FileResult) -> str:
    first, *more = each.documents
    files = f" and {len(more)} files in {more[0].parent}" if more else ""
    keys = f"{_count(len(each.secrets), 'key')} in {each.secrets[0].parent}"
    return f"{each.name}: {_count(each.peers, 'peer')} in {first}{files}, {keys}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
