"""Looking at a host: what the real programs printed on one, recorded in tests/cases/dump, and real files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from wgreconcile.errors import CommandError, StateError
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import LiveInterface, LivePeer, ObservedInterface, Route, Rule
from wgreconcile.observed.observe import list_files, observe, observe_files, read_file
from wgreconcile.values import Network, public_key_of

from .strategies import secret_key

CASES = sorted((Path(__file__).parents[1] / "cases" / "dump").glob("*.yaml"))
Answer = Callable[..., str]


class Recording:
    """Answers as the programs did when they were recorded, and counts the processes."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.answers: dict[str, str] = case["answers"]
        self.asked: list[str] = []

    def run(self, argv: Sequence[str], *, stdin: str = "") -> str:
        self.asked.append(" ".join(argv))
        return self.answers[" ".join(argv)]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Recording]:
    """Puts a recording in place of the programs."""

    def play(path: Path) -> Recording:
        recording = Recording(yaml.safe_load(path.read_text()))
        for module in ("observe", "ip"):
            monkeypatch.setattr(f"wgreconcile.observed.{module}.run", recording.run)
        return recording

    return play


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
    case = yaml.safe_load(path.read_text())
    recording = recorded(path)
    found = observe(tmp_path, case["interfaces"])
    expected = [
        ObservedInterface(name, None, expected_interface(name, case["interfaces"][name]))
        for name in sorted(case["interfaces"])
    ]
    assert list(found.interfaces) == expected
    assert len(recording.asked) == 4  # however many interfaces and peers there are


SITE = CASES[0].parent / "site.yaml"


def test_only_what_is_asked_for_is_looked_at(recorded: Callable[[Path], Recording], tmp_path: Path) -> None:
    recording = recorded(SITE)
    for version in (4, 6):  # one interface, one answer
        rules, *rest = recording.answers[f"ip -{version} -json -Numeric -batch -"].splitlines()
        recording.answers[f"ip -{version} -json -Numeric -batch -"] = "\n".join([rules, rest[2]])
    (tmp_path / "wg0.conf").write_text("[Interface]\n")
    (tmp_path / "wg9.conf").write_text("[Interface]\n")
    found = observe(tmp_path, ["wg0", "absent"])
    assert [each.name for each in found.interfaces] == ["absent", "wg0"]
    assert found.find("absent") == ObservedInterface("absent")
    assert found.find("wg0").live is not None
    assert (found.other_files, found.other_live) == (("wg9",), ("wg-off", "wg-table", "wg1"))


def test_an_interface_that_goes_meanwhile_is_not_there(
    recorded: Callable[[Path], Recording], tmp_path: Path
) -> None:
    recording = recorded(SITE)
    recording.answers["ip -json address show"] = "[]"
    assert observe(tmp_path, ["wg0"]).find("wg0").live is None
    assert len(recording.asked) == 2


def test_an_answer_too_few_is_an_error(recorded: Callable[[Path], Recording], tmp_path: Path) -> None:
    recorded(SITE)
    with pytest.raises(CommandError, match="5 answers to 2 questions"):
        observe(tmp_path, ["wg0"])


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
    for module in ("observe", "ip"):
        monkeypatch.delattr(f"wgreconcile.observed.{module}.run")
    for name in ("wg0.conf", "wg1.conf", "a name too long.conf", "wg2.conf.bak", "wg3"):
        (tmp_path / name).write_text("[Interface]\n")
    found = observe_files(tmp_path, ["wg0", "absent"])
    assert [(each.name, each.file is not None, each.live) for each in found.interfaces] == [
        ("absent", False, None),
        ("wg0", True, None),
    ]
    assert (found.other_files, found.other_live) == (("wg1",), ())
