"""The language of wg-quick's configuration files: from text to meaning.

Follows wg-quick (parse_options) and wg (config.c): keys without regard to case, ``#`` starts a comment, lists
over commas and over repeated lines, the last of other repeated keys wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import chain
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
    _networks: frozenset[Network] | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "peers", tuple(sorted(self.peers, key=attrgetter("public_key"))))

    @property
    def networks(self) -> frozenset[Network]:
        """The allowed IPs of all peers, gathered once."""
        if self._networks is None:
            networks = frozenset(chain.from_iterable(each.allowed_ips for each in self.peers))
            object.__setattr__(self, "_networks", networks)
            return networks
        return self._networks


_PEER = "\n[Peer]\n"
INTERFACE_FIELDS = tuple(each.name for each in fields(Conf) if each.compare and each.name != "peers")

_BLANK = " \t\r\n\v\f"
"""What wg and wg-quick skip: a name may well hold other blanks of Unicode."""
_SECTIONS = {"[interface]": 1, "[peer]": 2}
_UNKNOWN = -1
_SETTING = re.compile(r"[A-Za-z0-9]{1,24}[ \t\r\v\f]*=")
_KEY_LIKE = re.compile(r"[A-Za-z0-9+/]{40,}=?")
_PLAIN_PEER = re.compile(
    r"\[Peer\]\n(?:# (.+)\n)?PublicKey = (.+)\n(?:PresharedKey = (.+)\n)?(?:AllowedIPs = ([^#\n]+)\n)?"
    r"(?:Endpoint = (.+)\n)?(?:PersistentKeepalive = (.+)\n)?\n*"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its section (0 before any, 1 ``[Interface]``, 2 a ``[Peer]``), key, value and comment.

    A section header has an empty key and opens ``section``. ``key`` is in lower case, ``#`` for a comment alone.
    """

    number: int
    section: int
    key: str
    value: str = field(repr=False)
    comment: str = field(repr=False)


def read_lines(text: str, path: str) -> Iterator[Line]:
    """Yield the lines of a file that say something.

    At the end raise StateError with all lines that are neither key nor section.
    """
    section, faults = 0, []
    for number, raw in enumerate(text.split("\n"), 1):
        code, _, comment = (each.strip(_BLANK) for each in raw.partition("#"))
        key, _, value = (each.strip(_BLANK) for each in code.partition("="))
        if code.startswith("["):
            section = _SECTIONS.get(code.lower(), _UNKNOWN)
            if section == _UNKNOWN:
                faults.append(Fault(path, number, "", "a section other than [Interface] and [Peer]"))
            else:
                yield Line(number, section, "", "", comment)
        elif code and not _SETTING.match(code):  # not quoted: it may be a key without its name
            faults.append(Fault(path, number, "", "neither `Key = value` nor a section"))
        elif code and not section:
            faults.append(Fault(path, number, key, "outside of any section"))
        elif section != _UNKNOWN and (code or comment):
            yield Line(number, section, key.lower() or "#", value, comment)
    if faults:
        raise StateError(faults)


def parse_conf(text: str, path: str) -> Conf:
    """Read a configuration file by meaning. Raise StateError with every fault, which never quotes a key."""
    plain, start = _plain_peers(text)
    faults: list[Fault] = []
    sections = _read_sections(text[:start], path, faults)
    interface = next((values for header, values in sections if header.section == 1), None)
    if interface is None:
        faults.append(Fault(path, 0, "", "no [Interface] section", "it is no configuration of wg-quick"))
    for header, values in sections:
        if header.section == 2 and "public_key" not in values:
            faults.append(Fault(path, header.number, "PublicKey", "this [Peer] has none"))
    if faults:
        raise StateError(faults)
    peers = (values for header, values in sections if header.section == 2)
    return Conf(**interface or {}, peers=plain or tuple(_merged(peers)))


def _read_sections(text: str, path: str, faults: list[Fault]) -> list[tuple[Line, dict[str, Any]]]:
    """The header of each section with its values; all ``[Interface]`` sections are one."""
    interface: dict[str, Any] = {}
    sections: list[tuple[Line, dict[str, Any]]] = []
    try:
        for line in read_lines(text, path):
            if not line.key:
                sections.append((line, interface if line.section == 1 else {}))
            elif line.key != "#":
                _read_key(line, sections[-1][1], path, faults)
            elif line.section == 2:
                sections[-1][1].setdefault("name", line.comment)
    except StateError as error:
        faults += error.faults
    return sections


def peer_sections(text: str, conf: Conf) -> dict[str, ConfPeer]:
    """The peers of a rendered file by the text of their sections, for :func:`parse_conf_like`."""
    return dict(zip(text.split(_PEER)[1:], conf.peers, strict=True))


