"""Names for the files of peers."""

from __future__ import annotations

from wgreconcile.desired.naming import free_path


def test_a_free_name_is_taken_as_it_is() -> None:
    assert free_path("wg0/alice", ".yaml", {"wg0/bob.yaml"}.__contains__) == "wg0/alice.yaml"


def test_names_of_the_same_stem_are_numbered() -> None:
    taken: list[str] = []
    for _ in range(40):
        taken.append(free_path("wg0/alice", ".yaml", taken.__contains__))
    assert taken == ["wg0/alice.yaml", *(f"wg0/alice-{number}.yaml" for number in range(2, 41))]


def test_a_gap_does_no_harm() -> None:
    taken = {"a.psk", "a-2.psk", "a-4.psk", "a-5.psk"}
    assert free_path("a", ".psk", taken.__contains__) not in taken


def test_thousands_of_one_name_are_not_counted_through() -> None:
    taken = {"a.psk", *(f"a-{number}.psk" for number in range(2, 10_001))}
    asked = []

    def is_taken(path: str) -> bool:
        asked.append(path)
        return path in taken

    assert free_path("a", ".psk", is_taken) == "a-10001.psk"
    assert len(asked) < 40
