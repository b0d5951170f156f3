"""Which comment names which peer."""

from __future__ import annotations

import pytest

from wgreconcile.importing.names import label_in, sections
from wgreconcile.observed.conf import read_lines


def names(text: str) -> list[str]:
    """The names of the peers of a file, in its order."""
    found = sections(read_lines(text, "wg0.conf"))
    return [label_in(each).name for each in found if each.header.section == 2]


@pytest.mark.parametrize(
    ("comment", "name"),
    [
        ("#Name# = laptop of ann", "laptop of ann"),
        ("# Name = ann", "ann"),
        ("# NAME: ann", "ann"),
        ("# friendly_name = ann", "ann"),
        ("# friendly_name=ann", "ann"),
        ("#friendly_name = a = b # c", "a = b # c"),
        ("# ann", "ann"),
        ("#ann", "ann"),
        ("## ann ##", "ann"),
        ("# --- ann ---", "ann"),
        ("#   ann \t smith  ", "ann smith"),
        ("### begin ann ###", "ann"),
        ("# BEGIN_PEER ann", "ann"),
        ("### Client ann", "ann"),
        ("# Client: Ann (0aa2dbfe-4a1f-4b1c-9cd0-60e0f4a6f5a4)", "Ann"),
        ("# client of the north", "client of the north"),
        ("# end of the road", "end of the road"),
        ("# named after ann", "named after ann"),
        ("# 10.7.0.2 = ann", "10.7.0.2 = ann"),
        ("# Ж", "Ж"),
        ("# a\x1b[2Jb", "a[2Jb"),
        ("#", ""),
        ("# ------", ""),
        ("#Name# =", ""),
        ("# [Peer]", ""),
        ("# AllowedIPs = 10.7.0.9/32", ""),
        ("#Endpoint=192.0.2.1:1", ""),
        ("# PreSharedKey = x", ""),
        ('# friendly_json={"id": 1}', ""),
        ("### end ann ###", ""),
        ("# END_PEER ann", ""),
        ("# 2ZrXoPBnC9d0nIbb6dvxOTkZB7BOSqlkg3xFRj7hCUQ=", ""),
        ("# was 2ZrXoPBnC9d0nIbb6dvxOTkZB7BOSqlkg3xFRj7hCUQ= once", ""),
        ("#Name# = 2ZrXoPBnC9d0nIbb6dvxOTkZB7BOSqlkg3xFRj7hCUQ=", ""),
    ],
)
def test_comment_as_a_name(comment: str, name: str) -> None:
    assert names(f"[Interface]\n\n[Peer]\n{comment}\nPublicKey = x\n") == [name]
    assert names(f"[Interface]\n\n{comment}\n[Peer]\nPublicKey = x\n") == [name]
    assert names(f"[Interface]\n\n[Peer]\nAllowedIPs = x\n\n{comment}\n") == [name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# a\n[Peer]\n# b\nPublicKey = x\n", ["a"]),
        ("# a\n[Peer]\n#Name# = b\nPublicKey = x\n", ["b"]),
        ("# friendly_name = a\n[Peer]\n# b\nPublicKey = x\n", ["a"]),
        ("# a\n\n[Peer]\n# b\nPublicKey = x\n", ["b"]),
        ("# a\n\n[Peer]\nPublicKey = x\n", [""]),
        ("# a\n# b\n[Peer]\nPublicKey = x\n", ["b"]),
        ("# a\n# PersistentKeepalive = 25\n[Peer]\nPublicKey = x\n", [""]),
        ("[Peer] # a\n# b\nPublicKey = x\n", ["a"]),
        ("[Peer]\nPublicKey = x # a\n# b\n", ["a"]),
        ("[Peer]\nAllowedIPs = x # a\n# b\nPublicKey = y\n", ["b"]),
        ("[Peer]\nPublicKey = x\n# b\n[Peer]\nPublicKey = y\n", ["", "b"]),
        ("[Peer]\nPublicKey = x\n# a\n\n# b\n[Peer]\nPublicKey = y\n", ["a", "b"]),
        ("[Peer]\nPublicKey = x\n#Name# = a\n[Peer]\nPublicKey = y\n#Name# = b\n", ["a", "b"]),
        ("#Name# = a\n[Peer]\nPublicKey = x\n#Name# = b\n[Peer]\nPublicKey = y\n", ["a", "b"]),
        ("# Address = x\n[Interface]\n# i\n[Peer]\nPublicKey = x\n", ["i"]),
    ],
)
def test_where_names_stand(text: str, expected: list[str]) -> None:
    assert names(text) == expected
    assert names(f"[Interface]\n{text}") == expected


@pytest.mark.parametrize(
    ("comment", "is_remark"),
    [
        ("#Name# = ann", False),
        ("# friendly_name = ann", False),
        ("### Client ann", False),
        ("# BEGIN_PEER ann", False),
        ("# ann", True),
        ("# replaced in spring", True),
        ("# AllowedIPs = 10.7.0.9/32", False),
    ],
)
def test_comment_that_may_be_no_name(comment: str, is_remark: bool) -> None:
    *_, section = sections(read_lines(f"[Interface]\n\n[Peer]\n{comment}\nPublicKey = x\n", "wg0.conf"))
    assert label_in(section).is_remark is is_remark
