"""``wg show all dump``, asked for at once and read later."""

from __future__ import annotations

from functools import cached_property

from wgreconcile.command import start
from wgreconcile.errors import CommandError

_ARGV = ("wg", "show", "all", "dump")


class DumpQuery:
    """The question; its answer is for :func:`wgreconcile.observed.wg.parse_dump`."""

    def __init__(self) -> None:
        self._running = start(_ARGV)

    @cached_property
    def text(self) -> str:
        """What wg printed. Raise CommandError.

        It fails for an interface that goes while it is asked, such as one whose wireguard-go is killed, and then
        says nothing of the others. So it is asked once more, unless it hung.
        """
        try:
            return self._running.finish()
        except CommandError as error:
            if error.status < 0:
                raise
            return start(_ARGV).finish()
