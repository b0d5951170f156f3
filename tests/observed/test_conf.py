"""Configuration files by meaning: how wg and wg-quick read them, and every fault at once."""

from __future__ import annotations

import pytest

from wgreconcile.errors import Fault, StateError
from wgreconcile.observed.conf import NO_KEY, Conf, ConfPeer, Line, parse_conf, read_lines
from wgreconcile.values import PublicKey

from .strategies import public_key, secret_key

ANN, BOB, CAT = (public_key(name) for name in ("ann", "bob", "cat"))
SECRET, OTHER = secret_key("wg0"), secret_key("other")


def interface(*lines: str) -> Conf:
    """The meaning of an ``[Interface]`` section."""
    return parse_conf("\n".join(["[Interface]", *lines]), "wg0.conf")


def peer(*lines: str) -> ConfPeer:
    """The meaning of Ann's ``[Peer]`` section."""
    (found,) = parse_conf("\n".join(["[Interface]", "[Peer]", f"PublicKey = {ANN}", *lines]), "wg0.conf").peers
    return found


def faults(text: str) -> tuple[Fault, ...]:
    with pytest.raises(StateError) as error:
        parse_conf(text, "wg0.conf")
    return error.value.faults


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (f"PrivateKey = {SECRET.reveal()}", "private_key", SECRET),
        ("Address = 10.0.0.1/24, fd00::1/64", "address", ("10.0.0.1/24", "fd00::1/64")),
        ("Address = 10.0.0.1/24 10.1.0.1", "address", ("10.0.0.1/24", "10.1.0.1/32")),
        ("Address =", "address", ()),
        ("ListenPort = 51820", "listen_port", 51820),
        ("ListenPort = 0", "listen_port", None),
        ("MTU = 1400", "mtu", 1400),
        ("DNS = 10.0.0.1,corp.example.com", "dns", ("10.0.0.1", "corp.example.com")),
        ("Table = off", "table", "off"),
        ("Table = 1234", "table", "1234"),
        ("Table =", "table", "auto"),
        ("FwMark = 0xca6c", "fwmark", 51820),
        ("FwMark = 51820", "fwmark", 51820),
        ("FwMark = 010", "fwmark", 10),
        ("FwMark = off", "fwmark", None),
        ("FwMark = OFF", "fwmark", None),
        ("FwMark = 0x0", "fwmark", None),
        ("FwMark = 0xffffffff", "fwmark", 2**32 - 1),
        ("PreUp = a", "pre_up", ("a",)),
        ("PostUp = x=1; y == 2 # cut here", "post_up", ("x=1; y == 2",)),
        ("PostUp = echo \xa0", "post_up", ("echo \xa0",)),
        ("PreDown = a, b", "pre_down", ("a, b",)),
        ("PostDown =", "post_down", ()),
        ("SaveConfig = true", "save_config", True),
        ("SaveConfig = FALSE", "save_config", False),
    ],
)
def test_interface_line(line: str, field: str, value: object) -> None:
    assert interface(line) == Conf(**{field: value})


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (f"PresharedKey = {SECRET.reveal()}", "preshared_key", SECRET),
        (f"PresharedKey = {NO_KEY.reveal()}", "preshared_key", None),
        ("AllowedIPs = 10.0.0.5/24,fd00::/64", "allowed_ips", ("10.0.0.0/24", "fd00::/64")),
        ("AllowedIPs = fd00::/64,10.0.0.9/32,fd00::/64", "allowed_ips", ("10.0.0.9/32", "fd00::/64")),
        ("AllowedIPs = 10.0. 0.0/24", "allowed_ips", ("10.0.0.0/24",)),
        ("AllowedIPs =", "allowed_ips", ()),
        ("Endpoint = [2001:DB8::1]:51820", "endpoint", "[2001:db8::1]:51820"),
        ("PersistentKeepalive = 25", "persistent_keepalive", 25),
        ("PersistentKeepalive = off", "persistent_keepalive", None),
        ("PersistentKeepalive = Off", "persistent_keepalive", None),
        ("PersistentKeepalive = 0", "persistent_keepalive", None),
    ],
)
def test_peer_line(line: str, field: str, value: object) -> None:
    assert peer(line) == ConfPeer(ANN, **{field: value})


