"""Fixtures of the tests that run on test hosts. Every host ends with its test, whatever the test does."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ..replay.owner import Owner
from ..replay.served import Served
from . import testhost
from .forms import INTERFACE
from .testhost import Host

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In the background of a shell, tests ignore Ctrl-C, and so would all that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, so that `-m "not hosts"` leaves it out."""
    for item in items:
        if testhost.__file__.rpartition("/")[0] in str(item.path):
            item.add_marker(pytest.mark.hosts)


@pytest.fixture
def make_host() -> Iterator[Callable[[str], Host]]:
    """Makes test hosts: ``make_host("router")``."""
    if reason := testhost.missing():
        pytest.fail(reason, pytrace=False)  # a skip would hide that nothing was tested
    with ExitStack() as hosts:
        yield lambda name: hosts.enter_context(Host(name))


@pytest.fixture
def host(make_host: Callable[[str], Host]) -> Host:
    """One test host."""
    return make_host("host")


@pytest.fixture
def served(host: Host) -> Iterator[Served]:
    """A test host that is served."""
    with Served(host) as served:
        yield served


@pytest.fixture
def owner(served: Served) -> Owner:
    """The owner of a served host whose wg0 is up and has no peers yet."""
    owner = Owner(served)
    owner.must("addWireguardConfiguration", INTERFACE | {"Address": "10.64.0.1/16"})
    owner.see("toggleWireguardConfiguration", configurationName="wg0")
    return owner


@pytest.fixture
def pair(make_host: Callable[[str], Host]) -> tuple[Host, Host]:
    """Two test hosts joined by a cable: 192.0.2.1 and 2001:db8::1 on the first, .2 and ::2 on the second."""
    one, other = make_host("one"), make_host("other")
    testhost.link(one, other, ("192.0.2.1/24", "192.0.2.2/24"), ("2001:db8::1/64", "2001:db8::2/64"))
    return one, other
