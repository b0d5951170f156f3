"""Rules across fields, documents and interfaces: what no schema of a single document can see.

Ten thousand peers pass through here, so networks are looked up in dictionaries and never compared in pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from wgreconcile.desired.model import Client, Interface, Peer
from wgreconcile.desired.networks import Networks, host_of, is_host, is_link_local
from wgreconcile.desired.wording import show_text
from wgreconcile.values import IPV4_MTU, IPV6_MTU, Address, Network, PublicKey, SecretKey, public_key_of

if TYPE_CHECKING:
    from wgreconcile.desired.places import FieldPath

MANY = 10
"""Warnings of one kind about one interface that are worth reading; of more, only their number is told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, or with ``is_warning`` odd, with an interface or one of its peers.

    ``origin`` is the document. ``peer`` None means the interface itself; ``ordinal`` counts the peers of that
    key in that document.
    """

    origin: str
    peer: PublicKey | None
    ordinal: int
    field: FieldPath
    problem: str
    remedy: str = ""
    is_warning: bool = False

    @property
    def place(self) -> tuple[str, PublicKey | None, int, FieldPath]:
        """What finds the line of the finding."""
        return self.origin, self.peer, self.ordinal, self.field


def check(interfaces: Sequence[Interface], now: datetime) -> list[Finding]:
    """All findings about a state. A peer that is off the interface at ``now`` holds no allowed IPs."""
    enabled = [each for each in interfaces if each.enabled]
    findings = [*_listen_ports(enabled), *_addresses(enabled)]
    for each in interfaces:
        active = [(index, peer) for index, peer in enumerate(each.peers) if peer.is_active(now)]
        findings += [*_public_keys(each), *_pairs(each), *_mtu(each, active), *_allowed_ips(each, active)]
        findings += [*_few(each, _outside(each, active)), *_few(each, _own_addresses(each, active))]
        findings += _few(each, _client_mtus(each))
        if each.enabled:
            findings += _inside_others(each, active, enabled)
    return findings


def _listen_ports(interfaces: Iterable[Interface]) -> Iterator[Finding]:
    holders: dict[int, Interface] = {}
    for each in interfaces:
        if each.listen_port is None:
            continue
        holder = holders.setdefault(each.listen_port, each)
        if holder is not each:
            problem = f"{each.listen_port} is the port of {holder.name} ({holder.origin}) too"
            yield _about(each, ("listen_port",), problem, "give each interface a port of its own")


def _addresses(interfaces: Iterable[Interface]) -> Iterator[Finding]:
    holders: dict[str, tuple[Interface, Address]] = {}
    for each in interfaces:
        for index, address in enumerate(each.address):
            if is_link_local(host_of(address)):
                continue
            holder, other = holders.setdefault(address.partition("/")[0], (each, address))
            if holder is not each:
                # The same host-sized address on several interfaces is how unnumbered links are made.
                unnumbered = is_host(address.network) and is_host(other.network)
                problem = f"{address} is an address of {holder.name} ({holder.origin}) too"
                remedy = "give each interface an address of its own"
                yield _about(each, ("address", index), problem, remedy, is_warning=unnumbered)
            elif address in each.address[:index]:
                yield _about(each, ("address", index), f"{address} is there twice", "remove one of the two")


def _mtu(interface: Interface, active: Active) -> Iterator[Finding]:
    if interface.mtu is None or interface.mtu >= IPV6_MTU:
        return
    holders: list[tuple[str, str]] = [(each, "an address") for each in interface.address if each.version == 6]
    if interface.table != "off":
        networks = ((each, peer) for _, peer in active for each in peer.allowed_ips if each.version == 6)
        holders += [(each, f"an allowed IP of {_name(peer)}") for each, peer in islice(networks, 1)]
    for value, what in holders[:1]:
        problem = f"{interface.mtu} is too small for IPv6, and {value} is {what}"
        yield _about(interface, ("mtu",), problem, f"write {IPV6_MTU} or more, or leave IPv6 out")


def _public_keys(interface: Interface) -> Iterator[Finding]:
    peers = interface.peers  # sorted by public key
    for index in range(1, len(peers)):
        if peers[index].public_key == peers[index - 1].public_key:
            problem = f"is the public key of {_name(peers[index - 1])} too"
            remedy = "remove one of the two, or write the key that this peer really has"
            yield _about_peer(interface, index, ("public_key",), problem, remedy)


def _pairs(interface: Interface) -> Iterator[Finding]:
    """Keys written out in the state; those in the secret folder are looked at by ``Secrets.check``."""
    own = interface.private_key
    own_public = public_key_of(own) if isinstance(own, SecretKey) else None
    for index, peer in enumerate(interface.peers):
        key = peer.client.private_key
        if peer.public_key == own_public:
            problem = "is the interface's own public key"
            yield _about_peer(interface, index, ("public_key",), problem, "write the peer's")
        if isinstance(key, SecretKey) and public_key_of(key) != peer.public_key:
            problem, remedy = "is not the pair of public_key", "write the key that belongs to it"
            yield _about_peer(interface, index, ("client", "private_key"), problem, remedy)


Active = Sequence[tuple[int, Peer]]
"""Peers that are on the interface, each with its index among all of them."""


def _allowed_ips(interface: Interface, active: Active) -> Iterator[Finding]:
    """WireGuard takes a network from the peer that had it, without a word, and gives it to the next."""
    holders: dict[Network, Peer] = {}
    for index, peer in active:
        for network in peer.allowed_ips:
            holder = holders.setdefault(network, peer)
            if holder is not peer and holder.public_key != peer.public_key:
                problem = f"{network} belongs to {_name(holder)} already"
                yield _about_peer(interface, index, ("allowed_ips",), problem, "give it to one of the two")


def _inside_others(interface: Interface, active: Active, enabled: Sequence[Interface]) -> Iterator[Finding]:
    """What is routed into one interface must not lie in the network of another."""
    if interface.table not in ("auto", "main"):  # no route to the peers in the main table
        return
    own = Networks((each, "") for each in _networks(interface))
    others = Networks(
        (each, other.name) for other in enabled if other is not interface for each in _networks(other)
    )
    for index, peer in active:
        for network in peer.allowed_ips:
            around = others.around(network)
            if around is None or _is_closer(own.around(network), around):
                continue
            problem = f"{network} lies in {around[0]}, the network of {around[1]}"
            yield _about_peer(
                interface, index, ("allowed_ips",), problem, "move the peer, or change one of the two"
            )


def _is_closer(own: tuple[Network, str] | None, other: tuple[Network, str]) -> bool:
    """Whether the interface's own network is at least as specific: the kernel prefers it then."""
    return own is not None and int(own[0].partition("/")[2]) >= int(other[0].partition("/")[2])


