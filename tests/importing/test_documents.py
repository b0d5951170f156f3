"""File names of peers: safe for every file system, unique, and short."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgreconcile.importing.documents import LONGEST_SLUG, slug_of, unique_slugs
from wgreconcile.observed.conf import ConfPeer
from wgreconcile.values import PublicKey

from .samples import key

KEY = PublicKey(key(7))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("laptop of ann", "laptop-of-ann"),
        ("Ann's  iPhone (2nd)", "ann-s-iphone-2nd"),
        ("Jürgen Groß", "jurgen-gross"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "peer-bwaaaacaaaah"),
        ("", "peer-bwaaaacaaaah"),
        ("李", "peer-bwaaaacaaaah"),
        ("README", "readme"),
        ("ann.yaml", "ann-yaml"),
        ("a" * 400, "a" * LONGEST_SLUG),
        ("a" * (LONGEST_SLUG - 1) + " b", "a" * (LONGEST_SLUG - 1)),
    ],
)
def test_slug(name: str, slug: str) -> None:
    assert slug_of(name, KEY) == slug


def test_peers_of_one_name_get_numbers() -> None:
    names = ["a", "a", "a-2", "A", "a"]
    peers = [ConfPeer(PublicKey(key(number)), name=name) for number, name in enumerate(names)]
    assert list(unique_slugs(peers)) == ["a", "a-2", "a-2-2", "a-3", "a-4"]


@given(st.lists(st.text(max_size=60) | st.sampled_from(["a", "A", "..", "/", "a-2", "CON"]), max_size=30))
def test_slugs_are_safe_and_unique(names: list[str]) -> None:
    slugs = list(unique_slugs(ConfPeer(PublicKey(key(number)), name=name) for number, name in enumerate(names)))
    assert len(set(slugs)) == len(names)
    for slug in slugs:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug)
        assert len(slug) <= LONGEST_SLUG + 4
