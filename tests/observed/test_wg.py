"""The parser of `wg show all dump`: the fields that are absent, and lines of no known kind."""

from __future__ import annotations

import pytest

from wgreconcile.errors import DependencyError
from wgreconcile.observed.conf import NO_KEY
from wgreconcile.observed.model import LiveInterface, LivePeer
from wgreconcile.observed.wg import parse_dump

from .strategies import public_key, secret_key

ANN, BOB = sorted((public_key("ann"), public_key("bob")))
SECRET, SHARED = secret_key("wg0"), secret_key("psk")
INTERFACE = f"wg0\t{SECRET.reveal()}\t{public_key('wg0')}\t51820\toff\n"


def peer(*fields: str) -> LivePeer:
    """The one peer of a dump, from its fields after the public key."""
    (live,) = parse_dump(INTERFACE + "\t".join(["wg0", ANN, *fields]) + "\n")
    return live.peers[0]


def test_nothing_is_live() -> None:
    assert parse_dump("") == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            (SECRET.reveal(), public_key("wg0"), "51820", "0xca6c"),
            LiveInterface("wg0", SECRET, public_key("wg0"), 51820, 51820, ()),
        ),
        (("(none)", "(none)", "0", "off"), LiveInterface("wg0", None, None, 0, 0, ())),
        (("(none)", "(none)", "1", "0"), LiveInterface("wg0", None, None, 1, 0, ())),
    ],
)
def test_interface(fields: tuple[str, ...], expected: LiveInterface) -> None:
    assert parse_dump("\t".join(["wg0", *fields]) + "\n") == (expected,)


def test_peer_with_everything() -> None:
    found = peer(SHARED.reveal(), "192.0.2.1:5", "10.0.0.0/24,fd00::/64", "1700000000", "1", str(2**40), "25")
    networks = ("10.0.0.0/24", "fd00::/64")
    assert found == LivePeer(ANN, SHARED, networks, "192.0.2.1:5", 25, 1_700_000_000, 1, 2**40)


@pytest.mark.parametrize("preshared_key", ["(none)", NO_KEY.reveal()])
@pytest.mark.parametrize("keepalive", ["off", "0"])
def test_peer_with_nothing(preshared_key: str, keepalive: str) -> None:
    found = peer(preshared_key, "(none)", "(none)", "0", "0", "0", keepalive)
    assert found == LivePeer(ANN, None, (), None, None, 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("10.0.0.1/32", ("10.0.0.1/32",)),
        ("fd00::1/128", ("fd00::1/128",)),
        ("192.168.0.0/16,10.0.0.0/8", ("10.0.0.0/8", "192.168.0.0/16")),  # in the order of a kernel, not of ours
        ("::/0,0.0.0.0/0", ("0.0.0.0/0", "::/0")),
    ],
)
def test_allowed_ips_are_sorted(text: str, networks: tuple[str, ...]) -> None:
    assert peer("(none)", "(none)", text, "0", "0", "0", "off").allowed_ips == networks


def test_peers_are_sorted_and_stay_with_their_interface() -> None:
    rest = "(none)\t(none)\t(none)\t0\t0\t0\toff\n"
    text = f"{INTERFACE}wg0\t{BOB}\t{rest}wg0\t{ANN}\t{rest}wg1\t(none)\t(none)\t0\toff\nwg1\t{BOB}\t{rest}"
    found = parse_dump(text)
    assert [(each.name, [peer.public_key for peer in each.peers]) for each in found] == [
        ("wg0", [ANN, BOB]),
        ("wg1", [BOB]),
    ]


@pytest.mark.parametrize("line", ["wg0", "wg0\t1\t2\t3", "wg0\t1\t2\t3\t4\t5", "", "a\t" * 9])
def test_a_line_of_no_known_kind_is_refused(line: str) -> None:
    with pytest.raises(DependencyError, match="neither 5 nor 9; install the wireguard-tools"):
        parse_dump(f"{INTERFACE}{line}\n")


def test_a_peer_before_any_interface_is_refused() -> None:
    with pytest.raises(DependencyError, match="9 fields"):
        parse_dump("\t".join(["wg0", ANN, "(none)", "(none)", "(none)", "0", "0", "0", "off"]))


def test_no_key_shows() -> None:
    shown = repr(parse_dump(INTERFACE + f"wg0\t{ANN}\t{SHARED.reveal()}\t(none)\t(none)\t0\t0\t0\toff\n"))
    assert SECRET.reveal() not in shown
    assert SHARED.reveal() not in shown
