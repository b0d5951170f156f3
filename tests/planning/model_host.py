"""A host in memory: what each step does to an interface, with the rules of wg, wg-quick, ip and the kernel.

It knows no plans and no goals. What a real program would refuse raises :class:`Refused`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import ConfFile, LiveInterface, LivePeer, ObservedInterface, Route, Rule
from wgreconcile.planning.bringup import split
from wgreconcile.planning.model import (
    Adjust,
    BringUp,
    RemoveFile,
    RemovePeers,
    SetPeers,
    Step,
    SyncConf,
    TakeDown,
    WriteFile,
)
from wgreconcile.values import IPV6_MTU, Address, Endpoint, Network, PublicKey, public_key_of

DEFAULT_TABLE = 51820
AUTOMATIC_MTU = 1420


class Refused(Exception):
    """A program would end with an error here."""


class ModelHost:
    """One interface of a host. ``lives`` counts how often it came up: sessions end in between."""

    def __init__(self, observed: ObservedInterface) -> None:
        self.name, self.file, self._live = observed.name, observed.file, observed.live
        self.rules = set(observed.live.rules) if observed.live else set()
        self.lives = 0
        self._random_port = 40000

    @property
    def live(self) -> LiveInterface:
        if self._live is None:
            raise Refused(f"Unable to access interface {self.name}: No such device")
        return self._live

    @property
    def observed(self) -> ObservedInterface:
        """The interface as `wg` and `ip` would show it."""
        if self._live is None:
            return ObservedInterface(self.name, self.file)
        tables = {int(each.table) for each in self._live.routes if each.table.isdigit()} | {self._live.fwmark}
        rules = frozenset(each for each in self.rules if not each.table or each.table in tables)
        return ObservedInterface(self.name, self.file, replace(self._live, rules=rules))

    def perform(self, step: Step) -> None:
        """Carry out a step."""
        match step:
            case WriteFile(text):
                self.file = ConfFile(f"{self.name}.conf", 0o600, text)
            case RemoveFile():
                self.file = None
            case BringUp(conf):
                self._bring_up(conf)
            case TakeDown(conf, emptied):
                self._take_down(conf, emptied)
            case SyncConf(conf):
                self._sync(conf)
            case SetPeers(peers):
                self._set_peers(peers)
            case RemovePeers(keys):
                self._change(peers=tuple(each for each in self.live.peers if each.public_key not in keys))
            case Adjust():
                self._adjust(step)

    def _change(self, **values: object) -> None:
        self._live = replace(self.live, **values)

    # wg-quick

    def _bring_up(self, conf: Conf) -> None:
        if self._live is not None:
            raise Refused(f"`{self.name}' already exists")
        parts = split(conf)
        self._live = LiveInterface(self.name, None, None, 0, 0, (), mtu=AUTOMATIC_MTU)
        self.lives += 1
        self._set_device(parts.first)
        self._set_peers(parts.first.peers)
        for address in conf.address:
            self._add_address(address)
        self._change(is_up=True)
        self.set_mtu(conf.mtu or AUTOMATIC_MTU)
        networks = {network for peer in self.live.peers for network in peer.allowed_ips}
        for network in sorted(networks, key=lambda each: each.ip.prefixlen, reverse=True):
            self._route_as_wg_quick(conf.table, network)
        self._set_peers(parts.peers)
        for route in parts.routes:
            self._add_route(route)

    def _route_as_wg_quick(self, table: str, network: Network) -> None:
        if table == "off":
            return
        if table != "auto":
            self._add_route(Route(network, "main" if table == "254" else table))
        elif network.ip.prefixlen == 0:
            self._add_default(network)
        elif not any(covers(each, network) for each in self._main_networks()):
            self._add_route(Route(network))

    def _main_networks(self) -> Iterable[Network]:
        connected = (
            each.network for each in self.live.address if each.ip.max_prefixlen != each.network.ip.prefixlen
        )
        return [*connected, *(each.network for each in self.live.routes if each.table == "main")]

    def _add_default(self, network: Network) -> None:
        if not self.live.fwmark:
            self._change(fwmark=DEFAULT_TABLE)
        self._add_route(Route(network, str(self.live.fwmark)))
        for table in (self.live.fwmark, 0):
            self._add_rule(Rule(network.version, table))

    def _take_down(self, conf: Conf, emptied: Conf | None) -> None:
        if emptied is not None:
            self._sync(emptied)
        networks = {network for peer in self.live.peers for network in peer.allowed_ips}
        if conf.table == "auto" and self.live.fwmark and any(each.ip.prefixlen == 0 for each in networks):
            self.rules -= {each for each in self.rules if each.table in (self.live.fwmark, 0)}
        self._live = None

    # wg

    def _sync(self, conf: Conf) -> None:
        if conf.private_key is None:
            raise Refused("this would wipe the interface")
        self._set_device(conf)
        kept = {each.public_key for each in conf.peers}
        self._change(peers=tuple(each for each in self.live.peers if each.public_key in kept))
        self._set_peers(conf.peers)

    def _set_device(self, conf: Conf) -> None:
        """A port that is not named is rolled anew, and a mark that is not named is cleared."""
        self._random_port += 1
        key = conf.private_key and conf.private_key.clamped
        self._change(
            private_key=key,
            public_key=key and public_key_of(key),
            listen_port=conf.listen_port or self._random_port,
            fwmark=conf.fwmark or 0,
        )

    def _set_peers(self, peers: Iterable[ConfPeer]) -> None:
        found = {each.public_key: each for each in self.live.peers}
        for peer in peers:
            for other in found.values():
                left = tuple(each for each in other.allowed_ips if each not in peer.allowed_ips)
                found[other.public_key] = replace(other, allowed_ips=left)
            before = found.get(peer.public_key)
            found[peer.public_key] = LivePeer(
                peer.public_key,
                peer.preshared_key,
                tuple(sorted(peer.allowed_ips)),
                resolved(peer.endpoint) or (before and before.endpoint),
                peer.persistent_keepalive,
                before.latest_handshake if before else 0,
            )
        self._change(peers=tuple(sorted(found.values(), key=lambda each: each.public_key)))

    # ip and the kernel

    def _adjust(self, step: Adjust) -> None:
        mtu = AUTOMATIC_MTU if step.mtu == 0 else step.mtu
        is_late = mtu is not None and mtu < IPV6_MTU
        if mtu is not None and not is_late:
            self.set_mtu(mtu)
        if step.up:
            self._change(is_up=True)
        moves_addresses = bool(step.add_address or step.remove_address)
        for route in () if moves_addresses else step.add_routes:
            self._add_route(route)
        for route in step.remove_routes:
            self._remove_route(route)
        self._adjust_addresses(step)
        for route in step.add_routes if moves_addresses else ():
            self._add_route(route)
        if mtu is not None and is_late:
            self.set_mtu(mtu)
        for rule in step.add_rules:
            self._add_rule(rule)

    def _adjust_addresses(self, step: Adjust) -> None:
        """New addresses come first, but for those that IPv6 refuses beside old ones and those that only move."""
        new = [each for each in step.add_address if each not in step.remove_address]
        clashing = [each for each in step.remove_address if any(_clash(each, other) for other in new)]
        for address in clashing:
            self._remove_address(address)
        for address in new:
            self._add_address(address)
        for address in step.remove_address:
            if address not in clashing:
                self._remove_address(address)
        for address in step.add_address:
            if address not in new:
                self._add_address(address)

    def _add_address(self, address: Address) -> None:
        if address in self.live.address or any(_clash(address, each) for each in self.live.address):
            raise Refused("RTNETLINK answers: File exists")
        self._check_version(address.version)
        self._change(address=(*self.live.address, address))

    def _remove_address(self, address: Address) -> None:
        if address not in self.live.address:
            raise Refused("RTNETLINK answers: Cannot assign requested address")
        self._change(address=tuple(each for each in self.live.address if each != address))
        if address.version == 4 and not any(each.version == 4 for each in self.live.address):
            self._change(routes=frozenset(each for each in self.live.routes if each.network.version != 4))

    def _add_route(self, route: Route) -> None:
        if not self.live.is_up:
            raise Refused("RTNETLINK answers: Network is down")
        if route in self.live.routes:
            raise Refused("RTNETLINK answers: File exists")
        self._check_version(route.network.version)
        self._change(routes=self.live.routes | {route})

    def _check_version(self, version: int) -> None:
        if version == 6 and self.live.mtu < IPV6_MTU:
            raise Refused("RTNETLINK answers: Invalid argument")

    def _remove_route(self, route: Route) -> None:
        if route not in self.live.routes:
            raise Refused("RTNETLINK answers: No such process")
        self._change(routes=self.live.routes - {route})

    def _add_rule(self, rule: Rule) -> None:
        if rule in self.rules:
            raise Refused("RTNETLINK answers: File exists")
        self.rules.add(rule)

    # What others do to it behind our back

    def set_link_down(self) -> None:
        """`ip link set down`: the kernel forgets all routes, and the IPv6 addresses."""
        address = tuple(each for each in self.live.address if each.version == 4)
        self._change(is_up=False, routes=frozenset(), address=address)

    def set_mtu(self, mtu: int) -> None:
        """`ip link set mtu`: with less than IPv6 needs, the kernel forgets all of it."""
        self._change(mtu=mtu)
        if mtu < IPV6_MTU:
            kept = frozenset(each for each in self.live.routes if each.network.version == 4)
            self._change(address=tuple(each for each in self.live.address if each.version == 4), routes=kept)

    def change_peer(self, key: PublicKey, **values: object) -> None:
        """`wg set … peer`, or a peer that roams."""
        self._change(
            peers=tuple(replace(each, **values) if each.public_key == key else each for each in self.live.peers)
        )

    def forget_stray_rules(self) -> None:
        """Nobody can tell whose rules they are when neither mark nor routes speak of their table any more."""
        known = self.observed.live.rules if self.observed.live else frozenset()
        self.rules = {
            each for each in known if any(other.table for other in known if other.version == each.version)
        }

    def change(self, **values: object) -> None:
        """Anything else."""
        self._change(**values)


def brought_up(name: str, conf: Conf, file: ConfFile | None = None) -> ObservedInterface:
    """An interface that wg-quick has just brought up."""
    host = ModelHost(ObservedInterface(name, file))
    host.perform(BringUp(conf))
    return host.observed


def covers(network: Network, other: Network) -> bool:
    """Whether all of ``other`` lies in ``network``."""
    return network.version == other.version and other.ip.subnet_of(network.ip)


def resolved(endpoint: Endpoint | None) -> Endpoint | None:
    """The endpoint as `wg` shows it: no name, but the address that the name has."""
    if endpoint is None or endpoint.host.replace(".", "").isdigit() or ":" in endpoint.host:
        return endpoint
    return Endpoint(f"203.0.113.1:{endpoint.port}")


def _clash(one: Address, other: Address) -> bool:
    """IPv6 takes an address once, whatever the length of its network."""
    return one.version == 6 and one != other and one.ip == other.ip
