"""WireGuard's values, parsed once at the border and compared with ``==`` afterwards.

Public values are immutable strings in one canonical spelling, so that ten thousand of them compare, sort,
print and travel through a cache at the speed of text. Secrets are wrapped: none is printed by accident.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from functools import lru_cache

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

INTERFACE_NAME = re.compile(r"[a-zA-Z0-9_=+.-]{1,15}")
"""What wg-quick accepts as a name (wg-quick: parse_options). Some of it is taken: see :func:`holder_of_name`."""

_IP_WHOLE_WORDS = (
    "allmulticast arp brd carrier dev down gro_max_size group gso_max_segs gso_max_size index link-netns mode mtu "
    "multicast name netns parentdev promisc protodown qlen state trailers up vf vrf xdp xdpdrv xdpgeneric "
    "xdpoffload"
)
_IP_SHORTENED_WORDS = (
    "address addrgenmode alias broadcast dynamic help link link-netnsid master nomaster numrxqueues numtxqueues "
    "txqlen txqueuelen type"
)
_IP_WORDS = frozenset(_IP_WHOLE_WORDS.split()).union(
    word[:length] for word in _IP_SHORTENED_WORDS.split() for length in range(1, len(word) + 1)
)
"""What ``ip link add NAME type wireguard`` does not read as a name (iproute2: iplink_parse)."""

_HOLDERS = {
    ".": "a folder is called so",
    "..": "a folder is called so",
    "all": "the kernel keeps it for the settings of all interfaces",
    "default": "the kernel keeps it for the settings of new interfaces",
    "interfaces": "`wg show` takes it for the list of all interfaces",
    "lo": "it is the loopback interface",
}

IPV4_MTU = 576
"""The largest packet that every host of IPv4 takes (RFC 791)."""

IPV6_MTU = 1280
"""The least MTU with which a link carries IPv6 (RFC 8200): below it the kernel takes addresses and routes away."""

_KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")
"""32 bytes in base64. Spare bits in the last character would give one key several spellings: they are zero."""
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_LENGTHS = {4: {str(each): each for each in range(33)}, 6: {str(each): each for each in range(129)}}
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})?(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})?)*\.?"
)


class PublicKey(str):
    """A Curve25519 public key: 32 bytes in base64, 44 characters."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Raise ValueError unless ``text`` is the one canonical spelling of 32 bytes."""
        return cls(_key_text(text))


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A private or preshared key. Prints as ``(secret)``; only :meth:`reveal` gives the text."""

    _text: str

    @classmethod
    def parse(cls, text: str) -> SecretKey:
        """Raise ValueError, which never quotes ``text``, unless it is 32 bytes in base64."""
        return cls(_key_text(text))

    def reveal(self) -> str:
        """The key in base64, for the file or the pipe that needs it."""
        return self._text

    @property
    def clamped(self) -> SecretKey:
        """The private key as WireGuard keeps and shows it: other bits of it mean nothing to Curve25519."""
        return _clamped(base64.b64decode(self._text))

    def __repr__(self) -> str:
        return "(secret)"

    __str__ = __repr__


class Network(str):
    """An allowed IP or a route: ``10.0.0.0/24``, ``fd00::/64``. Host bits are cleared."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Network:
        """Raise ValueError when ``text`` is no IPv4 or IPv6 network. A mask is no length: WireGuard knows none."""
        if _is_canonical(text):
            return cls(text)
        if "." in text.partition("/")[2]:
            raise ValueError(f"'{text}' has a mask in place of a length such as /24")
        return cls(ipaddress.ip_network(_no_scope(text), strict=False))

    @property
    def ip(self) -> IPNetwork:
        return ipaddress.ip_network(self)

    @property
    def version(self) -> int:
        return 6 if ":" in self else 4

    @property
    def bounds(self) -> tuple[int, int, int]:
        """IP version, first and last address as numbers, to tell quickly whether one covers another."""
        return _bounds(self)

    @property
    def is_default(self) -> bool:
        """Whether it is a default route, which wg-quick treats with policy routing."""
        return self.endswith("/0")


