"""The one place that runs programs: argument vectors, never a shell; secrets by standard input, never in argv."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from wgreconcile.errors import CommandError, DependencyError

_PACKAGES = {"wg": "wireguard-tools", "wg-quick": "wireguard-tools", "ip": "iproute2", "git": "git"}
TIMEOUT = 300.0
"""Seconds after which a program counts as hanging; hooks may wait for a network."""


def run(argv: Sequence[str], *, stdin: str = "", ok: Sequence[int] = (0,), timeout: float = TIMEOUT) -> str:
    """Run a program and return its standard output.

    Raise DependencyError when it is not installed and CommandError when its status is not in ``ok`` or
    it does not end within ``timeout`` seconds.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
        )
    except FileNotFoundError:
        package = _PACKAGES.get(argv[0], argv[0])
        raise DependencyError(f"`{argv[0]}` is not installed; install the package {package}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(argv, -1, f"no end after {timeout:.0f} s") from None
    if done.returncode not in ok:
        raise CommandError(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


def is_installed(program: str) -> bool:
    """Whether a program is on the path."""
    return shutil.which(program) is not None
