"""How faults speak of values: short, helpful, and never with a key in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_LONGEST = 60

# Anything that may be key material, also with a slip in it: half a key is still half a secret.
_KEY_LIKE = re.compile(r"[A-Za-z0-9+/=_-]{32,}")


def show(value: Any) -> str:
    """A value as a fault quotes it: on one line, shortened, with whatever looks like a key left out."""
    if isinstance(value, str):
        return f"'{show_text(value)}'"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return str(value)[:_LONGEST]
    return "a list" if isinstance(value, (list, tuple)) else "a mapping"


def show_text(text: str) -> str:
    """``text`` on one line, shortened, with whatever looks like a key left out."""
    masked = _KEY_LIKE.sub("(hidden)", text)
    printable = "".join(each if each.isprintable() else "?" for each in masked)
    return printable if len(printable) <= _LONGEST else printable[: _LONGEST - 1] + "…"


def example(context: Mapping[str, Any]) -> str:
    """``write a number such as 51820``, from the examples of a field's schema."""
    examples = context.get("examples") or ()
    if not examples:
        return ""
    first = examples[0]
    if isinstance(first, bool):
        return "write true or false"
    if isinstance(first, int):
        return f"write a number such as {first}"
    if isinstance(first, str) and _KEY_LIKE.fullmatch(first):
        return "copy it whole, as `wg pubkey` prints it"
    return f"write it like {_flow(first)}"


def nearest(name: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name: the known one it resembles, or how to keep it as one's own."""
    import difflib

    close = difflib.get_close_matches(name.lower().replace("-", "_"), list(known), n=1)
    return f"did you mean {close[0]}?" if close else "remove it, or begin its name with x-"


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_bare(each)}' for key, each in value.items())}}}"
    return json.dumps(value)


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else _flow(value)