@lru_cache(maxsize=2**16)
def _bounds(network: str) -> tuple[int, int, int]:
    """Remembered: one run asks about the same networks to check the state, to plan and to verify."""
    text, _, length = network.partition("/")
    version, family, bits = (6, socket.AF_INET6, 128) if ":" in text else (4, socket.AF_INET, 32)
    first = int.from_bytes(socket.inet_pton(family, text), "big")
    return version, first, first | (1 << (bits - int(length))) - 1


class Address(str):
    """An address of an interface with the length of its network: ``10.7.0.1/24``."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raise ValueError when ``text`` is no address; without a length it is one host, as ``ip`` has it."""
        return cls(ipaddress.ip_interface(_no_scope(text)))

    @property
    def ip(self) -> IPAddress:
        return ipaddress.ip_interface(self).ip

    @property
    def network(self) -> Network:
        """The network that the kernel routes to the interface because of this address."""
        return Network(ipaddress.ip_interface(self).network)

    @property
    def version(self) -> int:
        return 6 if ":" in self else 4


class Endpoint(str):
    """Where a peer is reached: ``192.0.2.1:51820``, ``[2001:db8::1]:51820`` or ``vpn.example.com:51820``."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Raise ValueError unless ``text`` is a host and a port from 1 to 65535."""
        host, separator, port = text.rpartition(":")
        if not separator or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"'{text}' is no endpoint (HOST:PORT, an IPv6 address in brackets)")
        if _IPV4.fullmatch(host):
            return cls(f"{host}:{int(port)}")
        if host.startswith("[") and host.endswith("]"):
            address, percent, zone = host[1:-1].partition("%")
            if percent and not INTERFACE_NAME.fullmatch(zone):
                raise ValueError(f"'{text}' has a zone that is no name of an interface")
            return cls(f"[{ipaddress.IPv6Address(address)}{percent}{zone}]:{int(port)}")
        if not _HOST_NAME.fullmatch(host) or re.fullmatch(r"[0-9.]+", host):
            raise ValueError(f"'{host}' is no host name or address (an IPv6 address stands in brackets)")
        return cls(f"{host}:{int(port)}")

    @property
    def host(self) -> str:
        """Host name or address, without brackets."""
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])


def is_interface_name(text: str) -> bool:
    """Whether wg-quick, wg, ip and the kernel take ``text`` as the name of an interface."""
    return bool(INTERFACE_NAME.fullmatch(text)) and not holder_of_name(text)


def holder_of_name(text: str) -> str:
    """What keeps a name that is spelt right from being one of a WireGuard interface; empty when nothing does."""
    if text.startswith("-"):
        return "programs take it for an option"
    return _HOLDERS.get(text) or ("`ip link add` takes it for a word of its own" if text in _IP_WORDS else "")


def generate_secret_key() -> SecretKey:
    """A new random private key: 32 bytes from the kernel, clamped, as ``wg genkey`` makes them (genkey.c)."""
    return _clamped(os.urandom(32))


def public_key_of(secret: SecretKey) -> PublicKey:
    """The public key that belongs to a private key, as ``wg pubkey`` computes it."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.from_private_bytes(base64.b64decode(secret.reveal()))
    return PublicKey(base64.b64encode(private.public_key().public_bytes_raw()).decode())


def _clamped(raw: bytes) -> SecretKey:
    bits = bytes((raw[0] & 248, *raw[1:31], raw[31] & 127 | 64))
    return SecretKey(base64.b64encode(bits).decode())


def _key_text(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError("not a key (32 bytes in base64: 44 characters that end in '=')")
    return text


def _is_canonical(text: str) -> bool:
    """Whether a network already stands in its one spelling, told four times faster than ipaddress writes it."""
    host, _, length = text.partition("/")
    version, family, bits = (6, socket.AF_INET6, 128) if ":" in host else (4, socket.AF_INET, 32)
    prefix = _LENGTHS[version].get(length)
    if prefix is None or (version == 6 and "." in host):
        return False
    try:
        packed = socket.inet_pton(family, host)
    except (OSError, ValueError):
        return False
    host_bits = (1 << (bits - prefix)) - 1
    return not int.from_bytes(packed, "big") & host_bits and socket.inet_ntop(family, packed) == host


def _no_scope(text: str) -> str:
    if "%" in text:
        raise ValueError(f"'{text}' has a zone, which WireGuard has no use for")
    return text
