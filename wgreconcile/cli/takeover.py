"""``import --wgdashboard``: what a WGDashboard knows beyond its configuration files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from wgreconcile.api.reconciler import Outcome, Snapshot
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.document import YamlFile
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard.legacy import Legacy
from wgreconcile.api.wgdashboard.takeover import Takeover
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.cli.settings import Settings
from wgreconcile.converge.site import Site


class _Later:
    """A reconciler that leaves all to the next apply: what is taken over here changes nothing on the host."""

    def converge(self, names: Sequence[str], *, force: bool = False) -> Outcome:
        return Outcome()

    def observed(self, *, anew: bool = False) -> Snapshot:
        return Snapshot()


def take_over(folder: Path, legacy: Legacy, settings: Settings, site: Site, out: TextIO) -> None:
    """Take over what ``folder`` held, and tell what that was."""
    runtime = Runtime(settings.var / "runtime.db", settings.secrets / "runtime.key")
    try:
        dashboard = DashboardSettings(YamlFile(settings.state / "settings.yaml"))
        transactions = Transactions(site.store, site.secrets, _Later())
        takeover = Takeover(legacy, site.store, transactions, runtime, dashboard, time.time())
        takeover.run()
    finally:
        runtime.close()
    done = ", ".join(f"{what} {number}" for what, number in takeover.done.items())
    print(f"taken over from {folder}: {done or 'nothing that was not there'}", file=out)
    for note in takeover.notes:
        print(f"  not taken over: {note}", file=out)
