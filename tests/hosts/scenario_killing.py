"""Runs of wgreconcile that are killed at a chosen step: every one is reached in turn, whatever the program does.

A step of wgreconcile itself is whatever it does that leaves a trace: a file renamed into place, removed or opened
for writing, a program started that writes. Python's audit events tell of each of them just before it happens. A
step of wg-quick is each program that it starts and that does more than show something.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from .scenario import LATER, Run, Scenario
from .scenario_recording import KILL_SCRIPT
from .testhost import REPOSITORY

_PYTHON_FOLDER = "/run/testhost/python"
_COUNT = "/run/testhost/count"

# Python imports a module of this name at its start.
_SITECUSTOMIZE = """
import os, signal, sys

os.environ["TESTHOST_PYTHON"] = str(os.getpid())
who, left, *_ = os.environ["TESTHOST_KILL"].split(":")
left = int(left)

def leaves_a_trace(event, args):
    if event == "open":
        path, _, flags = args
        if isinstance(path, int) or not flags & (os.O_WRONLY | os.O_RDWR):
            return False
        path = os.fsdecode(path)
        # That a draft is left behind shows when its rename is stopped.
        is_draft = flags & os.O_EXCL and ".wgreconcile-" in os.path.basename(path)
        return not is_draft and not path.startswith("/dev/")
    if event == "subprocess.Popen":
        return not {"show", "get"} & {*args[1]} and "-json" not in args[1]
    return event in ("os.rename", "os.remove", "os.mkdir", "os.link") and "/cache" not in str(args[0])

def hook(event, args):
    global left
    if leaves_a_trace(event, args):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

if who == "wgreconcile":
    sys.addaudithook(hook)
"""

_KILL = f"""
IFS=' '
case "$TESTHOST_KILL $*" in
wgreconcile:*|*' show '*|*' get '*) ;;
*)
    rest=${{TESTHOST_KILL#*:}}
    count=$(($(cat {_COUNT}) + 1))
    echo $count >{_COUNT}
    if [ $count -eq "${{rest%%:*}}" ]; then
        kill -KILL "$TESTHOST_PYTHON"
        if [ "${{rest##*:}}" = both ]; then kill -KILL "$TESTHOST_WG_QUICK"; exit 1; fi
    fi ;;
esac
"""

WGRECONCILE = "wgreconcile:{}"
ALONE = "wg-quick:{}:alone"
"""wgreconcile is killed when wg-quick starts its nth program, and wg-quick goes on."""
BOTH = "wg-quick:{}:both"
"""The same, but wg-quick is killed as well, before that program starts."""


def prepare(scenario: Scenario, *, trust_young_files: bool = False) -> None:
    """Get a host ready for kills; optionally of runs that do as :meth:`Scenario.trust_young_files` says."""
    later = LATER if trust_young_files else ""
    scenario.host.write(f"{_PYTHON_FOLDER}/sitecustomize.py", _SITECUSTOMIZE + later)
    scenario.host.write(KILL_SCRIPT, _KILL)


def apply_until(scenario: Scenario, point: str, *arguments: str) -> Run:
    """Apply and be killed at ``point``: a status of -9, unless the run has fewer steps."""
    return run_until(scenario, point, "apply", *arguments)


def run_until(scenario: Scenario, point: str, *arguments: str) -> Run:
    """Run wgreconcile and be killed at ``point``: a status of -9, unless the run has fewer steps."""
    scenario.host.write(_COUNT, "0")
    environment = {"TESTHOST_KILL": point, "PYTHONPATH": f"{_PYTHON_FOLDER}:{REPOSITORY}"}
    return scenario.run(*arguments, expect=None, env=environment)


def points(kind: str) -> Iterator[str]:
    """The first step, the second, and so on without an end."""
    return (kind.format(number) for number in count(1))
