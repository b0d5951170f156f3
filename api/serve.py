"""The application on a socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import falcon
import waitress
from waitress import server, trigger, wasyncore

from wgreconcile.api.connection import MOST_HEADER_BYTES, Connection
from wgreconcile.api.lanes import QUICK_THREADS, THREADS, Lanes
from wgreconcile.api.web.body import MOST_BYTES
from wgreconcile.errors import UsageError

DEFAULT_LISTEN = "127.0.0.1:10086"
MOST_CONNECTIONS = 400
_LOOK_AGAIN = 0.02


class Server:
    """Listens on ``listen`` (``HOST:PORT``, an IPv6 address in brackets) from here on. Raise UsageError.

    ``slow`` are the beginnings of paths whose requests may wait, which the others never do. However many
    connections somebody holds open, there is room for the next one.
    """

    def __init__(
        self,
        app: falcon.App[Any, Any],
        listen: str = DEFAULT_LISTEN,
        slow: Sequence[str] = (),
        *,
        threads: int = THREADS,
        quick_threads: int = QUICK_THREADS,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._sockets: dict[int, Any] = {}
        self._lanes = Lanes(slow, threads, quick_threads)
        self._server = self._listen(app, listen)
        self._listening = [each for each in self._sockets.values() if isinstance(each, server.BaseWSGIServer)]
        for each in self._listening:
            each.channel_class = Connection
            each.handle_accept = _with_room(each, each.handle_accept, most_connections)
        self._wake = next(each for each in self._sockets.values() if isinstance(each, trigger.trigger))

    @property
    def port(self) -> int:
        """The port that it listens on, which tells when 0 was asked for."""
        return int(self._listening[0].effective_port)

    def run(self) -> None:
        """Answer requests until :meth:`close`, or until SystemExit or KeyboardInterrupt comes from a signal."""
        try:
            self._server.run()
        finally:
            self._lanes.shutdown()

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

    def _listen(self, app: falcon.App[Any, Any], listen: str) -> Any:
        try:
            return waitress.create_server(
                app,
                map=self._sockets,
                _dispatcher=self._lanes,
                listen=listen,
                ident=None,
                connection_limit=500,  # as many as select() can look at, with files to spare
                max_request_header_size=MOST_HEADER_BYTES,
                # The application refuses large bodies politely; this is for those that are out of all reason.
                max_request_body_size=2 * MOST_BYTES,
                # Whether a proxy is to be believed is decided by the settings, which need to see its headers.
                clear_untrusted_proxy_headers=False,
                expose_tracebacks=False,
            )
        except OSError as error:
            self._lanes.shutdown()
            remedy = "end what listens there, or name another address with --listen"
            raise UsageError(f"cannot listen on {listen}: {error.strerror}; {remedy}") from None

    def _is_answering(self) -> bool:
        waiting = (getattr(each, "total_outbufs_len", 0) for each in list(self._sockets.values()))
        return self._lanes.is_busy or any(waiting)


def _with_room(listening: Any, accept: Callable[[], None], most: int) -> Callable[[], None]:
    """``accept``, and with too many connections an end of the oldest one that brings no request.

    A few clients that send a byte now and then would otherwise keep everybody else out.
    """

    def accept_and_make_room() -> None:
        accept()
        channels = [each for each in listening.active_channels.values() if not each.will_close]
        if len(channels) > most:
            idle = (each for each in channels if not each.requests and not each.total_outbufs_len)
            oldest = min(idle, key=lambda each: each.creation_time, default=None)
            if oldest is not None:
                # It goes in the next round: by now its number may be among those that are looked at in this one.
                oldest.will_close = True

    return accept_and_make_room
