"""Every error raised on purpose, one class per who must act.

Each names what is wrong, where, and what to do about it, and carries the exit status of the command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")


def masked(text: str) -> str:
    """A text without what has the form of a WireGuard key: nobody can tell a private one from a public one."""
    return _KEY.sub("(key)", text)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a document, printed as ``file:line: field: what, what to do``.

    ``line`` counts from 1; 0 means the file as a whole. An empty ``field`` means the document as a whole.
    Whatever the texts quote, no key stands in them.
    """

    file: str
    line: int
    field: str
    problem: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("field", "problem", "remedy"):
            object.__setattr__(self, name, masked(getattr(self, name)))

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        field = f"{self.field}: " if self.field else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{where}: {field}{self.problem}{remedy}"


class WgreconcileError(Exception):
    """Base of all errors that a user is meant to read."""

    exit_status = 1


class StateError(WgreconcileError):
    """The desired state has faults; the user amends it. Carries all of them."""

    exit_status = 78

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))


class UsageError(WgreconcileError):
    """What was asked for cannot be done as asked; the user asks differently. What is quoted of it has no key."""

    def __init__(self, problem: str) -> None:
        super().__init__(masked(problem))


class UnsafePlanError(WgreconcileError):
    """The plan would remove or disturb more than allowed; the user looks, then repeats with ``--force``."""


class BusyError(WgreconcileError):
    """Another run holds the lock; retry."""

    exit_status = 75


class DependencyError(WgreconcileError):
    """A program or a privilege is missing; the user installs or grants it."""


class CommandError(WgreconcileError):
    """A program failed. ``argv`` never holds a secret."""

    def __init__(self, argv: Sequence[str], status: int, stderr: str) -> None:
        self.argv = tuple(argv)
        self.status = status
        self.stderr = stderr.strip()
        super().__init__(f"`{' '.join(self.argv)}` ended with status {status}: {self.stderr or 'no message'}")


class HookError(WgreconcileError):
    """A hook of an interface failed; the user repairs it in the state."""


class ConvergenceError(WgreconcileError):
    """Applied and observed again, the interface still differs; the message names what."""


class ConflictError(WgreconcileError):
    """Someone else changed the document first; read it again and repeat."""
