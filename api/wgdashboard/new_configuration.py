"""A new interface as a client asks for it: every field looked at, the first that is wrong named (API.md 6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from wgreconcile.api.hook_policy import checked_hook
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.settings.model import Compat, Dashboard
from wgreconcile.api.wgdashboard.peer_settings import whole_number
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.layout import why_no_interface
from wgreconcile.desired.model import DesiredState, Hooks, Interface
from wgreconcile.desired.networks import host_of, is_link_local
from wgreconcile.desired.wording import show
from wgreconcile.values import Address, Network, SecretKey

NAME, ADDRESS, PORT, KEY = "ConfigurationName", "Address", "ListenPort", "PrivateKey"

_HOOKS = {"pre_up": "PreUp", "pre_down": "PreDown", "post_up": "PostUp", "post_down": "PostDown"}
_REQUIRED = (NAME, ADDRESS, PORT, KEY)
_FORM = (*_REQUIRED, "PublicKey", "PresharedKey", *_HOOKS.values())


def check_form(body: Mapping[str, Any], compat: Compat) -> None:
    """Raise Refusal unless all is there that v4.0, or a later version, asks for."""
    form = _FORM if compat == "v4.0" else _REQUIRED
    if any(each not in body for each in form) or any(body[each] in ("", None) for each in _REQUIRED):
        raise Refusal("Please provide all required parameters.")


def add_interface(draft: Draft, body: Mapping[str, Any], settings: Dashboard) -> None:
    """Put the interface into the draft, not to be brought up yet. Raise Refusal with the field in ``data``."""
    name = str(body[NAME])
    _refuse_taken(draft.state, name, body)
    problem, remedy = why_no_interface(name)
    if problem:
        raise Refusal(f"{NAME}: {show(name)} {problem}; {remedy}", NAME)
    address = _addresses(body[ADDRESS])
    port = _port(body[PORT])
    key = _private_key(body[KEY])
    _refuse_overlap(draft.state, address)
    hooks = _hooks(body, settings)
    kept = draft.keep(f"{name}.key", key)
    draft.put_interface(Interface(name, address, port, kept, hooks=hooks, enabled=False))


def _hooks(body: Mapping[str, Any], settings: Dashboard) -> Hooks:
    found = {}
    for name, field in _HOOKS.items():
        try:
            found[name] = checked_hook(field, body.get(field) or "", settings.api_hooks)
        except Refusal as refusal:
            raise Refusal(refusal.message, _element(field, settings.compat)) from None
    return Hooks(**found)


def _element(hook: str, compat: Compat) -> str:
    """What the box of a hook is called in the page, which looks for it by ``data`` and breaks without it."""
    return hook[0].lower() + hook[1:] if compat in ("v4.0", "v4.1") else hook


def _refuse_taken(state: DesiredState, name: str, body: Mapping[str, Any]) -> None:
    for each in state.interfaces:
        if each.name == name:
            raise Refusal(f'Already have a configuration with the name "{name}"', NAME)
        if each.listen_port is not None and str(each.listen_port) == str(body[PORT]).strip():
            raise Refusal(f'Already have a configuration with the port "{body[PORT]}"', PORT)
        if ", ".join(each.address) == str(body[ADDRESS]).strip():
            raise Refusal(f'Already have a configuration with the address "{body[ADDRESS]}"', ADDRESS)


def _refuse_overlap(state: DesiredState, addresses: tuple[Address, ...]) -> None:
    """Whether the other interface is up or not: it may come up any time."""
    for each in state.interfaces:
        for taken in _networks(each.address):
            for network in _networks(addresses):
                if network.version == taken.version and ip_network(network).overlaps(ip_network(taken)):
                    raise Refusal(f"{ADDRESS}: {network} overlaps {taken}, the network of {each.name}", ADDRESS)


def _networks(addresses: tuple[Address, ...]) -> list[Network]:
    return [each.network for each in addresses if not is_link_local(host_of(each))]


def _addresses(text: str) -> tuple[Address, ...]:
    found = []
    for part in map(str.strip, text.split(",")):
        try:
            found.append(Address.parse(part))
        except ValueError:
            raise Refusal(f"{ADDRESS}: {show(part)} is not an address such as 10.7.0.1/24", ADDRESS) from None
    return tuple(found)


def _port(value: int | str) -> int:
    number = whole_number(value)
    if number is None or not 0 < number < 65536:
        raise Refusal(f"{PORT}: {show(value)} is not a port from 1 to 65535", PORT)
    return number


def _private_key(text: str) -> SecretKey:
    try:
        return SecretKey.parse(text)
    except ValueError as error:
        raise Refusal(f"{KEY}: {error}", KEY) from None
