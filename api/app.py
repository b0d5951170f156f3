"""The WSGI application, put together from its collaborators and the one route table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import falcon

from wgreconcile.api.keyring import Keyring
from wgreconcile.api.last_sound import LastSound
from wgreconcile.api.probes import Probes
from wgreconcile.api.reconciler import Reconciler
from wgreconcile.api.releases import Releases
from wgreconcile.api.request import Clock
from wgreconcile.api.route import Route
from wgreconcile.api.routes import ROUTES
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.services import Adopt, Services
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.web.endpoint import Endpoint
from wgreconcile.api.web.failures import register_failures
from wgreconcile.api.web.frontend import Frontend
from wgreconcile.api.web.gate import STATIC, Gate
from wgreconcile.api.web.pages import IndexPage, OpenApiPage, ReferencePage, StaticFiles
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired.store import Store

OPENAPI = "/api/openapi.json"
REFERENCE = "/api/reference"


def create_app(
    store: Store,
    reconciler: Reconciler,
    runtime: Runtime,
    settings: DashboardSettings,
    transactions: Transactions,
    keyring: Keyring,
    *,
    clock: Clock = time.time,
    probes: Probes | None = None,
    conf_dir: str = "/etc/wireguard",
    adopt: Adopt = lambda: None,
    frontend: Path | None = None,
    routes: Sequence[Route] = ROUTES,
) -> falcon.App[Any, Any]:
    """A WSGI application that is safe to call from many threads.

    ``frontend`` is the folder of a built web page; without one, a small page leads to the reference. The prefix
    of all paths is read from the settings here, once.
    """
    services = Services(
        store,
        reconciler,
        runtime,
        settings,
        probes or Probes(),
        Releases(),
        clock,
        conf_dir,
        transactions,
        keyring,
        adopt,
        LastSound(store),
    )
    prefix = settings.get().server.prefix
    public = {prefix + route.path for route in routes if route.public}
    public |= {prefix or "/", prefix + OPENAPI, prefix + REFERENCE}
    app: falcon.App[Any, Any] = falcon.App(middleware=[Gate(services, prefix, public)])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.keep_blank_qs_values = True
    app.req_options.auto_parse_qs_csv = False
    register_failures(app)
    for path, endpoint in _endpoints(services, routes).items():
        app.add_route(prefix + path, endpoint)
    _add_pages(app, prefix, Frontend(frontend) if frontend else None, routes)
    return app


def _endpoints(services: Services, routes: Sequence[Route]) -> dict[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    for route in routes:
        endpoints.setdefault(route.path.rstrip("/"), Endpoint(services)).add(route)
    return endpoints


def _add_pages(app: falcon.App[Any, Any], prefix: str, frontend: Frontend | None, routes: Sequence[Route]) -> None:
    app.add_route(prefix or "/", IndexPage(prefix, frontend, prefix + REFERENCE))
    app.add_route(prefix + OPENAPI, OpenApiPage(prefix, routes))
    app.add_route(prefix + REFERENCE, ReferencePage(prefix, routes))
    if frontend:
        app.add_route(f"{STATIC}/{{name:path}}", StaticFiles(frontend))
