"""Looking at a host: what the real programs printed on one, recorded in tests/cases/dump, and real files."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from wgreconcile.errors import CommandError, StateError
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import LiveInterface, LivePeer, ObservedInterface, Route, Rule
from wgreconcile.observed.observe import Look, list_files, observe, observe_files, read_file
from wgreconcile.values import Network, public_key_of

from .strategies import secret_key

CASES = sorted((Path(__file__).parents[1] / "cases" / "dump").glob("*.yaml"))
SITE = CASES[0].parent / "site.yaml"
PROGRAM = """#!/bin/sh
cd "{folder}"
echo "${{0##*/}} $*" >>asked
if mv "${{0##*/}} $* fails" "failed" 2>/dev/null; then cat failed >&2; exit 1; fi
case $* in *-batch*) cat >"${{0##*/}} $* input";; esac
exec cat "${{0##*/}} $*"
"""


class Recording:
    """`wg` and `ip` that print what the real ones printed when they were recorded."""

    def __init__(self, folder: Path, answers: dict[str, str]) -> None:
        self.folder = folder
        for question, answer in answers.items():
            self.answer(question, answer)
        for program in ("wg", "ip"):
            (folder / program).write_text(PROGRAM.format(folder=folder))
            (folder / program).chmod(0o755)

    def answer(self, question: str, text: str) -> None:
        (self.folder / question).write_text(text)

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()

    def asked_for(self, version: int) -> list[str]:
        """The questions of a batch."""
        return (self.folder / f"ip -{version} -json -Numeric -batch - input").read_text().splitlines()


@pytest.fixture
def recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], Recording]:
    """Puts a recording first on the path."""

    def play(path: Path) -> Recording:
        case = yaml.safe_load(path.read_text())
        recording = Recording(tmp_path_factory.mktemp("programs"), case["answers"])
        monkeypatch.setenv("PATH", f"{recording.folder}:{os.environ['PATH']}")
        monkeypatch.setattr(socket, "if_nametoindex", lambda name: _index(name, case["interfaces"]))
        return recording

    return play


def _index(name: str, existing: Iterable[str]) -> int:
    if name not in existing:
        raise OSError
    return 1


def expected_interface(name: str, data: dict[str, Any]) -> LiveInterface:
    """The live interface that a case describes; peers and keys by their labels."""
    secret = secret_key(data["private_key"]) if data["private_key"] else None
    return LiveInterface(
        name,
        secret,
        public_key_of(secret) if secret else None,
        data["listen_port"],
        data["fwmark"],
        tuple(sorted((_peer(*each) for each in data["peers"].items()), key=lambda peer: peer.public_key)),
        tuple(data.get("address", ())),
        data["mtu"],
        data["is_up"],
        frozenset(_route(each) for each in data.get("routes", ())),
        frozenset(Rule(*map(int, each.split())) for each in data.get("rules", ())),
    )


def _peer(label: str, data: dict[str, Any]) -> LivePeer:
    shared = data.get("preshared_key")
    return LivePeer(
        public_key_of(secret_key(label)),
        secret_key(shared) if shared else None,
        tuple(map(Network.parse, data.get("allowed_ips", ()))),
        data.get("endpoint"),
        data.get("persistent_keepalive"),
        *(data.get(field, 0) for field in ("latest_handshake", "rx_bytes", "tx_bytes")),
    )


def _route(text: str) -> Route:
    network, _, table = text.partition(" table ")
    return Route(Network.parse(network), table or "main")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_recorded_host(recorded: Callable[[Path], Recording], tmp_path: Path, path: Path) -> None:
    interfaces = yaml.safe_load(path.read_text())["interfaces"]
    recording = recorded(path)
    found = observe(tmp_path, interfaces)
    expected = {name: expected_interface(name, data) for name, data in interfaces.items()}
    assert {each.name: each.live for each in found.interfaces} == expected
    assert len(recording.asked) == 4  # however many interfaces and peers there are
    questions = ["rule show", *(f"route show dev {name} table all" for name in sorted(interfaces))]
    assert recording.asked_for(4) == recording.asked_for(6) == questions


def only_wg0(recording: Recording) -> None:
    """Cut the answers about routes down to those about wg0."""
    for version in (4, 6):
        question = f"ip -{version} -json -Numeric -batch -"
        rules, *routes = (recording.folder / question).read_text().splitlines()
        recording.answer(question, f"{rules}\n{routes[2]}\n")


def test_only_what_is_asked_for_is_looked_at(recorded: Callable[[Path], Recording], tmp_path: Path) -> None:
    recording = recorded(SITE)
    only_wg0(recording)
    for name in ("wg0", "wg9"):
        (tmp_path / f"{name}.conf").write_text("[Interface]\n")
    found = observe(tmp_path, ["wg0", "absent"])
    assert recording.asked_for(4)[1:] == ["route show dev wg0 table all"]
    assert [each.name for each in found.interfaces] == ["absent", "wg0"]
    assert found.find("absent") == ObservedInterface("absent")
    assert found.find("wg0").live is not None
    assert (found.other_files, found.other_live) == (("wg9",), ("wg-off", "wg-table", "wg1"))


def test_an_interface_that_goes_meanwhile_is_not_there(
    recorded: Callable[[Path], Recording], tmp_path: Path
) -> None:
    recording = recorded(SITE)
    only_wg0(recording)
    recording.answer("ip -json address show", "[]")
    assert observe(tmp_path, ["wg0"]).find("wg0").live is None


def test_an_interface_that_goes_while_it_is_asked_is_not_there_and_others_are(
    recorded: Callable[[Path], Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of wireguard-go does that is killed: wg and ip fail, and say nothing of the others."""
    recording = recorded(SITE)
    only_wg0(recording)
    recording.answer("wg show all dump fails", "Unable to access interface gone: Protocol error\n")
    recording.answer("ip -6 -json -Numeric -batch - fails", 'Cannot find device "gone"\nCommand failed -:2\n')
    existing = iter([["gone", "wg0"], ["gone", "wg0"], ["wg0"], ["wg0"]])
    monkeypatch.setattr(socket, "if_nametoindex", lambda name: _index(name, next(existing)))
    found = observe(tmp_path, ["gone", "wg0"])
    assert found.find("gone").live is None
    assert found.find("wg0").live is not None
    assert recording.asked_for(6)[1:] == ["route show dev wg0 table all"]


