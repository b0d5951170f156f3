"""A file means the same however it is spelled: rendered, respelled, and read by the real wg-quick."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from wgreconcile.errors import StateError
from wgreconcile.observed.conf import Conf, ConfPeer, Line, parse_conf, parse_conf_like, peer_sections, read_lines
from wgreconcile.planning.render import render_conf
from wgreconcile.values import Endpoint, Network

from .strategies import CONFS, public_key, secret_key

ANN = public_key("ann")
LISTS = ("ADDRESSES", "PRE_UP", "POST_UP", "PRE_DOWN", "POST_DOWN", "DNS", "DNS_SEARCH")
READ = r"""
source "$1"; parse_options "$2"; shift 2
for name in "$@"; do declare -n list=$name; printf '%s\0' "${#list[@]}" "${list[@]}"; done
"""


@pytest.fixture(scope="module")
def wg_quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """wg-quick as a library."""
    program = subprocess.run(["which", "wg-quick"], capture_output=True, text=True, check=True).stdout.strip()
    functions, mark, _ = Path(program).read_text().partition("# ~~ function override insertion point ~~")
    assert mark
    path = tmp_path_factory.mktemp("wg-quick") / "functions"
    path.write_text(functions)
    return path


def read_by_wg_quick(functions: Path, text: str) -> tuple[Conf, str]:
    """What wg-quick makes of a text, and what it leaves for wg."""
    path = functions.with_name("wg0.conf")
    path.write_text(text, newline="")
    path.chmod(0o600)
    argv = ["bash", "-c", READ, "wg-quick", functions, path, *LISTS, "MTU", "TABLE", "SAVE_CONFIG", "WG_CONFIG"]
    words = iter(subprocess.run(argv, capture_output=True, check=True).stdout.decode().split("\0"))
    lists = [tuple(next(words) for _ in range(int(next(words)))) for _ in argv[6:]]
    address, *hooks, servers, domains, (mtu,), (table,), (save,), (left,) = lists
    read = Conf(
        address=address,
        mtu=int(mtu) if mtu else None,
        table=table or "auto",
        save_config=save == "1",
        dns=(*servers, *domains),
        **dict(zip(("pre_up", "post_up", "pre_down", "post_down"), hooks, strict=True)),
    )
    return read, left


def by_wg_quick_alone(conf: Conf) -> Conf:
    """The part of a configuration that wg-quick reads itself, name servers before search domains."""
    return Conf(
        address=conf.address,
        mtu=conf.mtu,
        table=conf.table,
        save_config=conf.save_config,
        dns=tuple(sorted(conf.dns, key=lambda each: each == "corp.example.com")),
        pre_up=conf.pre_up,
        post_up=conf.post_up,
        pre_down=conf.pre_down,
        post_down=conf.post_down,
    )


def by_wg_alone(conf: Conf) -> Conf:
    return Conf(conf.private_key, listen_port=conf.listen_port, fwmark=conf.fwmark, peers=conf.peers)


@given(CONFS)
def test_what_is_rendered_reads_back(conf: Conf) -> None:
    found = parse_conf(render_conf(conf), "wg0.conf")
    assert found == conf
    assert [each.name for each in found.peers] == [each.name for each in conf.peers]


@given(CONFS, st.randoms(use_true_random=False))
def test_other_spellings_mean_the_same(conf: Conf, random: Random) -> None:
    assert parse_conf(respelled(render_conf(conf), random), "wg0.conf") == conf


@given(CONFS)
def test_plain_peers_are_read_as_line_by_line(conf: Conf) -> None:
    text = render_conf(conf)
    plain, by_line = parse_conf(text, "wg0.conf"), parse_conf(text.replace("\n[Peer]\n", "\n[peer]\n"), "wg0.conf")
    assert plain == by_line
    assert [each.name for each in plain.peers] == [each.name for each in by_line.peers]


@given(CONFS, CONFS)
def test_a_file_like_another_means_what_it_says(known: Conf, other: Conf) -> None:
    """Whatever of the sections is the same: all, some, or none."""
    sections = peer_sections(render_conf(known), known)
    assert list(sections.values()) == list(known.peers)
    common = {each.public_key: each for each in (*other.peers, *known.peers)}
    for conf in (known, other, replace(other, peers=tuple(common.values()))):
        found = parse_conf_like(render_conf(conf), "wg0.conf", sections)
        assert found == conf
        assert [each.name for each in found.peers] == [each.name for each in conf.peers]


@given(CONFS.filter(lambda conf: conf.peers), st.data())
def test_a_file_like_another_is_read_as_any_other(known: Conf, data: st.DataObject) -> None:
    """With lines gone, twice there, or out of their order it means the same, or has the same faults."""
    lines = data.draw(st.permutations(render_conf(known).splitlines(keepends=True)))
    text = "".join(
        data.draw(st.lists(st.sampled_from(lines))) + data.draw(st.sampled_from([lines, [render_conf(known)]]))
    )
    assert outcome(lambda: parse_conf_like(text, "x", peer_sections(render_conf(known), known))) == outcome(
        lambda: parse_conf(text, "x")
    )


def outcome(parse: Callable[[], Conf]) -> object:
    try:
        return parse()
    except StateError as error:
        return error.faults


@pytest.mark.parametrize(("header", "most"), [("[Peer]", 10), ("[peer]", 1000)])
def test_plain_peers_are_not_read_line_by_line(monkeypatch: pytest.MonkeyPatch, header: str, most: int) -> None:
    conf = Conf(secret_key("wg0"), peers=tuple(ConfPeer(public_key(str(number))) for number in range(300)))
    count = 0

    def counted(text: str, path: str) -> Iterator[Line]:
        nonlocal count
        for line in read_lines(text, path):
            count += 1
            yield line

    monkeypatch.setattr("wgreconcile.observed.conf.read_lines", counted)
    assert parse_conf(render_conf(conf).replace("[Peer]", header), "wg0.conf") == conf
    assert most / 10 <= count <= most


@pytest.mark.parametrize(
    ("line", "sound", "faulty"),
    [
        (5, "[Peer]\n", "[Peer]\n[Peer]\n"),
        (6, "PublicKey", "PublickKey"),
        (7, "AllowedIPs = 10.0.0.1/32", "AllowedIPs = 10.0.0.1/33"),
        (8, "Endpoint = 192.0.2.1:1", "Endpoint = 192.0.2.1:1;"),
        (9, "PersistentKeepalive = 25", "PersistentKeepalive = 65536"),
    ],
)
def test_faults_in_an_otherwise_plain_file_are_found(line: int, sound: str, faulty: str) -> None:
    peer = ConfPeer(ANN, None, (Network("10.0.0.1/32"),), Endpoint("192.0.2.1:1"), 25)
    text = render_conf(Conf(secret_key("wg0"), peers=(peer,)))
    with pytest.raises(StateError) as error:
        parse_conf(text.replace(sound, faulty), "wg0.conf")
    assert line in [fault.line for fault in error.value.faults]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(conf=CONFS)
def test_wg_quick_reads_what_is_rendered(wg_quick: Path, conf: Conf) -> None:
    assume("\0" not in render_conf(conf))  # bash drops it, and the schema refuses it
    read, left = read_by_wg_quick(wg_quick, render_conf(conf).replace("\0", ""))
    assert read == by_wg_quick_alone(parse_conf(render_conf(conf).replace("\0", ""), "wg0.conf"))
    assert parse_conf(left, "(stripped)") == by_wg_alone(conf)


@pytest.mark.parametrize(
    "text",
    [
        "[interface]\nADDRESS=10.0.0.1/24 , 10.1.0.1/24\naddress = fd00::1/64\nmtu=1400\n",
        "[Interface]\nPostUp=echo 'c,d' = e\npostup =\t f \r\n",
        "[Interface]\nTable = off # not auto\nTable =\n",
        "[Interface]\nTable = OFF\n",
        "[Interface]\nDNS = 10.0.0.1 fd00::1,corp.example.com,\n",
        "[Interface]\nSaveConfig = TRUE\n",
        f"[Interface]\nMTU = 1400\n[Peer]\nPublicKey = {ANN}\n[INTERFACE]\nMTU = 1300\nListenPort = 7\n",
        "[Interface]\r\nMTU = 1400\r\nListenPort = 7\r\n",
        "[Interface]\nPostUp = a\x0bb\x1cc\u2028d\n#PostUp = x\n # PostUp = y\nListenPort = 7",
    ],
)
def test_wg_quick_reads_the_same(wg_quick: Path, text: str) -> None:
    found = parse_conf(text, "wg0.conf")
    read, left = read_by_wg_quick(wg_quick, text)
    hooks = {name: tuple(filter(None, getattr(read, name))) for name in ("pre_up", "post_up")}
    assert replace(read, **hooks) == by_wg_quick_alone(found)
    assert parse_conf(left, "(stripped)") == by_wg_alone(found)


def test_a_hook_ends_where_the_oldest_wg_quick_ends_it(wg_quick: Path) -> None:
    """From 1.0.20250521 on it hands the mark to bash; one file has to mean the same to all of them."""
    text = "[Interface]\nPostUp = echo a#b\n"
    assert parse_conf(text, "wg0.conf").post_up == ("echo a",)
    assert read_by_wg_quick(wg_quick, text)[0].post_up in (("echo a",), ("echo a#b",))


def respelled(text: str, random: Random) -> str:
    """The same meaning with other cases, blanks, comments and line ends, and lists over several lines."""
    lines = []
    for line in text.split("\n"):
        key, equals, value = line.partition(" = ")
        if line.startswith("#") or not equals:
            is_header = line.startswith("[")
            lines.append(random.choice([line, line.upper(), f"  {line}\t", f"{line}\r"]) if is_header else line)
            continue
        values = value.split(", ") if key in ("AllowedIPs", "DNS") and random.random() < 0.5 else [value]
        for each in values:
            spelled = random.choice([key, key.lower(), key.upper(), f" {key}\t"])
            equals, end = random.choice(["=", " = ", "  =\t"]), random.choice(["", " ", " # x", "#", "\r"])
            lines.append(f"{spelled}{equals}{each}{end}")
        if random.random() < 0.2:
            lines += ["", "# said in passing"]
    return "\n".join(lines)
