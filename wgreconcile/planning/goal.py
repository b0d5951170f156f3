"""From a desired interface to its goal, and from an observed one to the goal of a way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from wgreconcile.desired.model import Interface, Peer
from wgreconcile.observed.conf import NO_KEY, Conf, ConfPeer
from wgreconcile.observed.model import LivePeer, ObservedInterface
from wgreconcile.planning.model import Goal
from wgreconcile.planning.render import render_conf
from wgreconcile.values import SecretKey


def goal_of(interface: Interface, now: datetime) -> Goal:
    """The goal of an interface whose secrets are resolved, at a moment that decides which peers have expired."""
    conf = conf_of(interface, now)
    return Goal(interface.name, render_conf(conf), conf, conf if interface.enabled else None)


def goal_of_absence(name: str) -> Goal:
    """No file and no live interface: what pruning wants."""
    return Goal(name)


def goal_of_return(observed: ObservedInterface, brought_up_with: Conf) -> Goal:
    """The goal that puts an interface back as it was observed: byte for byte on disk, value for value live.

    ``brought_up_with`` gives what cannot be observed: hooks, DNS and table, and a private key that was taken away.
    """
    live = observed.live
    text = observed.file.text if observed.file else None
    if live is None:
        return Goal(observed.name, text)
    return Goal(
        observed.name,
        text,
        live=replace(
            brought_up_with,
            private_key=live.private_key or brought_up_with.private_key,
            listen_port=live.listen_port or None,
            fwmark=live.fwmark or None,
            address=live.address,
            mtu=live.mtu,
            save_config=False,
            peers=tuple(conf_peer(each) for each in live.peers),
        ),
        was=live,
    )


def conf_of(interface: Interface, now: datetime) -> Conf:
    """What the interface's configuration file shall mean: its settings and the peers active at ``now``."""
    hooks = interface.hooks
    return Conf(
        private_key=_resolved(interface.private_key),
        address=interface.address,
        listen_port=interface.listen_port or None,
        mtu=interface.mtu,
        dns=interface.dns,
        table=interface.table,
        fwmark=interface.fwmark or None,
        pre_up=hooks.pre_up,
        post_up=hooks.post_up,
        pre_down=hooks.pre_down,
        post_down=hooks.post_down,
        peers=tuple(_desired_peer(each) for each in interface.peers if each.is_active(now)),
    )


def conf_peer(live: LivePeer) -> ConfPeer:
    """A live peer's settings, with the endpoint that it roamed to."""
    return ConfPeer(
        live.public_key, live.preshared_key, live.allowed_ips, live.endpoint, live.persistent_keepalive
    )


def _desired_peer(peer: Peer) -> ConfPeer:
    return ConfPeer(
        peer.public_key,
        _preshared_key(peer.preshared_key),
        peer.allowed_ips,
        peer.endpoint,
        peer.persistent_keepalive or None,
        peer.name,
    )


def _preshared_key(secret: object) -> SecretKey | None:
    """A key of zeros is none at all, for WireGuard and so for us."""
    key = _resolved(secret)
    return None if key == NO_KEY else key


def _resolved(secret: object) -> SecretKey | None:
    if secret is None or isinstance(secret, SecretKey):
        return secret
    raise TypeError("a goal needs a state whose secrets are resolved")
