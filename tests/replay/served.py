"""`wgreconcile serve` on a test host, reached from this machine."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from contextlib import closing
from types import TracebackType
from typing import Any

from ..hosts.testhost import Host, HostProcess
from .forward import Forward

PORT = 10086
LOG = "/run/testhost/serve.log"
ENVIRONMENT = {"RES_OPTIONS": "timeout:1 attempts:1"}
"""Test hosts reach no name server: a second is enough to find that out."""
STARTS_WITHIN = 30.0
STOPS_WITHIN = 30.0


class Served:
    """A server on ``host``; started by the with-block, and again by ``restart``."""

    def __init__(self, host: Host, *arguments: str) -> None:
        self.host = host
        self._arguments = arguments
        self._forward = Forward(host, PORT)
        self._process: HostProcess | None = None
        self.base_url = f"http://127.0.0.1:{self._forward.port}"

    def __enter__(self) -> Served:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._forward.close()

    def start(self) -> None:
        """Start, and come back when it answers."""
        log = self.host.path(LOG)
        with log.open("a") as output:
            self._process = self.host.popen(
                [sys.executable, "-m", "wgreconcile", "serve", *self._arguments],
                env=ENVIRONMENT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server does not answer:\n{log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            self._wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._wait()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def log(self) -> str:
        """Everything that the server has printed."""
        return self.host.path(LOG).read_text()

    def _wait(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"the server did not stop:\n{self.log()}") from None
        finally:
            self._process = None

    def _answers(self) -> bool:
        try:
            self.send("GET", "/")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, list[str]], bytes]:
        """One request; status, headers with small names, and content of the answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._forward.port, timeout=60)) as connection:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"content-type": "application/json", **(headers or {})})
            response = connection.getresponse()
            names = {name.lower() for name in response.headers}
            found = {name: response.headers.get_all(name) or [] for name in names}
            return response.status, found, response.read()
