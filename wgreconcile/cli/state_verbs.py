"""``validate``, ``render`` and ``genkey``: what needs the state alone, neither root nor WireGuard."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from datetime import datetime, timezone

from wgreconcile.cli.settings import Settings
from wgreconcile.cli.site import store_of
from wgreconcile.cli.terminal import READING, working
from wgreconcile.desired.client import client_of, render_client
from wgreconcile.desired.model import DesiredState, Interface, Peer
from wgreconcile.desired.secrets import Secrets, private_key_of
from wgreconcile.errors import StateError, UsageError
from wgreconcile.planning.goal import conf_of
from wgreconcile.planning.render import render_conf
from wgreconcile.values import SecretKey, generate_secret_key, public_key_of

MASK = SecretKey("(secret)")


def validate(arguments: argparse.Namespace, settings: Settings) -> int:
    """Check the desired state and the secrets that are here; print what is odd without being wrong."""
    with working(sys.stderr, READING):
        desired = store_of(settings).load()
    chosen = choose(desired, arguments.names)
    faults = (
        Secrets(settings.secrets, state=settings.state).check(DesiredState(chosen))
        if os.access(settings.secrets, os.R_OK | os.X_OK)
        else ()
    )
    if faults:
        raise StateError(faults)
    for warning in desired.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    peers = sum(len(each.peers) for each in chosen)
    print(f"valid: {len(chosen)} interface{'s' * (len(chosen) != 1)}, {peers} peer{'s' * (peers != 1)}")
    return 0


def render(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the configuration file of each interface, or with ``--client`` that of one peer's own device."""
    chosen = choose(store_of(settings).load(), arguments.names)
    secrets = Secrets(settings.secrets, state=settings.state)
    if arguments.client:
        print(_client_file(chosen, arguments.client, secrets, arguments.show_secrets), end="")
        return 0
    for number, each in enumerate(chosen):
        shown = secrets.resolve_interface(each) if arguments.show_secrets else _masked(each)
        if len(chosen) > 1:
            print("\n" * (number > 0) + f"# {each.name}.conf")
        print(render_conf(conf_of(shown, datetime.now(timezone.utc))), end="")
    return 0


def genkey(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make a private key: print it, or keep it in the secret folder and print its public key."""
    if arguments.name is None:
        print(generate_secret_key().reveal())
        return 0
    print(public_key_of(Secrets(settings.secrets, state=settings.state).generate(arguments.name)))
    return 0


def choose(desired: DesiredState, names: list[str]) -> tuple[Interface, ...]:
    """The named interfaces, all without names. Raise UsageError for one that the state lacks."""
    unknown = sorted(set(names) - {each.name for each in desired.interfaces})
    if unknown:
        have = ", ".join(each.name for each in desired.interfaces) or "none"
        raise UsageError(f"no interface {', '.join(unknown)} in the state; it has {have}")
    return tuple(each for each in desired.interfaces if not names or each.name in names)


def _masked(interface: Interface) -> Interface:
    peers = (replace(each, preshared_key=MASK if each.preshared_key else None) for each in interface.peers)
    return replace(interface, private_key=MASK, peers=tuple(peers))


def _client_file(interfaces: tuple[Interface, ...], label: str, secrets: Secrets, show: bool) -> str:
    interface, peer = _find_peer(interfaces, label)
    client = client_of(interface, peer)
    if client.endpoint is None:
        remedy = f"set client_defaults.endpoint of {interface.name}"
        print(f"warning: no endpoint says where {interface.name} is reached; {remedy}", file=sys.stderr)
    if not show:
        masks = (MASK if each else None for each in (client.private_key, peer.preshared_key))
        return render_client(client, _public_key(interface, secrets), *masks)
    whole = secrets.resolve_interface(replace(interface, peers=(replace(peer, enabled=True, expires=None),)))
    private_key = secrets.resolve(client.private_key, peer.origin) if client.private_key else None
    server, preshared_key = whole.private_key, whole.peers[0].preshared_key
    assert isinstance(server, SecretKey)
    assert preshared_key is None or isinstance(preshared_key, SecretKey)
    return render_client(client, public_key_of(server), private_key, preshared_key)


def _public_key(interface: Interface, secrets: Secrets) -> str:
    """That of an interface; unknown while its private key is not made yet, or not ours to read."""
    try:
        return public_key_of(secrets.resolve(private_key_of(interface), interface.origin))
    except StateError:
        return "(public key)"


def _find_peer(interfaces: tuple[Interface, ...], label: str) -> tuple[Interface, Peer]:
    found = [(each, peer) for each in interfaces for peer in each.peers if label in (peer.name, peer.public_key)]
    if not found:
        raise UsageError(f"no peer {label} in the state; give its name or its public key")
    if len(found) > 1:
        # As much of a key as `status` shows: a whole one would be taken for a private one, and left out.
        where = ", ".join(f"{peer.public_key[:8]}… of {each.name}" for each, peer in found)
        raise UsageError(f"{label} names {len(found)} peers: {where}; give the public key and the interface")
    return found[0]
