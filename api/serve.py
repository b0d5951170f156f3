"""The application on a socket."""

from __future__ import annotations

import time
from typing import Any

import falcon
import waitress  # type: ignore[import-untyped]
from waitress import trigger, wasyncore

from wgreconcile.api.web.body import MOST_BYTES

DEFAULT_LISTEN = "127.0.0.1:10086"
THREADS = 16
_LOOK_AGAIN = 0.02


class Server:
    """Listens on ``listen`` (``HOST:PORT``, an IPv6 address in brackets) from here on. Raise OSError."""

    def __init__(self, app: falcon.App[Any, Any], listen: str = DEFAULT_LISTEN, threads: int = THREADS) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = waitress.create_server(
            app,
            map=self._sockets,
            listen=listen,
            threads=threads,
            ident=None,
            connection_limit=500,
            max_request_header_size=64 * 1024,
            # The application refuses large bodies politely; this is for those that are out of all reason.
            max_request_body_size=8 * MOST_BYTES,
            # Whether a proxy is to be believed is decided by the settings, which need to see its headers.
            clear_untrusted_proxy_headers=False,
            expose_tracebacks=False,
        )
        self._wake = next(each for each in self._sockets.values() if isinstance(each, trigger.trigger))

    @property
    def port(self) -> int:
        """The port that it listens on, which tells when 0 was asked for."""
        return int(self._server.effective_port)

    def run(self) -> None:
        """Answer requests until :meth:`close`, or until SystemExit or KeyboardInterrupt comes from a signal."""
        try:
            self._server.run()
        finally:
            self._server.task_dispatcher.shutdown()

    def drain(self, seconds: float) -> None:
        """Wait until all answers are on their way, for at most so many seconds; from any thread."""
        deadline = time.monotonic() + seconds
        while self._is_answering() and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN)

    def close(self) -> None:
        """Make :meth:`run` return; safe to call from another thread."""
        # Sockets belong to the thread that waits for them, so it is asked to close them itself. It may be awake
        # for another reason: the lock keeps it from closing the pipe before the word has gone through it.
        with self._wake.lock:
            self._wake.thunks.append(lambda: wasyncore.close_all(self._sockets))
            self._wake._physical_pull()

    def _is_answering(self) -> bool:
        dispatcher = self._server.task_dispatcher
        waiting = (getattr(each, "total_outbufs_len", 0) for each in list(self._sockets.values()))
        return bool(dispatcher.active_count or dispatcher.queue or any(waiting))
