"""A test host with a long-lived wgreconcile on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ..hosts import testhost
from ..hosts.scenario import Scenario
from ..hosts.testhost import Host
from .driven import Driven


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a host, so that `-m "not hosts"` leaves it out."""
    for item in items:
        if "scenario" in getattr(item, "fixturenames", ()) and "tests/agent" in str(item.path):
            item.add_marker(pytest.mark.hosts)


@pytest.fixture
def scenario() -> Iterator[Scenario]:
    """A test host with desired state in YAML files."""
    if reason := testhost.missing():
        pytest.fail(reason, pytrace=False)
    with Host("host") as host:
        yield Scenario(host)


@pytest.fixture
def start(scenario: Scenario) -> Iterator[Callable[..., Driven]]:
    """Starts a long-lived process on the host: ``start(pass_seconds=1)``."""
    with ExitStack() as stack:

        def begin(**options: Any) -> Driven:
            return stack.enter_context(Driven(scenario.host, options))

        yield begin
