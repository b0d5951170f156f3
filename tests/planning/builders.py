"""Short names for what many tests of plans are made from."""

from __future__ import annotations

from dataclasses import replace

from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import ConfFile, ObservedInterface
from wgreconcile.planning.model import Baseline, Goal, InterfacePlan
from wgreconcile.planning.plan import plan_interface
from wgreconcile.planning.render import render_conf
from wgreconcile.values import Address, Endpoint, Network

from ..observed.strategies import public_key, secret_key
from .model_host import brought_up


def peer(label: str, *networks: str, endpoint: str | None = None, **values: object) -> ConfPeer:
    """A peer whose key is made from its name."""
    where = Endpoint.parse(endpoint) if endpoint else None
    return ConfPeer(
        public_key(label),
        allowed_ips=tuple(sorted(map(Network.parse, networks))),
        endpoint=where,
        name=label,
        **values,
    )


def conf(*peers: ConfPeer, address: tuple[str, ...] = (), **values: object) -> Conf:
    """The configuration of wg0."""
    key = values.pop("private_key", secret_key("wg0"))
    return Conf(private_key=key, address=tuple(map(Address.parse, address)), peers=peers, **values)


def many(count: int, network: str = "10.64.0.{}/32") -> tuple[ConfPeer, ...]:
    """Peers with one network each."""
    return tuple(peer(f"peer {number}", network.format(number)) for number in range(count))


def goal(wanted: Conf, name: str = "wg0", *, up: bool = True) -> Goal:
    return Goal(name, render_conf(wanted), wanted, wanted if up else None)


def applied(found: Conf, name: str = "wg0") -> ObservedInterface:
    """An interface as it is right after ``found`` was applied."""
    return brought_up(name, found, ConfFile(f"{name}.conf", 0o600, render_conf(found)))


def plan(before: Conf, after: Conf, name: str = "wg0", *, up: bool = True, live: bool = True) -> InterfacePlan:
    """The plan from one applied configuration to another one."""
    observed = applied(before, name) if live else replace(applied(before, name), live=None)
    return plan_interface(goal(after, name, up=up), observed, Baseline(before, applied=True, up=live))
