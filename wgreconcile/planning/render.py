"""From meaning to text: the ``.conf`` that wg-quick reads, and the stripped forms that wg reads."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import jinja2

from wgreconcile.observed.conf import NO_KEY, Conf, ConfPeer, parse_conf


def render_conf(conf: Conf) -> str:
    """The configuration file of an interface, as wg-quick reads it."""
    return _template().render(conf=conf, stripped=False, peers_only=False)


def render_stripped(conf: Conf) -> str:
    """Complete input for ``wg syncconf``.

    Raise ValueError when it has no private key: syncconf succeeds on such a file and wipes the interface
    (wireguard-tools: setconf.c).
    """
    if conf.private_key is None:
        raise ValueError("a configuration without a private key would wipe the interface")
    text = _template().render(conf=conf, stripped=True, peers_only=False)
    if len(parse_conf(text, "(rendered)").peers) != len(conf.peers):
        raise ValueError("the rendered configuration has not all of its peers")
    return text


def render_peers(peers: Iterable[ConfPeer]) -> str:
    """Peers alone, complete, for ``wg addconf``: it replaces these and leaves all others as they are."""
    return _template().render(conf=Conf(peers=tuple(peers)), stripped=True, peers_only=True)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.globals["no_key"] = NO_KEY
    return environment.from_string(files("wgreconcile.templates").joinpath("wg.conf.j2").read_text())