@pytest.mark.parametrize("question", ["wg show all dump", "ip -4 -json -Numeric -batch -"])
def test_what_fails_again_is_an_error(
    recorded: Callable[[Path], Recording], tmp_path: Path, question: str
) -> None:
    recording = recorded(SITE)
    only_wg0(recording)
    (recording.folder / question).unlink()
    with pytest.raises(CommandError, match="No such file"):
        observe(tmp_path, ["wg0"])
    assert recording.asked.count(question) == 2


def test_an_answer_too_few_is_an_error(recorded: Callable[[Path], Recording], tmp_path: Path) -> None:
    recorded(SITE)
    with pytest.raises(CommandError, match="4 answers to 1 questions"):
        observe(tmp_path, ["wg0"])


def test_a_look_again_sees_what_matters(recorded: Callable[[Path], Recording], tmp_path: Path) -> None:
    """Handshakes, counters and roaming do not count; everything that a plan is made from does."""
    recording = recorded(SITE)
    only_wg0(recording)
    prints = [look(tmp_path)]

    def differs(question: str, old: str, new: str) -> bool:
        text = (recording.folder / question).read_text()
        assert old in text
        recording.answer(question, text.replace(old, new))
        prints.append(look(tmp_path))
        recording.answer(question, text)
        return prints[-1] != prints[0]

    dump = "wg show all dump"
    assert not differs(dump, "10.7.0.2/32\t0\t0\t0", "10.7.0.2/32\t1700000000\t5\t6")
    assert not differs(dump, "[2001:db8::9]:51820", "198.51.100.7:4242")
    assert differs(dump, "[2001:db8::9]:51820", "(none)")
    assert differs(dump, "10.7.0.2/32", "10.7.0.3/32")
    assert differs(dump, "\t25\n", "\toff\n")
    assert differs(dump, "\t51820\toff\n", "\t51821\toff\n")
    assert differs("ip -json address show", "10.7.1.1", "10.7.1.2")
    assert differs("ip -json address show", '"mtu":1380', '"mtu":1381')
    assert not differs("ip -json address show", "192.0.2.1", "192.0.2.2")
    assert differs("ip -4 -json -Numeric -batch -", "172.16.0.0/12", "172.17.0.0/16")
    (tmp_path / "wg0.conf").write_text("[Interface]\n")
    assert look(tmp_path) != prints[0]
    with_file = look(tmp_path)
    (tmp_path / "wg0.conf").chmod(0o600)
    with_mode = look(tmp_path)
    assert with_mode != with_file
    (tmp_path / "wg9.conf").write_text("somebody's")
    assert look(tmp_path) != with_mode


