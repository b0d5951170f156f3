"""A port of this machine that leads into a test host, so that plain HTTP clients reach a server there."""

from __future__ import annotations

import ctypes
import socket
import threading
from contextlib import suppress
from types import TracebackType

from ..hosts.testhost import Host

_NETWORK = 0x40000000  # CLONE_NEWNET
_libc = ctypes.CDLL(None, use_errno=True)


class Forward:
    """Takes connections on ``port`` of 127.0.0.1 and makes them anew from inside of ``host``.

    The server there sees them come from its own loopback address.
    """

    def __init__(self, host: Host, to: int) -> None:
        self._host = host
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._failure: OSError | None = None
        self._entered = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        self._entered.wait()
        if self._failure:
            raise self._failure

    def __enter__(self) -> Forward:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take no more connections."""
        # A mere close would not wake the thread that waits for the next connection.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def connect(self) -> socket.socket:
        """A connection from this machine; refused by what is there, or made and closed when nothing is."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def _serve(self) -> None:
        """A network namespace is a thread's own, and threads that it starts have it, too."""
        try:
            self._enter()
        except OSError as failure:
            self._failure = failure
        self._entered.set()
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _enter(self) -> None:
        with open(f"/proc/{self._host.pid}/ns/net", "rb") as namespace:  # noqa: PTH123  (no file, a handle)
            if _libc.setns(namespace.fileno(), _NETWORK):
                raise OSError(ctypes.get_errno(), f"cannot enter the network of {self._host}")

    def _join(self, near: socket.socket) -> None:
        with near:
            try:
                far = socket.create_connection(("127.0.0.1", self._to), timeout=10)
            except OSError:
                return
            with far:
                far.settimeout(None)
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes until an end closes, then say so to the other one."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
