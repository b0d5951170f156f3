"""List, show, add and toggle interfaces, which are configurations here (API.md 6.1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from wgreconcile.api.counting import count
from wgreconcile.api.envelope import Encoded
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Request
from wgreconcile.api.services import Services
from wgreconcile.api.wgdashboard.configuration_objects import configuration_object
from wgreconcile.api.wgdashboard.lookup import require_interface
from wgreconcile.api.wgdashboard.new_configuration import NAME, add_interface, check_form
from wgreconcile.api.wgdashboard.peer_objects import configuration_info
from wgreconcile.api.wgdashboard.views import view_of, views
from wgreconcile.desired.draft import Draft
from wgreconcile.errors import WgreconcileError
from wgreconcile.values import is_interface_name


def list_all(services: Services, request: Request) -> list[dict[str, Any]]:
    """All interfaces, by name. Those of files that nobody manages yet become managed, if the settings say so."""
    services.adopt_new()
    return list(map(configuration_object, views(services, request)))


def info(services: Services, request: Request) -> Encoded:
    """An interface with all of its peers."""
    name = request.query.get("configurationName", "")
    state, live = services.seen(name)
    interface = require_interface(state, name, "Please provide configuration name")
    return configuration_info(view_of(services, request, interface, live))


def add(services: Services, request: Request) -> None:
    """Add an interface, which stays down until it is toggled."""
    settings = services.settings.get()
    check_form(request.body, settings.compat)
    services.adopt_new()

    def edit(draft: Draft) -> None:
        _refuse_file_of_another(services, draft, str(request.body[NAME]))
        add_interface(draft, request.body, settings)

    try:
        services.transactions.write(edit)
    except Refusal:
        raise
    except WgreconcileError as error:
        # v4.0's page shows the reason only if it has a field to show it at.
        raise Refusal(str(error), NAME) from error


def toggle(services: Services, request: Request) -> bool:
    """Bring an interface up or down; the answer is whether it is up then.

    One that nobody manages yet has been shown to nobody, and is left as it is.
    """
    name, unknown = request.query.get("configurationName", ""), "Please provide a valid configuration name"
    require_interface(services.state(), name, unknown)
    usage = services.runtime.usage
    if _is_up(services, name):
        count(services, name)
    else:
        usage.fold(name, list(usage.of_interface(name)))  # WireGuard will count from zero

    def edit(draft: Draft) -> bool:
        interface = require_interface(draft.state, name, unknown)
        # Once writes before this one in the same pass are through, it is as the state says, whatever it is now.
        is_up = interface.enabled if name in draft.names else _is_up(services, name)
        draft.put_interface(replace(interface, enabled=not is_up))
        return not is_up

    try:
        return services.transactions.write(edit).data
    except WgreconcileError as error:
        raise Refusal(str(error), _is_up(services, name)) from error


def _refuse_file_of_another(services: Services, draft: Draft, name: str) -> None:
    """A file of that name is somebody's, or was an interface until somebody took it out of the state."""
    is_file = is_interface_name(name) and Path(services.conf_dir, f"{name}.conf").exists()
    if is_file and draft.state.find(name) is None:
        problem = f"there is a file {name}.conf already, of an interface that is not in the state"
        raise Refusal(f"{NAME}: {problem}; import it, or remove it", NAME)


def _is_up(services: Services, name: str) -> bool:
    return services.reconciler.observed().find(name) is not None
