"""What is written: the file for wg-quick, and the stripped forms for wg."""

from __future__ import annotations

import pytest
from hypothesis import given

from wgreconcile.observed.conf import NO_KEY, Conf, ConfPeer, parse_conf
from wgreconcile.planning.render import render_conf, render_peers, render_stripped

from ..observed.strategies import CONFS, PEERS, public_key, secret_key
from .builders import conf, peer

ANN, SECRET, SHARED = public_key("ann"), secret_key("wg0").reveal(), secret_key("psk").reveal()
FULL = conf(
    peer(
        "ann",
        "10.7.0.2/32",
        "fd00:7::2/128",
        endpoint="192.0.2.1:1",
        preshared_key=secret_key("psk"),
        persistent_keepalive=25,
    ),
    address=("10.7.0.1/24", "fd00:7::1/64"),
    listen_port=51820,
    mtu=1380,
    dns=("10.7.0.1", "corp.example.com"),
    table="1234",
    fwmark=51820,
    pre_up=("one", "two"),
    post_up=("iptables -A FORWARD -i %i -j ACCEPT; echo 'a=b'",),
    pre_down=("three",),
    post_down=("four",),
)


def test_the_file_with_everything() -> None:
    assert (
        render_conf(FULL)
        == f"""\
# Managed by wgreconcile: change the desired state, not this file.
[Interface]
PrivateKey = {SECRET}
ListenPort = 51820
FwMark = 0xca6c
Address = 10.7.0.1/24
Address = fd00:7::1/64
MTU = 1380
DNS = 10.7.0.1, corp.example.com
Table = 1234
PreUp = one
PreUp = two
PostUp = iptables -A FORWARD -i %i -j ACCEPT; echo 'a=b'
PreDown = three
PostDown = four

[Peer]
# ann
PublicKey = {ANN}
PresharedKey = {SHARED}
AllowedIPs = 10.7.0.2/32, fd00:7::2/128
Endpoint = 192.0.2.1:1
PersistentKeepalive = 25
"""
    )


def test_the_file_with_nothing() -> None:
    assert (
        render_conf(conf(ConfPeer(ANN)))
        == f"""\
# Managed by wgreconcile: change the desired state, not this file.
[Interface]
PrivateKey = {SECRET}

[Peer]
PublicKey = {ANN}
"""
    )


def test_stripped_says_what_wg_alone_understands() -> None:
    assert (
        render_stripped(FULL)
        == f"""\
[Interface]
PrivateKey = {SECRET}
ListenPort = 51820
FwMark = 0xca6c

[Peer]
PublicKey = {ANN}
PresharedKey = {SHARED}
AllowedIPs = 10.7.0.2/32, fd00:7::2/128
Endpoint = 192.0.2.1:1
PersistentKeepalive = 25
"""
    )


def test_stripped_says_what_is_absent() -> None:
    """wg before 1.0.20260223 keeps what a file no longer names."""
    assert (
        render_stripped(conf(ConfPeer(ANN)))
        == f"""\
[Interface]
PrivateKey = {SECRET}
FwMark = off

[Peer]
PublicKey = {ANN}
PresharedKey = {NO_KEY.reveal()}
PersistentKeepalive = off
"""
    )


def test_peers_alone_have_no_interface_section() -> None:
    text = render_peers([ConfPeer(ANN), peer("bob", "10.7.0.3/32")])
    assert text.count("[Peer]") == text.count("PresharedKey") == text.count("PersistentKeepalive = off") == 2
    assert "[Interface]" not in text
    assert "bob" not in text


def test_what_would_wipe_an_interface_is_not_rendered() -> None:
    with pytest.raises(ValueError, match="without a private key would wipe"):
        render_stripped(Conf(peers=(ConfPeer(ANN),)))


def test_what_would_lose_a_peer_is_not_rendered() -> None:
    with pytest.raises(ValueError, match="not all of its peers"):
        render_stripped(conf(ConfPeer(ANN), ConfPeer(ANN)))


@given(CONFS.filter(lambda each: each.private_key is not None))
def test_stripped_means_the_same_to_wg(wanted: Conf) -> None:
    of_wg = Conf(wanted.private_key, listen_port=wanted.listen_port, fwmark=wanted.fwmark, peers=wanted.peers)
    assert parse_conf(render_stripped(wanted), "") == of_wg


@given(PEERS)
def test_a_peer_alone_means_the_same(wanted: ConfPeer) -> None:
    assert parse_conf("[Interface]\n" + render_peers([wanted]), "").peers == (wanted,)