def look(conf_dir: Path) -> list[str]:
    return list(Look(conf_dir, ["wg0"]).fingerprint())


FULL = SITE.parent / "full-tunnel.yaml"
POLICY = {(4, 51820), (4, 0), (6, 51820), (6, 0)}


@pytest.mark.parametrize(
    ("marked", "routed", "rules"),
    [
        (True, True, POLICY),
        (True, False, POLICY),
        (False, True, POLICY),
        (False, False, {(4, 0), (6, 0)}),
    ],
)
def test_rules_are_told_by_the_mark_or_the_routes(
    recorded: Callable[[Path], Recording], tmp_path: Path, marked: bool, routed: bool, rules: set[tuple[int, int]]
) -> None:
    recording = recorded(FULL)
    if not marked:
        dump = recording.folder / "wg show all dump"
        dump.write_text(dump.read_text().replace("0xca6c", "off"))
    for version in (4, 6) if not routed else ():
        answer = recording.folder / f"ip -{version} -json -Numeric -batch -"
        answer.write_text(answer.read_text().partition("\n")[0] + "\n[]\n")
    live = observe(tmp_path, ["wg0"]).find("wg0").live
    assert live is not None
    assert {(each.version, each.table) for each in live.rules} == rules
    assert {each.priority for each in live.rules} == ({32764, 32765} if len(rules) == 4 else {32764})


def test_an_interface_that_comes_up_meanwhile_is_looked_at_again(
    recorded: Callable[[Path], Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recorded(FULL)
    answers = iter([OSError("not yet"), 1])

    def index(name: str) -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(socket, "if_nametoindex", index)
    live = observe(tmp_path, ["wg0"]).find("wg0").live
    assert live is not None and len(live.routes) == 2
    assert recording.asked.count("wg show all dump") == 2


# Files


def test_a_file_keeps_its_bytes(tmp_path: Path) -> None:
    raw = b"[Interface]\r\n# caf\xe9 \xff\r\nMTU = 1400\n"
    (tmp_path / "wg0.conf").write_bytes(raw)
    (tmp_path / "wg0.conf").chmod(0o640)
    file = read_file(tmp_path, "wg0")
    assert file
    assert (file.path, file.mode) == (str(tmp_path / "wg0.conf"), 0o640)
    assert file.text.encode(errors="surrogateescape") == raw
    assert file.conf == Conf(mtu=1400)


def test_no_file(tmp_path: Path) -> None:
    assert read_file(tmp_path, "wg0") is None
    assert read_file(tmp_path / "absent", "wg0") is None
    assert list_files(tmp_path / "absent") == set()


def test_a_file_that_means_nothing_is_found_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "wg0.conf").write_text("<html>")
    file = read_file(tmp_path, "wg0")
    assert file and file.text == "<html>"
    with pytest.raises(StateError):
        _ = file.conf


def test_a_file_does_not_show_its_text(tmp_path: Path) -> None:
    (tmp_path / "wg0.conf").write_text("sentinel")
    assert "sentinel" not in repr(observe_files(tmp_path, ["wg0"]))


def test_files_are_observed_without_any_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    for name in ("wg0.conf", "wg1.conf", "a name too long.conf", "wg2.conf.bak", "wg3"):
        (tmp_path / name).write_text("[Interface]\n")
    found = observe_files(tmp_path, ["wg0", "absent"])
    assert [(each.name, each.file is not None, each.live) for each in found.interfaces] == [
        ("absent", False, None),
        ("wg0", True, None),
    ]
    assert (found.other_files, found.other_live) == (("wg1",), ())
