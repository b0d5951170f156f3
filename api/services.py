"""The collaborators of the handlers, handed to :func:`wgreconcile.api.app.create_app` and from there to each."""

from __future__ import annotations

from dataclasses import dataclass

from wgreconcile.api.probes import Probes
from wgreconcile.api.reconciler import Reconciler
from wgreconcile.api.releases import Releases
from wgreconcile.api.request import Clock
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.desired.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a handler may use besides its request. All of it is safe to use from many threads."""

    store: Store
    reconciler: Reconciler
    runtime: Runtime
    settings: DashboardSettings
    probes: Probes
    releases: Releases
    clock: Clock
    conf_dir: str
