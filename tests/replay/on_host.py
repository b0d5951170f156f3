"""What was done between the requests of a recording, done on a test host."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wgreconcile.api.settings.document import YamlFile
from wgreconcile.api.settings.settings import DashboardSettings

from ..hosts.testhost import STATE_FOLDER, Host
from .recording import Step
from .served import Served
from .states import View, view_of
from .variables import Variables

CONF = "/etc/wireguard"
CLIENT_CONF = "/etc/wireguard/wgclient.conf"
_SETTINGS = {"app_prefix": "server.prefix", "auth_req": "server.auth_required"}
_NOTICED_WITHIN = 1.5
"""Seconds after which the server has seen a change by hand, which it looks for once a second."""
_SETTING = re.compile(r"(\w+) (?:= (\S+?)|(empty))(?=,|;|$| and)")
_PARTS_OF_A_NAME = ("file", "configuration", "interface", "name", "conf_name")


class OnHost:
    """Does it on ``served``'s host; ``client`` is another host that can reach it at ``address``.

    What would be waited for longer than ``longest`` seconds is not waited for.
    """

    def __init__(self, served: Served, client: Host, address: str, fixtures: Path, longest: float) -> None:
        self._served = served
        self._host = served.host
        self._client = client
        self._address = address
        self._fixtures = {path.stem for path in fixtures.glob("*.conf")}
        self._do: dict[str, Callable[[Step, Variables], None]] = {
            "restart_server": self._restart,
            "sleep": lambda step, _: time.sleep(step.data["seconds"] if step.data["seconds"] <= longest else 0),
            "delete_conf_files": lambda _step, _variables: self._delete_others(),
            "client_connects": lambda _, variables: self._connect(variables),
            "client_gone": lambda _step, _variables: self._leave(),
        }

    def perform(self, step: Step, variables: Variables) -> bool:
        """Do what a step says; False for what nobody here knows how to do."""
        do = self._do.get(step.data["action"])
        if do is None and "conf" in step.data:
            do = self._edit
        if do is not None:
            do(step, variables)
        return do is not None

    def state(self, name: str) -> View | None:
        """The file and the live state of a configuration."""
        path = self._host.path(f"{CONF}/{name}.conf")
        shown = self._host.run(["wg", "show", name, "dump"], check=False)
        rows = [line.split("\t") for line in shown.stdout.splitlines()] if shown.returncode == 0 else None
        return view_of(path.read_text() if path.exists() else None, rows)

    def _restart(self, step: Step, _variables: Variables) -> None:
        """The note of the step says what was changed in the ini before."""
        self._served.stop()
        settings = DashboardSettings(YamlFile(self._host.path(f"{STATE_FOLDER}/settings.yaml")))
        for name, text, empty in _SETTING.findall(step.note):
            if field := _SETTINGS.get(name):
                settings.set(field, _setting("" if empty else text))
        self._served.start()

    def _edit(self, step: Step, variables: Variables) -> None:
        names = [str(step.data[key]) for key in _PARTS_OF_A_NAME if key in step.data]
        name = next(iter(names), "") or re.findall(r"wg\w+", step.note)[0]
        path = f"{CONF}/{name.removesuffix('.conf')}.conf"
        if step.data["conf"] is None:
            self._host.path(path).unlink(missing_ok=True)
        else:
            self._host.write(path, variables.translate(step.data["conf"]))

    def _delete_others(self) -> None:
        """Configurations that requests have made; those that the recording began with stay.

        Here a configuration is its document, from which a file that is missing would come back.
        """
        state = self._host.path(STATE_FOLDER)
        for path in self._host.path(CONF).glob("*.conf"):
            if path.stem not in self._fixtures:
                (state / f"{path.stem}.yaml").unlink()
                path.unlink()
        time.sleep(_NOTICED_WITHIN)

    def _connect(self, variables: Variables) -> None:
        """A client with the key of c, through the default port of wg0."""
        lines = [
            "[Interface]",
            f"PrivateKey = {variables.ours['c_prv']}",
            "Address = 10.7.0.4/32",
            "[Peer]",
            f"PublicKey = {variables.ours['wg0_pub']}",
            "AllowedIPs = 10.7.0.0/24",
            f"Endpoint = {self._address}:51820",
        ]
        self._client.write(CLIENT_CONF, "\n".join(lines) + "\n")
        self._client.run(["wg-quick", "up", CLIENT_CONF])
        self._client.run(["ping", "-c", "40", "-s", "1200", "-i", "0.05", "-W", "5", "10.7.0.1"], check=False)

    def _leave(self) -> None:
        self._client.run(["wg-quick", "down", CLIENT_CONF])


def _setting(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)
