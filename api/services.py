"""The collaborators of the handlers, handed to :func:`wgreconcile.api.app.create_app` and from there to each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from wgreconcile.api.keyring import Keyring
from wgreconcile.api.last_sound import LastSound
from wgreconcile.api.probes import Probes
from wgreconcile.api.reconciler import Reconciler, Snapshot
from wgreconcile.api.releases import Releases
from wgreconcile.api.request import Clock
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.writes.transactions import LOOK_AGAIN, Transactions
from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.store import Store

AT_ONCE = 0.002
"""Seconds after which what is live is not known from a moment ago, but looked at."""

Adopt = Callable[[], object]
"""Takes configuration files that nobody manages yet into the desired state; cheap when there are none."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a handler may use besides its request. All of it is safe to use from many threads."""

    store: Store
    reconciler: Reconciler
    runtime: Runtime
    settings: DashboardSettings
    probes: Probes
    releases: Releases
    clock: Clock
    conf_dir: str
    transactions: Transactions
    keyring: Keyring
    adopt: Adopt
    last_sound: LastSound

    def state(self, within: float | None = None) -> DesiredState:
        """The desired state to answer from, ``within`` so many seconds for who looks again and again."""
        return self.last_sound.get(within)

    def state_with(self, name: str) -> DesiredState:
        """The same, with the interface of that name adopted first if nobody manages it yet."""
        if self.state().find(name) is None:
            self.adopt_new()
        return self.state()

    def seen(self, name: str) -> tuple[DesiredState, Snapshot]:
        """The state as :meth:`state_with` gives it, and what is live.

        A look at the host is mostly waiting. Meanwhile there is time for one at the documents, too, which
        spares it to whoever asks again.
        """
        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(self.reconciler.observed)
            if wait([looking], AT_ONCE).not_done:
                self.state(LOOK_AGAIN)
            return self.state_with(name), looking.result()

    def adopt_new(self) -> None:
        """Take in the interfaces that nobody manages yet, if the settings say so."""
        if self.settings.get().adopt:
            self.adopt()
