"""An application with a clock that tests turn, and an account that is set up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from wgreconcile.api.app import create_app
from wgreconcile.api.auth import passwords
from wgreconcile.api.probes import Hop, Pinged, Probes
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.document import InMemory
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.desired.store import Store

from .dashboard import ELSEWHERE, PASSWORD, USERNAME, Caller, Clock, Idle, answer


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed quickly, since nobody attacks a test."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    runtime = Runtime(tmp_path / "var" / "runtime.db", tmp_path / "secrets" / "runtime.key")
    yield runtime
    runtime.close()


@pytest.fixture
def document() -> InMemory:
    return InMemory({"peers": {"endpoint": "192.0.2.10"}})


@pytest.fixture
def settings(document: InMemory) -> DashboardSettings:
    return DashboardSettings(document)


@pytest.fixture
def probes() -> Probes:
    """Everybody answers within a millisecond, and everything is two steps away."""
    hops = {1: Hop(1, "192.0.2.254", 0.5, 1.0, 1.5)}
    return Probes(
        ping=lambda address, count: Pinged(address, count, count, 0.5, 1.0, 1.5),
        trace_hop=lambda address, distance: hops.get(distance) or Hop(distance, address, 0.5, 1.0, 1.5),
    )


@pytest.fixture
def make_app(tmp_path: Path, runtime: Runtime, settings: DashboardSettings, clock: Clock, probes: Probes) -> Any:
    def make(**options: Any) -> Any:
        collaborators = {"clock": clock, "probes": probes, **options}
        return create_app(Store(tmp_path / "state"), Idle(), runtime, settings, **collaborators)

    return make


@pytest.fixture
def new_app(make_app: Any, runtime: Runtime) -> Any:
    """The application as it is after its first start."""
    runtime.accounts.create("admin", "one-time-password", has_default_password=True)
    return make_app()


@pytest.fixture
def app(new_app: Any, runtime: Runtime) -> Any:
    """The application with an account that is set up."""
    runtime.accounts.set_up(USERNAME, PASSWORD)
    return new_app


@pytest.fixture
def stranger(app: Any) -> Caller:
    """Somebody without credentials, from another host."""
    return Caller(app, ELSEWHERE)


@pytest.fixture
def owner(app: Any) -> Caller:
    """The owner, signed in on this host."""
    caller = Caller(app)
    assert caller.sign_in() == answer(False, ok=True)
    return caller
