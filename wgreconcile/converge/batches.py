"""Many commands for one ``ip -batch``, which tells of the one that fails no more than its number."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wgreconcile.command import run
from wgreconcile.errors import CommandError

_FAILED = re.compile(r"^Command failed \S+:(\d+)$", re.MULTILINE)


def run_batch(lines: Sequence[str], *options: str) -> None:
    """Run ``ip`` commands in one process, none for no lines. Raise CommandError with the line that failed."""
    if not lines:
        return
    try:
        run(["ip", *options, "-batch", "-"], stdin=text_of(lines))
    except CommandError as error:
        raise with_line(error, lines) from None


def text_of(lines: Sequence[str]) -> str:
    """A batch as ``ip`` reads it."""
    return "".join(f"{line}\n" for line in lines)


def with_line(error: CommandError, lines: Sequence[str]) -> CommandError:
    """The same error with the line of the batch that failed, where it has the number of one."""

    def named(found: re.Match[str]) -> str:
        number = int(found[1])
        return f"{found[0]}: ip {lines[number - 1]}" if 0 < number <= len(lines) else found[0]

    return CommandError(error.argv, error.status, _FAILED.sub(named, error.stderr))
