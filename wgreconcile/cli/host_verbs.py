"""``status`` and ``import``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from wgreconcile.cli.import_verb import run_import
from wgreconcile.cli.settings import Settings
from wgreconcile.cli.site import need_root, site_of
from wgreconcile.cli.status_verb import run_status


def status(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show desired against on disk against live."""
    need_root("status", "`wgreconcile plan --offline` compares with files alone")
    return run_status(site_of(settings), arguments.names, out=sys.stdout, output_format=arguments.output)


def import_conf(arguments: argparse.Namespace, settings: Settings) -> int:
    """Turn configuration files, and what WGDashboard keeps beside them, into desired state."""
    if arguments.wgdashboard is None:
        return run_import(site_of(settings), arguments.paths, out=sys.stdout)
    # The server's modules take time to load, which no other import needs.
    from wgreconcile.api.wgdashboard.legacy import read_legacy
    from wgreconcile.cli.takeover import take_over

    folder, site = Path(arguments.wgdashboard), site_of(settings)
    legacy = read_legacy(folder)
    status = run_import(site, arguments.paths, out=sys.stdout, remarks="descriptions", names=legacy.names)
    take_over(folder, legacy, settings, site, sys.stdout)
    return status
