"""From settings to the collaborators that verbs work with."""

from __future__ import annotations

from wgreconcile.cli.settings import Settings
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store


def site_of(settings: Settings) -> Site:
    """The site that the settings describe. Nothing is read or made yet."""
    return Site(
        store_of(settings), Secrets(settings.secrets, state=settings.state), settings.conf_dir, settings.var
    )


def store_of(settings: Settings) -> Store:
    """The desired state, with its cache beside wgreconcile's other memory."""
    return Store(settings.state, cache=settings.var / "cache")
