"""A peer as it is once a client has changed its settings (API.md 6.2, updatePeerSettings)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wgreconcile.api.keyring import Keyring
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.wgdashboard.peer_settings import (
    allowed_ips_of_text,
    client_of_body,
    name_of_body,
    preshared_key_of_body,
    private_key_of_body,
)
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Interface, Peer, Secret
from wgreconcile.desired.naming import stem_of
from wgreconcile.values import Network, SecretKey


def change_peer(draft: Draft, name: str, peer: Peer, body: Mapping[str, Any], keyring: Keyring) -> None:
    """Put the peer into the draft with the settings of a request.

    Raise Refusal; the checks are in v4.0's order.
    """
    body = {field: "" if value is None else value for field, value in body.items()}
    allowed_ips, fault = _allowed_ips(body["allowed_ip"])
    _refuse_taken(draft.interface(name), peer, allowed_ips)
    said = client_of_body(body)
    private_key = private_key_of_body(body["private_key"], peer.public_key)
    preshared_key = preshared_key_of_body(body["preshared_key"])
    if fault:
        raise fault
    label = name_of_body(body["name"])
    stem = f"{name}/{stem_of(label, peer.public_key)}"
    kept = keyring.text(peer.client.private_key), keyring.text(peer.preshared_key)
    after = replace(
        peer,
        name=label,
        allowed_ips=allowed_ips,
        preshared_key=_secret(draft, f"{stem}.psk", preshared_key, peer.preshared_key, kept[1]),
        client=replace(
            said,
            private_key=_secret(draft, f"{stem}.key", private_key, peer.client.private_key, kept[0]),
            address=peer.client.address,
            endpoint=peer.client.endpoint,
        ),
    )
    if peer.name and not label and "/" in peer.origin:
        # Its file goes by a name, and would give it that name again: it gets another file.
        draft.remove_peers(name, [peer.public_key])
    draft.put_peers(name, [after])


def _allowed_ips(text: str) -> tuple[tuple[Network, ...], Refusal | None]:
    """What is wrong with the text is told later, when it is its turn."""
    try:
        return allowed_ips_of_text(text), None
    except Refusal as fault:
        return (), fault


def _refuse_taken(interface: Interface, peer: Peer, networks: tuple[Network, ...]) -> None:
    """WireGuard would take it from the other one without a word. Restricted peers keep theirs for their return."""
    wanted = set(networks)
    for other in interface.peers:
        if other.public_key != peer.public_key and not wanted.isdisjoint(other.allowed_ips):
            raise Refusal("Allowed IP already taken by another peer.")


def _secret(
    draft: Draft, path: str, key: SecretKey | None, before: Secret | None, before_text: str
) -> Secret | None:
    """A reference to the key: the one that there was, when it is the same key."""
    if key is None or key.reveal() == before_text:
        return before if key else None
    return draft.keep(path, key)
