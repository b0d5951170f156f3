"""Where a request comes from, and whether another site made a browser send it."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence
from functools import lru_cache

import falcon

from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Remote

_log = logging.getLogger(__name__)

_FORWARDED = ("X-FORWARDED-FOR", "X-FORWARDED-HOST", "X-FORWARDED-PROTO", "FORWARDED", "X-REAL-IP", "VIA")
_CROSS_SITE = "This request came from another web site. Open the dashboard itself and repeat."


def remote_of(req: falcon.Request, trusted_proxies: Sequence[str]) -> Remote:
    """The address of the caller: of the connection, or what a trusted proxy says it is."""
    peer = _plain(req.env.get("REMOTE_ADDR", ""))
    is_trusted = _is_among(peer, tuple(trusted_proxies))
    if is_trusted or any(req.get_header(name) for name in _FORWARDED):
        # Some proxy stands in between, so a loopback address says nothing about the caller.
        if not is_trusted:
            _tell_of_proxy(peer)
            return Remote(peer, is_local=False, is_secure=req.scheme == "https")
        address = _forwarded_for(req, peer, tuple(trusted_proxies))
        protocol = (req.get_header("X-FORWARDED-PROTO") or req.scheme).split(",")[-1].strip().lower()
        return Remote(address, is_local=False, is_secure=protocol == "https")
    is_local = _is_loopback(peer) and _is_loopback_name(_host(req))
    return Remote(peer, is_local=is_local, is_secure=req.scheme == "https")


def refuse_cross_site(req: falcon.Request, allowed_origins: Sequence[str]) -> None:
    """Raise Refusal when a browser sends this from another site's page (the cookies come along by themselves).

    Programs send none of the headers looked at, nor ask for HTML as a browser's address bar does.
    """
    origin = req.get_header("ORIGIN")
    if origin is not None and origin in allowed_origins:
        return
    site = req.get_header("SEC-FETCH-SITE")
    if site is not None:
        # A link in a mail comes from no site, and the page itself never leads anywhere that changes something.
        if site not in ("same-origin", "none") or req.get_header("SEC-FETCH-MODE") == "navigate":
            raise Refusal(_CROSS_SITE)
        return
    source = origin or req.get_header("REFERER")
    if source is not None:
        if source.partition("://")[2].partition("/")[0].lower() != _host(req):
            raise Refusal(_CROSS_SITE)
    elif "text/html" in (req.get_header("ACCEPT") or "") or _is_embedded(req):
        raise Refusal(_CROSS_SITE)


def _is_embedded(req: falcon.Request) -> bool:
    """Whether a browser may have been told to load this as a picture or script, which can be done without a trace.

    Cookies go to all ports of a host, so a page on another one will do. The dashboard's own always names JSON.
    """
    is_browser = (req.get_header("USER-AGENT") or "").startswith("Mozilla/")
    return is_browser and not (req.content_type or "").startswith(falcon.MEDIA_JSON)


def _forwarded_for(req: falcon.Request, peer: str, trusted: tuple[str, ...]) -> str:
    """The last address that no trusted proxy stands behind; what comes before it anybody may have written."""
    hops = [each.strip() for each in (req.get_header("X-FORWARDED-FOR") or "").split(",")]
    for hop in reversed(hops):
        if not _is_address(hop):
            break
        if not _is_among(_plain(hop), trusted):
            return _plain(hop)
    return peer


@lru_cache(maxsize=16)
def _tell_of_proxy(peer: str) -> None:
    """Say it once: who fails to sign in makes everybody behind that proxy wait. Others than this host may lie."""
    if _is_loopback(peer):
        advice = f"list {peer} in server.trusted_proxies, or all its users count as one"
        _log.warning("requests come through a proxy on this host that is not known; %s", advice)


@lru_cache(maxsize=1024)
def _plain(address: str) -> str:
    """An IPv4 address that is written as one of IPv6, as it is: those are all neighbours of one another."""
    mapped = ipaddress.IPv6Address(address).ipv4_mapped if _is_address(address) and ":" in address else None
    return str(mapped or address)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _is_among(address: str, networks: tuple[str, ...]) -> bool:
    if not networks or not _is_address(address):
        return False
    ip = ipaddress.ip_address(address)
    return any(ip in ipaddress.ip_network(each, strict=False) for each in networks)


@lru_cache(maxsize=1024)
def _is_loopback(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_loopback_name(host: str) -> bool:
    """Another name that leads here is a page of another site that rebinds its name to this host."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name == "localhost" or _is_loopback(name)


def _host(req: falcon.Request) -> str:
    """The header as it came; the framework's own reading of it fails on odd ones."""
    host: str = req.env.get("HTTP_HOST", "")
    return host.lower()
