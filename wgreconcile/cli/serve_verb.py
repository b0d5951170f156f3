"""``serve``: the HTTP API, with the reconciler in the same process, until a signal ends it."""

from __future__ import annotations

import argparse
import ctypes
import gc
import ipaddress
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from wgreconcile.cli.serving import Serving
from wgreconcile.cli.settings import Settings
from wgreconcile.errors import DependencyError, UsageError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # malloc.h
_LARGE = 256 * 1024
_YOUNG_OBJECTS = 20_000
"""New objects before Python looks for garbage: a pass over thousands of peers makes many, and none in circles."""
_TURN = 0.001
"""Seconds for which a thread computes while others would go on: whoever waits for the disk or for a program."""


def serve(arguments: argparse.Namespace, settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; what was begun is ended and answered first."""
    if os.geteuid() != 0:
        raise DependencyError("`wgreconcile serve` needs root: it changes interfaces")
    listen = checked_listen(arguments.listen) if arguments.listen else None
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    _give_memory_back()
    frontend = Path(arguments.frontend) if arguments.frontend else None
    serving = Serving(settings, listen, frontend, _say)
    with _stopped_by_signals(serving.stop), serving:
        serving.warm_up()
        _look_for_garbage()
        sys.setswitchinterval(_TURN)
        _say(f"Listening on {serving.url} (sign in there, or send an API key in the header wg-dashboard-apikey)")
        _warn_of_everybody(serving.host)
        serving.run()
    _say("Stopped.")
    return 0


def checked_listen(text: str) -> str:
    """``HOST:PORT`` with an address. Raise UsageError for all addresses by omission, or for none."""
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen: '{text}' does not end in a port; write it like 127.0.0.1:10086")
    if host in ("", "*"):
        remedy = f"127.0.0.1:{port}, or 0.0.0.0:{port} if every network is meant"
        raise UsageError(f"--listen: '{text}' would listen everywhere; write an address: {remedy}")
    if host != "localhost" and not _is_address(host):
        raise UsageError(f"--listen: '{host}' is no address; IPv6 stands in brackets: [::1]:{port}")
    return text


def _is_address(host: str) -> bool:
    in_brackets = host.startswith("[") and host.endswith("]")
    try:
        return ipaddress.ip_address(host[1:-1] if in_brackets else host).version == (6 if in_brackets else 4)
    except ValueError:
        return False


def _warn_of_everybody(host: str) -> None:
    if host != "localhost" and not ipaddress.ip_address(host.strip("[]")).is_loopback:
        _say("Whoever reaches this address can try to sign in, and reads along: put a proxy with TLS before it.")


def _give_memory_back() -> None:
    """Let threads share what they have freed, and large texts go back to the system at once.

    By default glibc keeps both for each thread, and sixteen threads come to hundreds of megabytes.
    """
    with suppress(AttributeError, OSError):  # another C library has other ways
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _look_for_garbage() -> None:
    """Switch on again what is off for short runs. What is here by now stays, and need not be looked through."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
    gc.enable()


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` in a thread when the first signal comes; further ones change nothing."""
    thread = threading.Thread(target=stop, name="stop")

    def begin(number: int, frame: FrameType | None) -> None:
        if thread.ident is None:  # it was not started yet
            thread.start()

    before = {each: signal.signal(each, begin) for each in SIGNALS}
    try:
        yield
    finally:
        if thread.ident is not None:
            thread.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    print(text, flush=True)
