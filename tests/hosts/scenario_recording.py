"""Every program that a run starts, recorded: on a test host wrappers stand before the machine's own ones."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .testhost import PROGRAM_FOLDER, Host

LOG = "/run/testhost/calls"
KILL_SCRIPT = "/run/testhost/kill"
"""Sourced by each wrapper that wg-quick starts, if the environment asks for a kill (see scenario_killing)."""

WRAPPED = ("ip", "iptables-restore", "ip6tables-restore", "nft", "sysctl", "wg", "wireguard-go")
_WORD, _INPUT, _END = "\x1f", "\x1d", "\x1e"

# One printf a call, so that two programs that run at once do not mix their records.
_WRAPPER = f"""#!/bin/sh
IFS='{_WORD}'
real=REAL
if [ -n "$TESTHOST_KILL" ] && [ -n "$TESTHOST_WG_QUICK" ]; then . {KILL_SCRIPT}; fi
case "$*" in
*-batch{_WORD}*)
    for file; do :; done
    if [ "$file" = - ]; then file=/dev/stdin; fi
    input=$(cat "$file")
    printf 'NAME%s{_END}' "{_WORD}$*{_INPUT}$input" >>{LOG}
    if [ "$file" != /dev/stdin ]; then exec "$real" "$@"; fi
    printf '%s\\n' "$input" | "$real" "$@"
    exit ;;
esac
printf 'NAME%s{_END}' "{_WORD}$*" >>{LOG}
exec "$real" "$@"
"""
_WG_QUICK = f"""(IFS='{_WORD}'; printf 'wg-quick%s{_END}' "{_WORD}$*" >>{LOG})
export TESTHOST_WG_QUICK=$$
"""


@dataclass(frozen=True)
class Call:
    """One program that was started: its words, and for ``ip -batch`` the lines that it was fed."""

    words: tuple[str, ...]
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "; ".join((" ".join(self.words), *self.lines))

    @property
    def writes(self) -> bool:
        """Whether it may have changed something: everything but what is known to look only."""
        if self.lines:
            return any(_writes(("ip", *line.split())) for line in self.lines)
        return _writes(self.words)


def _writes(words: Sequence[str]) -> bool:
    program, *rest = (each for each in words if not each.startswith("-"))
    if program == "wg":
        return rest[:1] not in (["show"], ["showconf"], ["pubkey"])
    if program == "ip":
        return rest[1:2] not in (["show"], ["get"])
    return True


def record(host: Host) -> None:
    """Put the wrappers onto a host."""
    host.write(LOG, "")
    for name in WRAPPED:
        if real := shutil.which(name):
            host.install(name, _WRAPPER.replace("REAL", real).replace("NAME", name))
    wg_quick = shutil.which("wg-quick")
    assert wg_quick
    shebang, _, rest = Path(wg_quick).read_text().partition("\n")
    # A copy, because wg-quick looks for wg and ip beside itself first.
    host.write(f"{PROGRAM_FOLDER}/wg-quick", f"{shebang}\n{_WG_QUICK}{rest}", 0o755)


def mark(host: Host) -> int:
    """This moment, for ``calls``."""
    return host.path(LOG).stat().st_size


def calls(host: Host, since: int = 0) -> tuple[Call, ...]:
    """The programs that were started since then."""
    records = host.path(LOG).read_bytes()[since:].decode(errors="replace").split(_END)[:-1]
    return tuple(map(_call, records))


def _call(text: str) -> Call:
    words, _, lines = text.partition(_INPUT)
    return Call(tuple(words.split(_WORD)), tuple(lines.splitlines()))