@pytest.mark.parametrize(
    "line", ["listenport=7", "LISTENPORT = 7", "  ListenPort\t=\t7  ", "ListenPort = 7#c", "ListenPort = 7\r"]
)
def test_case_blanks_and_comments_mean_nothing(line: str) -> None:
    assert interface(line) == Conf(listen_port=7)
    assert parse_conf(f"#top\n\n [INTERFACE] # c\n#{line}\n{line}", "wg0.conf") == Conf(listen_port=7)


def test_lists_go_on_over_lines_and_of_other_keys_the_last_counts() -> None:
    found = interface(
        "Address = 10.0.0.1/24", "MTU = 1", "Address = fd00::1/64", "MTU = 2", "PostUp = a", "PostUp = b"
    )
    assert found == Conf(address=("10.0.0.1/24", "fd00::1/64"), mtu=2, post_up=("a", "b"))
    assert peer("AllowedIPs = 10.0.0.0/24", "AllowedIPs = fd00::/64").allowed_ips == ("10.0.0.0/24", "fd00::/64")
    assert peer("PersistentKeepalive = 1", "PersistentKeepalive = 2").persistent_keepalive == 2


def test_peers_are_sorted_and_sections_may_interleave() -> None:
    text = f"[Peer]\nPublicKey={CAT}\n[Interface]\nMTU=1400\n[Peer]\nPublicKey={ANN}\n[Interface]\nListenPort=7"
    assert parse_conf(text, "wg0.conf") == Conf(
        mtu=1400, listen_port=7, peers=tuple(ConfPeer(key) for key in sorted((ANN, CAT)))
    )


def test_of_two_sections_with_one_key_wireguard_makes_one_peer() -> None:
    first = (
        f"[Peer]\nPublicKey = {ANN}\nAllowedIPs = 10.0.0.0/24\nEndpoint = 192.0.2.1:1\nPersistentKeepalive = 5\n"
    )
    again = f"[Peer]\nPublicKey = {ANN}\nPersistentKeepalive = 6\n"
    found = parse_conf(f"[Interface]\n{first}{again}", "wg0.conf")
    assert found.peers == (ConfPeer(ANN, None, (), "192.0.2.1:1", 6),)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[Peer]\n# ann\n# later\nPublicKey = {key}\n", "ann"),
        ("[Peer]\nPublicKey = {key}\n#ann \n", "ann"),
        ("[Peer]\n#\n# ann # b\nPublicKey = {key}\n", "ann # b"),
        ("[Peer]\nPublicKey = {key} # ann\n", ""),
        ("# ann\n[Peer]\nPublicKey = {key}\n", ""),
        ("[Peer]\n# a\u2028[Peer]\x85b\nPublicKey = {key}\n", "a\u2028[Peer]\x85b"),
    ],
)
def test_the_first_comment_of_a_section_is_a_label_without_meaning(text: str, name: str) -> None:
    (found,) = parse_conf("[Interface]\n" + text.format(key=ANN), "wg0.conf").peers
    assert found.name == name
    assert found == ConfPeer(ANN)


