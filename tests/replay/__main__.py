"""Replays a recording against a running server: ``python -m tests.replay FILE --base-url http://127.0.0.1:10086``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import deviations
from .actions import Here
from .player import Player
from .recording import read, recordings
from .report import details, summary


def main(argv: Sequence[str] | None = None) -> int:
    """Replay, print a line for each scenario and each undeclared difference; 1 if there is one."""
    arguments = _parser().parse_args(argv)
    scenarios = [
        each for each in read(arguments.file) if not arguments.scenario or each.name in arguments.scenario
    ]
    commands = dict(each.split("=", 1) for each in arguments.action)
    player = Player(
        arguments.base_url,
        Here(commands, arguments.longest_wait),
        deviations.read(arguments.deviations),
        arguments.file.parent / "fixtures",
    )
    status = 0
    for scenario in scenarios:
        verdicts = []
        for verdict in player.play(scenario):
            verdicts.append(verdict)
            for line in details(verdict):
                print(line, flush=True)
        print(summary(scenario.name, verdicts), flush=True)
        status |= any(each.undeclared for each in verdicts)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=recordings(), help="default: %(default)s")
    parser.add_argument("--base-url", required=True, metavar="URL", help="the server, freshly started")
    parser.add_argument("--scenario", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--deviations", type=Path, default=deviations.FILE, help="default: %(default)s")
    parser.add_argument(
        "--action",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="run a command for an action such as restart_server; it reads the step as JSON",
    )
    parser.add_argument(
        "--longest-wait", type=float, default=600, metavar="SECONDS", help="wait no longer at once"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
