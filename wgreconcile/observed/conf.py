"""The language of wg-quick's configuration files: from text to meaning.

Follows wg-quick (parse_options) and wg (config.c): keys without regard to case, ``#`` starts a comment, lists
over commas and over repeated lines, the last of other repeated keys wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from wgreconcile.errors import Fault, StateError
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey

NO_KEY = SecretKey("A" * 43 + "=")
"""A preshared key of zeros is none at all (WireGuard's protocol, section 5.4)."""


@dataclass(frozen=True, slots=True)
class ConfPeer:
    """A ``[Peer]`` section. ``name`` is the comment that labels it and has no meaning for WireGuard."""

    public_key: PublicKey
    preshared_key: SecretKey | None = None
    allowed_ips: tuple[Network, ...] = ()
    endpoint: Endpoint | None = None
    persistent_keepalive: int | None = None
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Conf:
    """What a configuration file means. None or empty: the key is absent. Peers are sorted by public key."""

    private_key: SecretKey | None = None
    address: tuple[Address, ...] = ()
    listen_port: int | None = None
    mtu: int | None = None
    dns: tuple[str, ...] = ()
    table: str = "auto"
    fwmark: int | None = None
    pre_up: tuple[str, ...] = ()
    post_up: tuple[str, ...] = ()
    pre_down: tuple[str, ...] = ()
    post_down: tuple[str, ...] = ()
    save_config: bool = False
    peers: tuple[ConfPeer, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "peers", tuple(sorted(self.peers, key=attrgetter("public_key"))))


INTERFACE_FIELDS = tuple(each.name for each in fields(Conf) if each.name != "peers")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its section (0 before any, 1 ``[Interface]``, 2 a ``[Peer]``), key, value and comment.

    A section header has an empty key and opens ``section``. ``key`` is in lower case.
    """

    number: int
    section: int
    key: str
    value: str = field(repr=False)
    comment: str = field(repr=False)


def read_lines(text: str, path: str) -> Iterator[Line]:
    """Yield the lines of a file that say something. Raise StateError on a line that is neither key nor section."""
    section = 0
    for number, raw in enumerate(text.splitlines(), 1):
        code, _, comment = raw.partition("#")
        code = code.strip()
        if not code:
            if comment.strip():
                yield Line(number, section, "#", "", comment.strip())
            continue
        if code.startswith("["):
            section = {"[interface]": 1, "[peer]": 2}.get(code.lower(), 0)
            if not section:
                raise StateError([Fault(path, number, "", "a section other than [Interface] and [Peer]")])
            yield Line(number, section, "", "", comment.strip())
            continue
        key, equals, value = code.partition("=")
        if not equals or not section:
            problem = "outside of any section" if equals else "neither `Key = value` nor a section"
            raise StateError([Fault(path, number, _key_name(key) if equals else "", problem)])
        yield Line(number, section, key.strip().lower(), value.strip(), comment.strip())


def parse_conf(text: str, path: str) -> Conf:
    """Read a configuration file by meaning. Raise StateError with every fault, which never quotes a key."""
    interface: dict[str, Any] = {}
    peers: list[dict[str, Any]] = []
    faults: list[Fault] = []
    sections = set()
    for line in read_lines(text, path):
        if not line.key:
            sections.add(line.section)
            if line.section == 2:
                peers.append({"line": line.number})
        elif line.key == "#":
            if line.section == 2:
                peers[-1].setdefault("name", line.comment)
        else:
            _read_key(line, interface if line.section == 1 else peers[-1], path, faults)
    if 1 not in sections:
        faults.append(Fault(path, 0, "", "no [Interface] section", "it is no configuration of wg-quick"))
    for peer in peers:
        number = peer.pop("line")
        if "public_key" not in peer:
            faults.append(Fault(path, number, "PublicKey", "this [Peer] has none"))
    if faults:
        raise StateError(faults)
    return Conf(**interface, peers=tuple(_merged(peers)))


def _merged(peers: list[dict[str, Any]]) -> Iterator[ConfPeer]:
    """Build the peers; of two sections with one key WireGuard keeps one peer, and the later section's values."""
    merged: dict[str, dict[str, Any]] = {}
    for peer in peers:
        merged.setdefault(peer["public_key"], {}).update(peer)
    for peer in merged.values():
        networks = peer.get("allowed_ips", ())
        peer["allowed_ips"] = tuple(sorted(set(networks))) if len(networks) > 1 else networks
        yield ConfPeer(**peer)


def _read_key(line: Line, into: dict[str, Any], path: str, faults: list[Fault]) -> None:
    known = _KEYS[line.section].get(line.key)
    if known is None:
        faults.append(
            Fault(path, line.number, line.key, "not a key of WireGuard or wg-quick in this section")
        )
        return
    name, parse = known
    try:
        value = parse(line.value)
    except ValueError as error:
        faults.append(Fault(path, line.number, line.key, str(error)))
        return
    into[name] = into.get(name, ()) + value if isinstance(value, tuple) else value


def _key_name(text: str) -> str:
    """A key's name fit to print: of `PrivateKey: …=` the part before the sign is a secret, not a name."""
    name = text.strip()
    return name if re.fullmatch(r"[A-Za-z0-9]{1,24}", name) else "(not a name)"


def _list_of(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda text: tuple(parse(each) for each in re.split(r"[,\s]+", text) if each)


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(f"'{text}' is not a number from {low} to {high}")
        return int(text)

    return parse


def _mark(text: str) -> int:
    if text.lower() == "off":
        return 0
    try:
        mark = int(text, 0)
    except ValueError:
        mark = -1
    if not 0 <= mark < 2**32:
        raise ValueError(f"'{text}' is not a mark (a number below 2^32, decimal or 0x…, or off)")
    return mark


def _keepalive(text: str) -> int | None:
    return None if text.lower() == "off" else _number(0, 65535)(text) or None


def _preshared_key(text: str) -> SecretKey | None:
    key = SecretKey.parse(text)
    return None if key == NO_KEY else key


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"'{text}' is neither true nor false")
    return text == "true"


def _hook(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _off_or_number(text: str) -> int | None:
    return _number(0, 65535)(text) or None


_KEYS: tuple[dict[str, tuple[str, Callable[[str], Any]]], ...] = (
    {},
    {
        "privatekey": ("private_key", SecretKey.parse),
        "address": ("address", _list_of(Address.parse)),
        "listenport": ("listen_port", _off_or_number),
        "mtu": ("mtu", _number(0, 65535)),
        "dns": ("dns", _list_of(str)),
        "table": ("table", str),
        "fwmark": ("fwmark", _mark),
        "preup": ("pre_up", _hook),
        "postup": ("post_up", _hook),
        "predown": ("pre_down", _hook),
        "postdown": ("post_down", _hook),
        "saveconfig": ("save_config", _switch),
    },
    {
        "publickey": ("public_key", PublicKey.parse),
        "presharedkey": ("preshared_key", _preshared_key),
        "allowedips": ("allowed_ips", _list_of(Network.parse)),
        "endpoint": ("endpoint", Endpoint.parse),
        "persistentkeepalive": ("persistent_keepalive", _keepalive),
    },
)
