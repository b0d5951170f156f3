"""Texts in pieces: always what rendering all of it would give."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.planning.render import render_conf
from wgreconcile.planning.sections import Sections
from wgreconcile.values import Network, PublicKey

from ..observed.strategies import CONFS, public_key, secret_key


def conf(*labels: str, **fields: object) -> Conf:
    peers = (ConfPeer(public_key(each), name=each, allowed_ips=(Network("10.0.0.0/8"),)) for each in labels)
    return Conf(private_key=secret_key("wg0"), listen_port=51820, peers=tuple(peers), **fields)


def changed(sections: Sections, keys: set[PublicKey], few: Conf) -> Sections:
    """The pieces once the peers of ``keys`` are only those of ``few``."""
    _, rest = sections.split(keys)
    return rest.merged(Sections.of(render_conf(few)))


def test_peers_come_change_and_go() -> None:
    before = conf("ann", "bob", "cat")
    sections = Sections.of(render_conf(before))
    assert sections.text == render_conf(before)
    dan = ConfPeer(public_key("dan"), secret_key("psk"), name="[Peer]")
    few = replace(before, peers=(replace(before.peers[0], persistent_keepalive=25), dan))
    gone = before.peers[1].public_key
    keys = {each.public_key for each in few.peers} | {gone}
    after = replace(before, peers=(*few.peers, before.peers[2]))
    assert changed(sections, keys, few).text == render_conf(after)


def test_peers_are_told_by_their_keys_alone() -> None:
    """A name that reads as another peer's key finds nobody."""
    liar = ConfPeer(public_key("ann"), name=f"PublicKey = {public_key('bob')}")
    found, rest = Sections.of(render_conf(replace(conf("bob"), peers=(liar, *conf("bob").peers)))).split(
        [public_key("bob"), public_key("nobody")]
    )
    assert found.text == render_conf(conf("bob"))
    assert rest.text == render_conf(replace(conf(), peers=(liar,)))


def test_names_mean_nothing() -> None:
    ann = ConfPeer(public_key("ann"))
    of = [
        Sections.of(render_conf(conf() if each is None else replace(conf(), peers=(each,))))
        for each in (
            ann,
            replace(ann, name="Ann"),
            replace(ann, name="Ann's"),
            replace(ann, persistent_keepalive=25),
            None,
        )
    ]
    assert all(one.means(other) for one in of[:3] for other in of[:3])
    assert not any(one.means(other) for one in of[:3] for other in of[3:])


def test_without_peers_there_is_only_the_head() -> None:
    empty, one = conf(), conf("ann")
    assert Sections.of(render_conf(empty)).text == render_conf(empty)
    added = changed(Sections.of(render_conf(empty)), {one.peers[0].public_key}, one)
    assert added.text == render_conf(one)
    assert changed(added, {one.peers[0].public_key}, empty).text == render_conf(empty)


@given(CONFS, CONFS)
def test_whatever_changes_it_is_what_would_be_rendered(before: Conf, other: Conf) -> None:
    """Peers that come, that go, and that are there with other settings."""
    sections = Sections.of(render_conf(before))
    assert sections.text == render_conf(before)
    keys = {each.public_key for each in (*before.peers[1:], *other.peers)}
    few, rest = sections.split(keys)
    assert rest.merged(few) == sections
    kept = (each for each in before.peers if each.public_key not in keys)
    after = replace(before, peers=(*kept, *other.peers))
    assert changed(sections, keys, replace(before, peers=other.peers)).text == render_conf(after)
