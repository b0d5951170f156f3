"""The peer's own configuration file: what it puts on its side of the tunnel."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import jinja2

from wgreconcile.desired.model import Client, Interface, Peer
from wgreconcile.values import Address, Network, PublicKey, SecretKey

EVERYTHING = (Network("0.0.0.0/0"), Network("::/0"))
"""What a client sends through the tunnel when neither the peer nor the interface says."""


def client_of(interface: Interface, peer: Peer) -> Client:
    """The peer's ``client`` settings, completed with the interface's defaults and what follows from the peer.

    Its address is, unless set, every single host among its allowed IPs.
    """
    own, default = peer.client, interface.client_defaults
    return Client(
        private_key=own.private_key,
        address=own.address
        or default.address
        or tuple(Address(each) for each in peer.allowed_ips if _is_host(each)),
        dns=default.dns if own.dns is None else own.dns,
        allowed_ips=own.allowed_ips or default.allowed_ips or EVERYTHING,
        mtu=default.mtu if own.mtu is None else own.mtu,
        persistent_keepalive=(
            default.persistent_keepalive if own.persistent_keepalive is None else own.persistent_keepalive
        ),
        endpoint=own.endpoint or default.endpoint,
    )


def render_client(
    client: Client, server: PublicKey | str, private_key: SecretKey | None, preshared_key: SecretKey | None
) -> str:
    """The text of the file. ``server`` is the public key of the interface; an unknown private key stays empty.

    An MTU of 0 is left out: the peer works it out by itself.
    """
    return _template().render(
        private_key=private_key,
        address=client.address,
        mtu=client.mtu or None,
        dns=client.dns,
        public_key=server,
        allowed_ips=client.allowed_ips,
        endpoint=client.endpoint,
        persistent_keepalive=client.persistent_keepalive,
        preshared_key=preshared_key,
    )


def _is_host(network: Network) -> bool:
    return network.endswith("/32" if network.version == 4 else "/128")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(files("wgreconcile.templates").joinpath("client.conf.j2").read_text())
