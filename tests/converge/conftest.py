"""Programs that write down what they are asked: the real ones would change the machine that runs the tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """#!/bin/sh
# What was asked, with all that is read for it; then what was laid down for this case to answer and to end with.
exec 3>>"{folder}/asked"
echo "$ ${{0##*/}} $*" >&3
case "${{0##*/}} $*" in
    wg-quick*) cat "$2" >&3; echo "(${{2%/*}} holds: $(cd "${{2%/*}}" && stat -c '%n %a' * | tr '\\n' ' '))" >&3
               for file in "${{2%/*}}"/*; do
                   case $file in *.conf) ;; *) echo "($file)" >&3; cat "$file" >&3;; esac
               done;;
    *stdin*|*batch\\ -*) cat >&3;;
esac
answer="{folder}/answer ${{0##*/}} $(echo "$*" | tr / _)"
if [ -e "$answer" ]; then cat "$answer"; fi
if [ -e "{folder}/fails ${{0##*/}}" ]; then cat "{folder}/fails ${{0##*/}}" >&2; exit 7; fi
"""


class Programs:
    """`wg`, `wg-quick` and `ip` that only write down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("wg", "wg-quick", "ip"):
            (folder / name).write_text(PROGRAM.format(folder=folder))
            (folder / name).chmod(0o755)

    @property
    def asked(self) -> str:
        """All that they were asked, and what they were given to read."""
        path = self.folder / "asked"
        return path.read_text() if path.exists() else ""

    @property
    def commands(self) -> list[str]:
        """The commands alone."""
        return [line[2:] for line in self.asked.splitlines() if line.startswith("$ ")]

    def answers(self, command: str, text: str) -> None:
        (self.folder / f"answer {command.replace('/', '_')}").write_text(text)

    def fails(self, program: str, said: str = "no, not now") -> None:
        (self.folder / f"fails {program}").write_text(said)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """The programs, first on the path."""
    found = Programs(tmp_path_factory.mktemp("programs"))
    monkeypatch.setenv("PATH", f"{found.folder}:{os.environ['PATH']}")
    return found


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes any program that is started fail the test."""

    def refuse(*arguments: object, **options: object) -> None:
        pytest.fail(f"started {arguments}")

    return lambda: monkeypatch.setattr("subprocess.Popen", refuse)