def parse_conf_like(text: str, path: str, known: Mapping[str, ConfPeer]) -> Conf:
    """As :func:`parse_conf`, for a file that is mostly like another: sections in ``known`` are not read again."""
    head, *sections = text.split(_PEER)
    seen = [known[each] for each in sections if each in known]
    try:
        conf = parse_conf(_PEER.join([head, *(each for each in sections if each not in known)]), path)
    except StateError:
        return parse_conf(text, path)  # whose faults name the right lines
    peers = (*conf.peers, *seen)
    if len({each.public_key for each in peers}) < len(peers):
        return parse_conf(text, path)  # of two sections with one key the order matters
    return replace(conf, peers=peers)


def _plain_peers(text: str) -> tuple[tuple[ConfPeer, ...], int]:
    """The peers of a file that looks as render_conf and `wg showconf` write it, and where the first one begins.

    Ten thousand sections read line by line take half a second, and most files are plain. Of any other file,
    and of one whose sections want merging, it reads no peers and gives the end.
    """
    peers = {}
    first = position = text.find("\n[Peer]\n") + 1
    try:
        while section := _PLAIN_PEER.match(text, position):
            name, key, preshared_key, networks, endpoint, keepalive = section.groups()
            peers[key] = ConfPeer(
                PublicKey.parse(key),
                _preshared_key(preshared_key) if preshared_key else None,
                _sorted(_networks(networks)) if networks else (),
                Endpoint.parse(endpoint) if endpoint else None,
                _keepalive(keepalive) if keepalive else None,
                name.strip(_BLANK) if name else "",
            )
            position = section.end()
    except ValueError:
        return (), len(text)
    is_whole = position == len(text) and text.lower().count("[peer]") == len(peers)
    return (tuple(peers.values()), first) if is_whole else ((), len(text))


def _merged(peers: Iterable[dict[str, Any]]) -> Iterator[ConfPeer]:
    """Build the peers. Of two sections with one key WireGuard makes one peer: the later section's values win.

    Every section replaces the allowed IPs, even with none (wireguard-tools: config.c, process_line).
    """
    merged: dict[str, dict[str, Any]] = {}
    for peer in peers:
        peer["allowed_ips"] = _sorted(peer.get("allowed_ips", ()))
        merged.setdefault(peer["public_key"], {}).update(peer)
    return (ConfPeer(**each) for each in merged.values())


def _sorted(networks: tuple[Network, ...]) -> tuple[Network, ...]:
    return tuple(sorted(set(networks))) if len(networks) > 1 else networks


def _read_key(line: Line, into: dict[str, Any], path: str, faults: list[Fault]) -> None:
    known = _KEYS[line.section].get(line.key)
    if known is None:
        problem = "not a key of WireGuard or wg-quick in this section"
        faults.append(Fault(path, line.number, line.key, problem))
        return
    name, parse = known
    try:
        value = parse(line.value)
    except ValueError as error:
        faults.append(Fault(path, line.number, line.key, _KEY_LIKE.sub("(secret)", str(error))))
        into.setdefault(name, ())
        return
    into[name] = into.get(name, ()) + value if isinstance(value, tuple) else value


def _words(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """A list as wg-quick reads it: over commas and blanks, empty items do no harm."""
    return lambda text: tuple(parse(each) for each in re.split(r"[,\s]+", text) if each)


def _networks(text: str) -> tuple[Network, ...]:
    """A list as wg reads it: over commas alone, and blanks mean nothing anywhere."""
    text = text.replace(" ", "").replace("\t", "")
    return tuple(map(Network.parse, text.split(","))) if text else ()


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError(f"'{text}' is not a number from {low} to {high}")
        return int(text)

    return parse


def _mark(text: str) -> int | None:
    if text.lower() == "off":
        return None
    is_number = re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", text)
    mark = int(text, 16 if text.startswith("0x") else 10) if is_number else -1
    if not 0 <= mark < 2**32:
        raise ValueError(f"'{text}' is not a mark (a number below 2^32, decimal or 0x…, or off)")
    return mark or None


def _keepalive(text: str) -> int | None:
    return None if text.lower() == "off" else _number(0, 65535)(text) or None


def _preshared_key(text: str) -> SecretKey | None:
    key = SecretKey.parse(text)
    return None if key == NO_KEY else key


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"'{text}' is neither true nor false")
    return text.lower() == "true"


def _hook(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _port(text: str) -> int | None:
    return _number(0, 65535)(text) or None


_KEYS: tuple[dict[str, tuple[str, Callable[[str], Any]]], ...] = (
    {},
    {
        "privatekey": ("private_key", SecretKey.parse),
        "address": ("address", _words(Address.parse)),
        "listenport": ("listen_port", _port),
        "mtu": ("mtu", _number(0, 65535)),
        "dns": ("dns", _words(str)),
        "table": ("table", lambda text: text or "auto"),
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
        "allowedips": ("allowed_ips", _networks),
        "endpoint": ("endpoint", Endpoint.parse),
        "persistentkeepalive": ("persistent_keepalive", _keepalive),
    },
)