def test_line_breaks_are_those_of_wg() -> None:
    assert interface("PostUp = a\x0bb\x1cc\u2028d\x85e\rf").post_up == ("a\x0bb\x1cc\u2028d\x85e\rf",)


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ("ListenPort = 65536", "listenport", "'65536' is not a number from 0 to 65535"),
        ("ListenPort = off", "listenport", "'off' is not a number"),
        ("ListenPort = -1", "listenport", "'-1' is not a number"),
        ("MTU = 1_400", "mtu", "'1_400' is not a number"),
        ("FwMark = 0X10", "fwmark", "'0X10' is not a mark"),
        ("FwMark = 0x100000000", "fwmark", "is not a mark"),
        ("FwMark = 0o10", "fwmark", "is not a mark"),
        ("SaveConfig = yes", "saveconfig", "'yes' is neither true nor false"),
        ("Address = 10.0.0.1/99", "address", "10.0.0.1/99"),
        ("PrivateKey =", "privatekey", "not a key"),
        ("PublicKey = x", "publickey", "not a key of WireGuard or wg-quick in this section"),
        ("AllowedIPs = 10.0.0.0/24", "allowedips", "in this section"),
        ("PostUpp = x", "postupp", "not a key of WireGuard or wg-quick"),
        ("= x", "", "neither `Key = value` nor a section"),
        ("nonsense", "", "neither `Key = value` nor a section"),
        ("[Peers]", "", "a section other than [Interface] and [Peer]"),
    ],
)
def test_fault_of_an_interface(line: str, field: str, problem: str) -> None:
    (fault,) = faults(f"[Interface]\n{line}\n")
    assert (fault.file, fault.line, fault.field) == ("wg0.conf", 2, field)
    assert problem in fault.problem


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        ("AllowedIPs = 10.0.0.0/24 10.1.0.0/24", "allowedips", "10.0.0.0/2410.1.0.0/24"),
        ("AllowedIPs = 10.0.0.0/24,", "allowedips", "''"),
        ("AllowedIPs = 10.0.0.0/255.0.0.0", "allowedips", "mask"),
        ("PersistentKeepalive = 65536", "persistentkeepalive", "'65536'"),
        ("PersistentKeepalive =", "persistentkeepalive", "''"),
        ("Endpoint = 192.0.2.1", "endpoint", "'192.0.2.1'"),
        ("PresharedKey = short", "presharedkey", "not a key"),
        ("Address = 10.0.0.1/24", "address", "in this section"),
    ],
)
def test_fault_of_a_peer(line: str, field: str, problem: str) -> None:
    (fault,) = faults(f"[Interface]\n\n[Peer]\nPublicKey = {ANN}\n{line}\n")
    assert (fault.line, fault.field) == (5, field)
    assert problem in fault.problem


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = "MTU = 1\n[Interface]\nMTU = x\nnonsense\nFoo = 1\n[Other]\nAnything = goes\n[Peer]\nAllowedIPs = x\n"
    found = [
        (fault.line, fault.field) for fault in faults(text + "AllowedIPs = 10.0.0.0/8\n[Peer]\nPublicKey = x\n")
    ]
    expected = [(1, "MTU"), (3, "mtu"), (4, ""), (5, "foo"), (6, ""), (8, "PublicKey"), (9, "allowedips")]
    assert found == [*expected, (12, "publickey")]


@pytest.mark.parametrize("text", ["", "# nothing\n", f"[Peer]\nPublicKey = {ANN}\n"])
def test_a_file_without_an_interface_section_is_none_of_wg_quick(text: str) -> None:
    (fault,) = faults(text)
    assert (fault.line, fault.problem) == (0, "no [Interface] section")


@pytest.mark.parametrize(
    "line",
    [
        "{key}",
        "PrivateKey {key}",
        "PrivateKey: {key}",
        "PrivateKey = {key} {key}",
        "PrivateKey = x{key}",
        "{key} = PrivateKey",
        "ListenPort = {key}",
        "FwMark = {key}",
        "Address = {key}",
        "SaveConfig = {key}",
        "PublicKey = {key}{key}",
        "AllowedIPs = {key}",
        "Endpoint = {key}",
        "Endpoint = {key}:1",
        "PersistentKeepalive = {key}",
        "PresharedKey = {key}=",
        "[{key}]",
    ],
)
@pytest.mark.parametrize("header", ["", "[Interface]\n", f"[Interface]\n[Peer]\nPublicKey = {ANN}\n"])
def test_no_fault_and_no_repr_quotes_a_key(header: str, line: str) -> None:
    secret = SECRET.reveal()
    with pytest.raises(StateError) as error:
        parse_conf(header + line.format(key=secret), "wg0.conf")
    shown = f"{error.value} {error.value!r} {error.value.faults!r}".lower()
    assert not any(secret[at : at + 12].lower() in shown for at in range(0, 44, 4))


def test_no_repr_of_a_file_shows_a_key() -> None:
    text = (
        f"[Interface]\nPrivateKey = {SECRET.reveal()}\n[Peer]\nPublicKey = {ANN}\nPresharedKey = {OTHER.reveal()}"
    )
    shown = repr(list(read_lines(text, "wg0.conf"))) + repr(parse_conf(text, "wg0.conf"))
    assert SECRET.reveal() not in shown
    assert OTHER.reveal() not in shown
    assert ANN in shown


def test_lines_carry_number_section_and_comment() -> None:
    text = "# top\n\n[Interface] # mine\nMTU = 1400 # low\n[Peer]\n# ann\n"
    assert list(read_lines(text, "wg0.conf")) == [
        Line(1, 0, "#", "", "top"),
        Line(3, 1, "", "", "mine"),
        Line(4, 1, "mtu", "1400", "low"),
        Line(5, 2, "", "", ""),
        Line(6, 2, "#", "", "ann"),
    ]


def test_public_keys_stay_public_keys() -> None:
    assert type(peer().public_key) is PublicKey
