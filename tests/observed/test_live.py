"""Reading what is live again and again: the same as a fresh reading, and unchanged peers are the same objects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.observed.live import LiveReader
from wgreconcile.observed.wg import parse_dump

from .strategies import public_key

KEYS = [public_key(label) for label in "abc"]
ENDS = [
    "(none)\t0\t0\t0\toff",
    "192.0.2.1:1\t10.0.0.1/32\t1\t2\t3\t25",
    "192.0.2.2:1\tfd00::/64,10.0.0.0/8\t0\t0\t9\toff",
]


def line(name: str, key: str, end: str) -> str:
    fields = end if end.count("\t") == 5 else f"(none)\t{end}"
    return f"{name}\t{key}\t(none)\t{fields}"


@st.composite
def dumps(draw: st.DrawFn) -> str:
    """What `wg show all dump` may print: interfaces and peers in any order of theirs."""
    lines = []
    for name in draw(st.permutations(["wg0", "wg1"]))[: draw(st.integers(0, 2))]:
        lines.append(f"{name}\t(none)\t(none)\t{draw(st.integers(0, 9))}\toff")
        keys = draw(st.permutations(KEYS))[: draw(st.integers(0, 3))]
        lines += [line(name, key, draw(st.sampled_from(ENDS))) for key in keys]
    return "".join(f"{each}\n" for each in lines)


@given(st.lists(dumps(), max_size=4))
def test_every_reading_is_as_the_first_would_be(texts: list[str]) -> None:
    reader = LiveReader()
    for text in texts:
        assert reader.parse(text) == tuple(sorted(parse_dump(text), key=lambda each: each.name))


def test_a_peer_that_did_nothing_stays_the_same_object() -> None:
    reader = LiveReader()
    header, quiet, busy = (
        "wg0\t(none)\t(none)\t7\toff",
        line("wg0", KEYS[0], ENDS[1]),
        line("wg0", KEYS[1], ENDS[1]),
    )
    (first,) = reader.parse("\n".join([header, quiet, busy]))
    (second,) = reader.parse("\n".join([header, busy.replace("\t2\t3\t", "\t2\t4\t"), quiet]))
    before, after = ({each.public_key: each for each in found.peers} for found in (first, second))
    assert after[KEYS[0]] is before[KEYS[0]]
    assert (before[KEYS[1]].tx_bytes, after[KEYS[1]].tx_bytes) == (3, 4)


def test_what_is_gone_is_forgotten() -> None:
    reader = LiveReader()
    text = "\n".join(["wg0\t(none)\t(none)\t7\toff", line("wg0", KEYS[0], ENDS[1])])
    (first,) = reader.parse(text)
    assert reader.parse("") == ()
    (again,) = reader.parse(text)
    assert again == first
    assert again.peers[0] is not first.peers[0]
