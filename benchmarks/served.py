"""Servers in processes of their own, and the clients that measure them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

HOST = "127.0.0.1"
_STARTS_WITHIN = 120.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Served:
    """A server program that listens on ``port``; it runs from here to the end of the with-block, or ``stop``."""

    def __init__(self, argv: list[str], port: int, log: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.port = port
        began = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(argv, env=environ, stdout=output, stderr=output)
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - began > _STARTS_WITHIN:
                sys.exit(f"{' '.join(argv)} does not answer:\n{log.read_text()}")
            time.sleep(0.01)
        self.start_seconds = time.perf_counter() - began

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._process.terminate()
        self._process.wait()

    def megabytes(self, field: str = "VmRSS") -> float:
        """Its memory, or with ``VmHWM`` the most that it ever had."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return int(next(each for each in lines if each.startswith(field)).split()[1]) / 1024

    def cpu_seconds(self) -> float:
        """What it has computed, with the programs that it ran."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    def _answers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            Client(self.port).get("/")
            return True
        return False


class Client:
    """One connection that stays open; ``headers`` go with every request."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.headers = dict(headers or {})
        self._connection = http.client.HTTPConnection(HOST, port, timeout=120)

    def get(self, path: str) -> bytes:
        """The content of the answer."""
        return self._send("GET", path, None)[0]

    def post(self, path: str, body: Any) -> bytes:
        """The same, for a JSON body."""
        return self._send("POST", path, json.dumps(body))[0]

    def must(self, path: str, body: Any) -> Any:
        """The data of a POST that has to succeed."""
        answer = json.loads(self.post(path, body))
        if answer["status"] is not True:
            sys.exit(f"{path}: {answer['message']}")
        return answer["data"]

    def cookies(self, path: str, body: Any) -> str:
        """The cookies that a POST sets."""
        _, headers = self._send("POST", path, json.dumps(body))
        return "; ".join(each.partition(";")[0] for each in headers.get_all("Set-Cookie", []))

    def _send(self, method: str, path: str, body: str | None) -> tuple[bytes, http.client.HTTPMessage]:
        self._connection.request(method, path, body, {"Content-Type": "application/json", **self.headers})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            sys.exit(f"{path}: {response.status}: {content[:500]!r}")
        return content, response.headers
