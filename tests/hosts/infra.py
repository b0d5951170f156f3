"""A testinfra connection into a test host."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import testinfra.host
from testinfra.backend.base import BaseBackend, CommandResult

Popen = Callable[..., "subprocess.Popen[str]"]


class TestHostBackend(BaseBackend):
    """Runs testinfra's shell commands inside a test host."""

    __test__ = False  # pytest collects classes by their name
    NAME = "testhost"

    def __init__(self, name: str, popen: Popen) -> None:
        super().__init__(name)
        self._popen = popen

    @classmethod
    def connect(cls, name: str, popen: Popen) -> testinfra.host.Host:
        """A testinfra host whose commands are started by ``popen``."""
        backend = cls(name, popen)
        host = testinfra.host.Host(backend)
        backend.set_host(host)
        return host

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a shell command line, its ``args`` quoted into it."""
        line = self.get_command(command, *args)
        with self._popen(["sh", "-c", line]) as process:
            stdout, stderr = process.communicate()
        return self.result(process.returncode, line.encode(), stdout, stderr)
