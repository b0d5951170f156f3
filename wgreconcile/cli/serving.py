"""The API and the reconciler in one process: all collaborators put together, started and stopped in order."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from wgreconcile.agent.local import LocalReconciler
from wgreconcile.agent.periodic import Periodic
from wgreconcile.api.app import create_app
from wgreconcile.api.auth.first_run import PASSWORD_VARIABLE, prepare_account
from wgreconcile.api.keyring import Keyring
from wgreconcile.api.lanes import slow_paths
from wgreconcile.api.routes import ROUTES
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.sampling import Sampler
from wgreconcile.api.serve import Server
from wgreconcile.api.settings.document import YamlFile
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard.job_runner import JobRunner
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.cli.adoption import Adoption
from wgreconcile.cli.settings import Settings
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import WgreconcileError
from wgreconcile.files import exclusive_lock, make_private_folder

_log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0
ANSWER_SECONDS = 10.0
"""How long a stop waits for answers that are on their way."""


class Serving:
    """Everything that ``serve`` runs. As a context manager it converges and counts; :meth:`run` answers.

    ``announce`` is told how to sign in on the first run. Raise StateError, UsageError, BusyError, OSError.
    """

    def __init__(
        self, settings: Settings, listen: str | None, frontend: Path | None, announce: Callable[[str], None]
    ) -> None:
        settings.state.mkdir(parents=True, exist_ok=True)
        make_private_folder(settings.var)
        store = WarmStore(settings.state, cache=settings.var / "cache")
        secrets = Secrets(settings.secrets, state=settings.state)
        site = Site(store, secrets, settings.conf_dir, settings.var)
        dashboard = DashboardSettings(YamlFile(settings.state / "settings.yaml"))
        server = dashboard.get().server
        self._stack = ExitStack()
        with ExitStack() as undo:
            # Two would both carry out schedules and count usage, each without knowing of the other.
            undo.enter_context(exclusive_lock(settings.var / "serve.lock", "`wgreconcile serve`"))
            runtime = Runtime(settings.var / "runtime.db", settings.secrets / "runtime.key")
            undo.callback(runtime.close)
            # And with the same secrets, each would take new keys of the other for what a killed write has left.
            undo.enter_context(exclusive_lock(settings.secrets / "runtime.key", "`wgreconcile serve`"))
            prepare_account(runtime.accounts, os.environ, announce)
            os.environ.pop(PASSWORD_VARIABLE, None)  # hooks, which get the environment, have no business with it
            self._reconciler = LocalReconciler(site, on_sample=Sampler(runtime.usage))
            self._transactions = Transactions(store, secrets, self._reconciler)
            jobs = JobRunner(store, self._transactions, runtime)
            self._schedules = Periodic("schedules", jobs.run, retry=RETRY_SECONDS)
            app = create_app(
                store,
                self._reconciler,
                runtime,
                dashboard,
                self._transactions,
                Keyring(secrets),
                conf_dir=str(settings.conf_dir),
                adopt=Adoption(site),
                frontend=frontend,
            )
            slow = slow_paths(server.prefix, ROUTES)
            self._server = Server(app, listen or _listen_of(server.address, server.port), slow)
            self._stack = undo.pop_all()
        self.host = (listen or _listen_of(server.address, server.port)).rpartition(":")[0]
        self.url = f"http://{self.host}:{self._server.port}{server.prefix}/"
        self._store = store

    def warm_up(self) -> None:
        """Take the desired state into memory.

        One with faults, or that a full disk keeps from being whole, is told, and served as soon as it is amended.
        """
        try:
            self._store.load()
            self._transactions.settle()
        except (WgreconcileError, OSError) as error:
            _log.error("%s", error)

    def __enter__(self) -> Serving:
        self._stack.callback(self._reconciler.stop)
        self._reconciler.start()
        self._stack.callback(self._transactions.close)
        self._stack.callback(self._schedules.stop)
        self._schedules.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self) -> None:
        """Answer requests until :meth:`stop`."""
        self._server.run()

    def stop(self) -> None:
        """Let the writes that were begun end and be answered, then let :meth:`run` return; from any thread."""
        self._transactions.close()
        self._server.drain(ANSWER_SECONDS)
        self._server.close()


def _listen_of(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
