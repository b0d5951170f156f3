"""What a terminal gets and a pipe does not: colour and progress."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_COLOURS = {"add": "32", "remove": "31", "hunk": "36", "head": "1", "warn": "33", "error": "31;1"}

READING = "reading the state"


def painter(out: TextIO) -> Callable[[str, str], str]:
    """A function that colours text for ``out``: on a terminal that can, and never with NO_COLOR set."""
    if not out.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return lambda colour, text: text
    return lambda colour, text: f"\033[{_COLOURS[colour]}m{text}\033[0m"


def progress(err: TextIO) -> Callable[[str, str], None]:
    """A function that shows on one line of a terminal what is being done, and clears it without a text.

    What is done for an interface is led by its name. Elsewhere than on a terminal it is silent.
    """
    if not err.isatty() or os.environ.get("TERM") == "dumb":
        return lambda name, text: None

    def show(name: str, text: str) -> None:
        line = f"{name}: {text} …".removeprefix(": ") if text else ""
        with suppress(OSError):  # a terminal that went away is no reason to stop
            err.write(f"\r\033[K{line}")
            err.flush()

    return show


@contextmanager
def working(err: TextIO, text: str) -> Iterator[Callable[[str, str], None]]:
    """Show on a terminal what takes long when there are many peers; gives what shows how it goes on."""
    show = progress(err)
    show("", text)
    try:
        yield show
    finally:
        show("", "")
