"""New peers as a client asks for them: one with its settings, or many made here (API.md 6.2, addPeers)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.settings.model import Compat
from wgreconcile.api.web.schema import missing
from wgreconcile.api.wgdashboard.new_addresses import chosen_addresses, next_addresses
from wgreconcile.api.wgdashboard.peer_settings import (
    client_of_body,
    name_of_body,
    preshared_key_of_body,
    private_key_of_body,
    public_key_of_body,
    whole_number,
)
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Peer
from wgreconcile.desired.secrets import generate_preshared_key
from wgreconcile.desired.wording import show
from wgreconcile.values import PublicKey, SecretKey, generate_secret_key, public_key_of

_FORM = (
    *("bulkAdd", "bulkAddAmount", "name", "allowed_ips", "private_key", "public_key", "DNS"),
    *("endpoint_allowed_ip", "keepalive", "mtu", "preshared_key"),
)


def check_form(body: Mapping[str, Any], compat: Compat) -> None:
    """Raise Refusal when boxes of v4.0's form are empty.

    Who sends v4.0's own fields sends all of them, and one that is missing is a mistake. Other clients leave out
    what shall be made for them.
    """
    if compat != "v4.0":
        return
    if not body:
        raise missing(_FORM[0])  # a request that was cut short asks for nothing
    if body.get("endpoint_allowed_ip") == "":
        raise Refusal("Please fill in all required box.")
    if body.get("bulkAdd"):
        return
    if "bulkAdd" in body or "bulkAddAmount" in body:
        for field in _FORM:
            if field not in body:
                raise missing(field)
    if body.get("public_key") == "" or body.get("allowed_ips") in ([], ""):
        raise Refusal("Please fill in all required box.")


def add_one(draft: Draft, name: str, body: Mapping[str, Any]) -> list[PublicKey]:
    """Put the one peer of a request into the draft. Raise Refusal."""
    interface = draft.interface(name)
    public_key, private_key = _key_pair(body)
    if interface.find(public_key):
        raise Refusal("This peer already exist.")
    allowed_ips = chosen_addresses(draft, name, body.get("allowed_ips"))
    client = client_of_body(_given(body))
    private_key = private_key or private_key_of_body(body.get("private_key"), public_key)
    peer = Peer(public_key, name_of_body(body.get("name")), allowed_ips=allowed_ips, client=client)
    put_with_keys(draft, name, [(peer, private_key, preshared_key_of_body(body.get("preshared_key")))])
    return [public_key]


def add_many(draft: Draft, name: str, body: Mapping[str, Any], compat: Compat, now: float) -> list[PublicKey]:
    """Put as many peers as a request asks for into the draft, each with the next free address. Raise Refusal."""
    interface = draft.interface(name)
    addresses = next_addresses(interface, _amount(body))
    client = client_of_body(_given(body))
    has_preshared_key = compat == "v4.0" or bool(body.get("preshared_key_bulkAdd"))
    made = []
    for label, address in zip(_labels(compat, now), addresses, strict=False):
        key = generate_secret_key()
        peer = Peer(public_key_of(key), label, allowed_ips=(address,), client=client)
        made.append((peer, key, generate_preshared_key() if has_preshared_key else None))
    put_with_keys(draft, name, made)
    return [peer.public_key for peer, _, _ in made]


def put_with_keys(
    draft: Draft, name: str, peers: Iterable[tuple[Peer, SecretKey | None, SecretKey | None]]
) -> None:
    """Put peers into the draft, and their private and preshared keys into the secret folder."""
    put = []
    for peer, private_key, preshared_key in peers:
        stem = draft.stem(name, peer)
        private = draft.keep(f"{stem}.key", private_key) if private_key else peer.client.private_key
        preshared = draft.keep(f"{stem}.psk", preshared_key) if preshared_key else peer.preshared_key
        put.append(replace(peer, client=replace(peer.client, private_key=private), preshared_key=preshared))
    draft.put_peers(name, put)


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request without boxes that were left empty."""
    boxes = ("endpoint_allowed_ip", "mtu", "keepalive")
    return {field: value for field, value in body.items() if value != "" or field not in boxes}


def _key_pair(body: Mapping[str, Any]) -> tuple[PublicKey, SecretKey | None]:
    """The public key, and the private one when it was needed for that."""
    if text := body.get("public_key"):
        return public_key_of_body(text), None
    if text := body.get("private_key"):
        try:
            key = SecretKey.parse(text)
        except ValueError as error:
            raise Refusal(f"private_key: {error}") from None
    else:
        key = generate_secret_key()
    return public_key_of(key), key


def _amount(body: Mapping[str, Any]) -> int:
    value = body.get("bulkAddAmount")
    if value is None:
        raise missing("bulkAddAmount")
    number = whole_number(value)
    if number is None and value != "":
        raise Refusal(f"bulkAddAmount: {show(value)} is not a whole number")
    if not number or number < 1:
        raise Refusal("Please specify amount of peers you want to add")
    return number


def _labels(compat: Compat, now: float) -> Iterator[str]:
    moment = datetime.fromtimestamp(now).strftime("%Y%m%d_%H%M%S")
    mark = "_" if compat in ("v4.2", "v4.3") else " #"
    number = 0
    while True:
        number += 1
        yield f"BulkPeer{mark}{number}_{moment}"
