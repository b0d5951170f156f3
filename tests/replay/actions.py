"""What was done between the requests of a recording, without a test host: waiting, and commands one is told."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Mapping

from .recording import Step
from .states import View
from .variables import Variables


class Here:
    """Waits where the recording waits, at most ``longest`` seconds, and runs ``commands`` for other actions.

    A command is looked up by the name of the action and gets the step as JSON on its standard input.
    """

    def __init__(self, commands: Mapping[str, str], longest: float) -> None:
        self._commands = commands
        self._longest = longest

    def perform(self, step: Step, variables: Variables) -> bool:
        name = step.data["action"]
        if command := self._commands.get(name):
            data = json.dumps({**step.data, "vars": variables.ours})
            subprocess.run(shlex.split(command), input=data, text=True, check=True)
            return True
        if name == "sleep":
            time.sleep(min(step.data["seconds"], self._longest))
        return name == "sleep"

    def state(self, _name: str) -> View | None:
        return None