def _outside(interface: Interface, active: Active) -> Iterator[Finding]:
    """A single address of a peer is usually one of the interface's network."""
    wide = [each for each in _networks(interface) if not is_host(each)]
    networks = Networks((each, "") for each in wide)
    remedy = f"choose one in {', '.join(wide)}"
    for index, peer in active:
        hosts = [*filter(is_host, peer.allowed_ips), *map(host_of, peer.client.address)]
        hosts = [each for each in hosts if networks.has_version(each.version)]
        if hosts and not any(networks.around(each) for each in hosts):
            problem = f"{hosts[0]} is outside the networks of {interface.name}"
            yield _about_peer(interface, index, ("allowed_ips",), problem, remedy, is_warning=True)


def _own_addresses(interface: Interface, active: Active) -> Iterator[Finding]:
    own = {host_of(each) for each in interface.address}
    for index, peer in active:
        for network in own.intersection(peer.allowed_ips):
            problem = f"{network} is the address of {interface.name} itself, so nothing is sent to the peer"
            yield _about_peer(interface, index, ("allowed_ips",), problem, "choose another", is_warning=True)


def _client_mtus(interface: Interface) -> Iterator[Finding]:
    """Clients of WGDashboard may choose any; in a document it is a slip."""
    remedy = "write a number such as 1380, or 0 to leave it to the peer"
    if (found := _small_mtu(interface.client_defaults)) is not None:
        yield _about(interface, ("client_defaults", "mtu"), found, remedy, is_warning=True)
    for index, peer in enumerate(interface.peers):
        if (found := _small_mtu(peer.client)) is not None:
            yield _about_peer(interface, index, ("client", "mtu"), found, remedy, is_warning=True)


def _small_mtu(client: Client) -> str | None:
    if client.mtu is None or not 0 < client.mtu < IPV4_MTU:
        return None
    return f"{client.mtu} is less than the {IPV4_MTU} that every host of IPv4 takes"


def _networks(interface: Interface) -> list[Network]:
    return [each.network for each in interface.address if not is_link_local(host_of(each))]


def _few(interface: Interface, findings: Iterator[Finding]) -> Iterator[Finding]:
    yield from islice(findings, MANY)
    more = sum(1 for _ in findings)
    if more:
        yield _about(interface, (), f"{more} more peers like those", is_warning=True)


def _about(interface: Interface, field: FieldPath, problem: str, remedy: str = "", **more: Any) -> Finding:
    return Finding(interface.origin, None, 0, field, problem, remedy, **more)


def _about_peer(
    interface: Interface, index: int, field: FieldPath, problem: str, remedy: str, **more: Any
) -> Finding:
    peer = interface.peers[index]
    earlier = index
    while earlier and interface.peers[earlier - 1].public_key == peer.public_key:
        earlier -= 1
    ordinal = sum(1 for each in interface.peers[earlier:index] if each.origin == peer.origin)
    return Finding(peer.origin, peer.public_key, ordinal, field, problem, remedy, **more)


def _name(peer: Peer) -> str:
    label = f"'{show_text(peer.name)}' in " if peer.name else "a peer in "
    return f"{label}{peer.origin}"
