"""``status`` and ``import``."""

from __future__ import annotations

import argparse
import sys

from wgreconcile.cli.import_verb import run_import
from wgreconcile.cli.settings import Settings
from wgreconcile.cli.site import need_root, site_of
from wgreconcile.cli.status_verb import run_status


def status(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show desired against on disk against live."""
    need_root("status", "`wgreconcile plan --offline` compares with files alone")
    return run_status(site_of(settings), arguments.names, out=sys.stdout, output_format=arguments.output)


def import_conf(arguments: argparse.Namespace, settings: Settings) -> int:
    """Turn configuration files into desired state."""
    return run_import(site_of(settings), arguments.paths, out=sys.stdout)
