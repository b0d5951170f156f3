from __future__ import annotations

from pathlib import Path

import pytest

from wgreconcile.desired.places import FieldPath, Placer, Problem, faults, field_name, locate

from .samples import SECRET, key, shows_secret

TEXT = f"""# a comment
address:
  - 10.7.0.1/24
  - fd00::1/64
dns: 10.7.0.1, 10.7.0.2
peers:
  - public_key: {key(1)}

    allowed_ips: [10.7.0.2,
      10.7.0.3]
  - {{public_key: {key(2)}}}
  - name: again
    public_key: {key(1)}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("address",), 2),
        (("address", 1), 4),
        (("address", 7), 2),
        (("dns", 1), 5),
        (("peers", 0, "allowed_ips", 1), 10),
        (("peers", 0, "missing"), 7),
        (("peers", 1, "public_key"), 11),
        (("missing", "more"), 2),
    ],
)
def test_a_path_is_found_in_the_line_of_its_deepest_part_that_exists(path: FieldPath, line: int) -> None:
    assert locate(TEXT, path) == line


@pytest.mark.parametrize("text", ["", "# nothing", "a: [", "a: &x 1"])
def test_a_text_that_is_no_document_has_no_lines(text: str) -> None:
    assert locate(text, ("a",)) == 0


def test_a_field_is_named_as_people_write_it() -> None:
    assert field_name(("peers", 2, "allowed_ips", 0)) == "peers[2].allowed_ips[0]"
    assert field_name(()) == ""


def test_a_key_in_place_of_a_field_is_not_named() -> None:
    assert not shows_secret(field_name(("private_key", SECRET)))


def test_problems_become_faults_with_their_lines() -> None:
    (fault,) = faults("wg0.yaml", TEXT, [Problem(("dns", 0), "is wrong", "amend it")])
    assert str(fault) == "wg0.yaml:5: dns[0]: is wrong; amend it"


def test_a_peer_is_placed_by_its_key_also_when_it_is_there_twice(tmp_path: Path) -> None:
    (tmp_path / "wg0.yaml").write_text(TEXT)
    placer = Placer(tmp_path)
    found = [placer.fault("wg0.yaml", key(1), ordinal, ("public_key",), "is wrong", "") for ordinal in (0, 1, 2)]
    assert [(each.line, each.field) for each in found] == [
        (7, "peers[0].public_key"),
        (13, "peers[2].public_key"),
        (6, "peers.public_key"),
    ]
    assert found[0].file == str(tmp_path / "wg0.yaml")


def test_a_peer_with_a_document_of_its_own_has_no_index(tmp_path: Path) -> None:
    (tmp_path / "wg0").mkdir()
    (tmp_path / "wg0" / "alice.yaml").write_text(f"# alice\npublic_key: {key(1)}\n")
    fault = Placer(tmp_path).fault("wg0/alice.yaml", key(1), 0, ("public_key",), "is wrong", "")
    assert (fault.line, fault.field) == (2, "public_key")


def test_a_document_that_cannot_be_read_is_named_without_a_line(tmp_path: Path) -> None:
    assert Placer(tmp_path).fault("gone.yaml", None, 0, ("mtu",), "is wrong", "").line == 0
    assert Placer(None).fault("wg0.yaml", None, 0, ("mtu",), "is wrong", "").file == "wg0.yaml"


def test_many_faults_of_one_document_read_it_once() -> None:
    read = []

    def text_of(origin: str) -> str:
        read.append(origin)
        return TEXT

    placer = Placer(Path("state"), text_of)
    for number in (1, 2):
        placer.fault("wg0.yaml", key(number), 0, ("public_key",), "is wrong", "")
    assert read == ["wg0.yaml"]
