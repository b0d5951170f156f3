"""From settings to the collaborators that verbs work with, and whether they may."""

from __future__ import annotations

import os

from wgreconcile.cli.settings import Settings
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.errors import DependencyError


def site_of(settings: Settings) -> Site:
    """The site that the settings describe. Nothing is read or made yet."""
    return Site(
        store_of(settings), Secrets(settings.secrets, state=settings.state), settings.conf_dir, settings.var
    )


def store_of(settings: Settings) -> Store:
    """The desired state, with its cache beside wgreconcile's other memory."""
    return Store(settings.state, cache=settings.var / "cache")


def need_root(verb: str, remedy: str) -> None:
    """Raise DependencyError, with what to do, unless root runs this."""
    if os.geteuid() != 0:
        raise DependencyError(f"`wgreconcile {verb}` needs root to see interfaces and keys; {remedy}")
