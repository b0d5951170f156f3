"""Single fields of a document to values; each parser raises :class:`Wrong` with a problem and a remedy."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar

from wgreconcile.desired.model import Secret, SecretEnv, SecretFile
from wgreconcile.desired.wording import show
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey

T = TypeVar("T")

_DOMAIN = re.compile(r"(?=.{1,253}$)[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})?(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})?)*\.?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_BUT_BREAKS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_MOMENT_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST = 10**12
_KEY_FORM = "write 32 bytes in base64, as `wg genkey` prints them, or {file: NAME}"


class Wrong(Exception):
    """A value that passed its schema and still says nothing. The texts never hold a secret."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def public_key(value: str) -> PublicKey:
    return _value(PublicKey.parse, value, "a public key", "copy all 44 characters that `wg pubkey` prints")


def network(value: str) -> Network:
    return _value(Network.parse, value, "an IPv4 or IPv6 network", "write it like 10.7.0.2/32")


def address(value: str) -> Address:
    return _value(Address.parse, value, "an IPv4 or IPv6 address", "write it like 10.7.0.1/24")


def endpoint(value: str) -> Endpoint:
    remedy = "write HOST:PORT, with an IPv6 address in brackets: '[2001:db8::1]:51820'"
    return _value(Endpoint.parse, value, "an endpoint", remedy)


@lru_cache(maxsize=1024)  # of thousands of peers most have the same ones
def name_server(value: str) -> str:
    """An address in its one spelling, or a search domain."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        pass
    if not _DOMAIN.fullmatch(value) or re.fullmatch(r"[0-9.]+", value):
        raise Wrong(f"{show(value)} is neither an address nor a search domain", "write it like 10.7.0.1")
    return value


def secret(value: str | Mapping[str, Any]) -> Secret:
    if isinstance(value, str):
        try:
            return SecretKey.parse(value)
        except ValueError:
            raise Wrong("is not a key", _KEY_FORM) from None
    if value.get("env") is not None:
        return SecretEnv(value["env"])
    # The schema has refused a name that is not here, and said so; the rest of the document is still looked at.
    return SecretFile(value.get("file") or "(refused)", bool(value.get("generate")))


def client_secret(value: str | Mapping[str, Any]) -> Secret:
    """As :func:`secret`, but a peer's private key is not ours to make: its public key is known already."""
    found = secret(value)
    if isinstance(found, SecretFile) and found.generate:
        raise Wrong("cannot be generated: the public key is given", "remove generate, and store the key")
    return found


def table(value: float | str) -> str:
    return value if isinstance(value, str) else str(int(value))


def mark(value: float | str) -> int:
    """``off`` is 0."""
    if not isinstance(value, str):
        return int(value)
    return 0 if value == "off" else int(value, 16 if value.startswith("0x") else 10)


def seconds(value: float | str) -> int:
    """``off`` is 0."""
    return 0 if isinstance(value, str) else int(value)


def moment(value: str) -> datetime:
    """ISO 8601; without an offset UTC, without a time the first moment of the day."""
    text = re.sub(r" ?[Zz]$", "+00:00", value).replace("t", "T")
    text = re.sub(r"\.([0-9]+)", lambda fraction: f".{fraction[1][:6]:0<6}", text)
    text = re.sub(r" (?=[+-])", "", text)
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise Wrong(f"{show(value)} is not a moment of the calendar", "write it like 2030-01-31") from None


def date(value: int | float | str) -> datetime:
    """As :func:`moment`; a number is none."""
    if not isinstance(value, str) or not _MOMENT_START.match(value):
        raise Wrong(f"{show(value)} is not a moment", "write it like 2030-01-31, as the subject is a date")
    return moment(value)


def amount(value: int | float | str) -> Decimal:
    """A number, as it was written."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or abs(found) > _LARGEST:
        raise Wrong(f"{show(value)} is not a number of GiB", "write it like 10")
    return found


def command(value: str) -> str:
    """A hook as wg-quick reads it back: one line, cut at the first ``#`` (wg-quick: parse_options)."""
    if not value.strip():
        raise Wrong("is an empty command", "remove it")
    if "\n" in value.strip():
        raise Wrong("is a command of several lines, and a .conf file has one", "write one list item for each")
    if _CONTROL.search(value.strip()):
        raise Wrong("has a control character, which a .conf file cannot hold", "put it into a script")
    if "#" in value:
        raise Wrong(
            "has a '#', where older versions of wg-quick end the line even within quotes", "put it into a script"
        )
    return value.strip()


def label(value: str) -> str:
    if _CONTROL.search(value) or not value.strip():
        raise Wrong("is blank or has a control character", "write it on one line")
    return value


def text(value: str) -> str:
    if _CONTROL_BUT_BREAKS.search(value):
        raise Wrong("has a control character", "remove it")
    return value


def _value(parse: Callable[[str], T], value: str, kind: str, remedy: str) -> T:
    try:
        return parse(value)
    except ValueError:
        raise Wrong(f"{show(value)} is not {kind}", remedy) from None
