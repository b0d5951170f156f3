"""An application with a clock that tests turn, and an account that is set up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from wgreconcile.api.app import create_app
from wgreconcile.api.auth import passwords
from wgreconcile.api.keyring import Keyring
from wgreconcile.api.probes import Hop, Pinged, Probes
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.document import InMemory
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.desired.warm import WarmStore
from wgreconcile.importing.importer import files_to_import, import_files

from .dashboard import ELSEWHERE, PASSWORD, USERNAME, Caller, Clock, Idle, answer
from .host import Host, Owner


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
        store, secrets, idle = Store(tmp_path / "state"), Secrets(tmp_path / "secrets"), Idle()
        writes = Transactions(store, secrets, idle)
        return create_app(store, idle, runtime, settings, writes, Keyring(secrets), **collaborators)

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


@pytest.fixture
def store(tmp_path: Path) -> WarmStore:
    """The store of :func:`keeper`."""
    (tmp_path / "state").mkdir()
    return WarmStore(tmp_path / "state")


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets")


@pytest.fixture
def host(store: WarmStore, secrets: Secrets) -> Host:
    return Host(store, secrets)


@pytest.fixture
def transactions(store: WarmStore, secrets: Secrets, host: Host) -> Transactions:
    return Transactions(store, secrets, host)


@pytest.fixture
def adopt(store: WarmStore, secrets: Secrets, host: Host, tmp_path: Path) -> Callable[[], object]:
    """Takes in the files of ``conf`` below the test's folder."""
    conf_dir = tmp_path / "conf"
    conf_dir.mkdir()

    def adopt() -> object:
        files = files_to_import([], conf_dir=conf_dir, known=store.names())
        folders = {"store": store, "secrets": secrets, "conf_dir": conf_dir}
        return import_files(files, **folders, live=host.live, remarks="descriptions")  # as Adoption does

    return adopt


@pytest.fixture
def keeper(
    store: WarmStore,
    secrets: Secrets,
    host: Host,
    transactions: Transactions,
    adopt: Callable[[], object],
    runtime: Runtime,
    settings: DashboardSettings,
    probes: Probes,
    tmp_path: Path,
) -> Owner:
    """Somebody who looks after a host, signed in, at the present time."""
    runtime.accounts.create(USERNAME, PASSWORD, has_default_password=False)
    clock = Clock(float(int(time.time())))
    app = create_app(
        *(store, host, runtime, settings, transactions, Keyring(secrets)),
        clock=clock,
        probes=probes,
        adopt=adopt,
        conf_dir=str(tmp_path / "conf"),
    )
    owner = Owner(app, host=host, store=store, runtime=runtime, clock=clock)
    assert owner.sign_in()["status"]
    return owner
