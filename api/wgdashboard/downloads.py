"""The files that peers put on their own devices (API.md 6.2, downloadPeer)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Request
from wgreconcile.api.services import Services
from wgreconcile.api.settings.model import Compat
from wgreconcile.api.wgdashboard.lookup import require_interface, require_peer
from wgreconcile.api.wgdashboard.peer_objects import name_of
from wgreconcile.api.wgdashboard.views import View, client_file_of, view_of
from wgreconcile.desired.client import render_client
from wgreconcile.desired.model import Peer
from wgreconcile.values import SecretKey

_NOBODY = "Configuration or peer does not exist"
_UNTITLED = "UntitledPeer"

# Taken out one after the other, wherever they stand, as v4.0 does: `second` becomes `sed`.
_TAKEN_OUT = (
    *(".", ",", "/", "?", "<", ">", "\\", ":", "*", '|"'),
    *(f"com{number}" for number in range(1, 10)),
    *(f"lpt{number}" for number in range(1, 10)),
    *("con", "nul", "prn"),
)


def download(services: Services, request: Request) -> dict[str, str]:
    """The file of one peer."""
    name = request.path["config"]
    if "id" not in request.query:
        raise Refusal("id: is missing")
    state = services.state_with(name)
    interface = require_interface(state, name, _NOBODY)
    view = view_of(services, request, interface, services.reconciler.observed())
    peer = require_peer(state, name, request.query["id"], view.moment, _NOBODY)
    return client_file(view, peer)


def download_all(services: Services, request: Request) -> list[dict[str, str]]:
    """The files of all peers that are not restricted."""
    name = request.path["config"]
    interface = require_interface(services.state_with(name), name, _NOBODY)
    view = view_of(services, request, interface, services.reconciler.observed())
    return list(_numbered(view))


def client_file(view: View, peer: Peer) -> dict[str, str]:
    """The file of a peer and the name to keep it under, which has no ending."""
    private_key, preshared_key = (
        view.keyring.text(each) for each in (peer.client.private_key, peer.preshared_key)
    )
    text = render_client(
        client_file_of(view, peer),
        view.keyring.public_key(view.interface),
        SecretKey(private_key) if private_key else None,
        SecretKey(preshared_key) if preshared_key else None,
    )
    return {"fileName": file_name(name_of(peer), view.interface.name, view.settings.compat), "file": text}


def file_name(peer: str, interface: str, compat: Compat) -> str:
    """A name for the file that every system takes."""
    if compat in ("v4.2", "v4.3"):
        return re.sub(r"[^A-Za-z0-9_=+.-]", "", peer or _UNTITLED)
    name = f"{(peer or _UNTITLED).replace(' ', '')}_{interface}"
    for each in _TAKEN_OUT:
        name = name.replace(each, "")
    return name


def _numbered(view: View) -> Iterator[dict[str, Any]]:
    """All files; those without a name are numbered, so that none takes another's place."""
    untitled, number = file_name("", view.interface.name, view.settings.compat), 0
    for peer in view.peers():
        found = client_file(view, peer)
        if found["fileName"] == untitled:
            found["fileName"] = f"{number}_{untitled}"
            number += 1
        yield found
