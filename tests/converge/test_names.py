"""Endpoints of names become addresses before an interface goes down."""

from __future__ import annotations

import socket

import pytest

from wgreconcile.converge.names import looked_up
from wgreconcile.errors import ConvergenceError
from wgreconcile.planning.model import BringUp, Step, TakeDown, WriteFile

from ..planning.builders import conf, peer

OLD = TakeDown(conf())


def endpoints(*steps: Step) -> dict[str, str | None]:
    (found,) = [each for each in looked_up(steps) if isinstance(each, BringUp)]
    return {each.name: each.endpoint for each in found.conf.peers}


def test_names_become_addresses_and_all_else_stays() -> None:
    others = {"bob": "[2001:db8::1]:8", "cat": "192.0.2.1:9", "dan": None}
    peers = [peer(name, endpoint=endpoint) for name, endpoint in {"ann": "localhost:7", **others}.items()]
    text = WriteFile("text")
    found = endpoints(text, OLD, BringUp(conf(*peers, mtu=1400)))
    assert found.pop("ann") in ("127.0.0.1:7", "[::1]:7")
    assert found == others
    assert looked_up([text, OLD, BringUp(conf(mtu=1400))]) == [text, OLD, BringUp(conf(mtu=1400))]


def test_names_that_nobody_knows_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    wanted = conf(peer("ann", endpoint="b.invalid:7"), peer("bob", endpoint="a.invalid:8"))
    with pytest.raises(
        ConvergenceError, match=r"not begun, because no address was found for a.invalid, b.invalid; "
    ):
        looked_up([OLD, BringUp(wanted)])
    assert looked_up([BringUp(wanted)]) == [BringUp(wanted)]  # is left to wg, which asks again and again
    assert looked_up([OLD]) == [OLD]
