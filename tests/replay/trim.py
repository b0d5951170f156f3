"""Makes the copy of a transcript that stands here: ``python -m tests.replay.trim FROM TO``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_DOCUMENTING = ("ini", "db_schema", "access_log")
_MOST_TEXT = 15
"""Of a page only its first characters are kept."""


def trimmed(row: dict[str, Any]) -> dict[str, Any]:
    """A line without what no replay looks at."""
    kept = {name: value for name, value in row.items() if name != "ms"}
    if "response_text" in kept:
        kept["response_text"] = kept["response_text"][:_MOST_TEXT]
    if row["kind"] == "state":
        kept["state"] = {name: {"conf": each["conf"], "live": each["live"]} for name, each in row["state"].items()}
    return kept


def main(source: str, target: str) -> None:
    """Trim the file ``source`` into ``target``."""
    rows = [json.loads(line) for line in Path(source).read_text(encoding="utf-8").splitlines() if line.strip()]
    kept = [trimmed(row) for row in rows if row["kind"] not in _DOCUMENTING]
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in kept)
    Path(target).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
