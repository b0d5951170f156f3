"""Data to YAML that every reader takes alike: what YAML 1.1 or 1.2 would misread is quoted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from wgreconcile.desired.documents import scalar

STEP = 2
"""Columns that one level is indented by."""

_PLAIN_START = re.compile(r"[^\W]|[/.+$(]")
_FLOW_SPECIAL = frozenset(",[]{}:?#&*!|>'\"%@`")
_LONGEST_WORD = len("false")
"""Text that begins with a letter and is longer is text to every reader."""
# What YAML 1.1 reads as a boolean and PyYAML does not, but other readers do.
_BOOLEANS_OF_OTHERS = frozenset("yYnN")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def dump(data: Mapping[str, Any]) -> str:
    """A whole document, one field a line, lists with one item a line, in the order of ``data``."""
    if not data:
        return "{}\n"
    return "".join(f"{key_text(key)}:{after_colon(value, 0)}\n" for key, value in data.items())


def after_colon(value: Any, indent: int) -> str:
    """What follows ``key:`` of a key that is indented by ``indent``; without the last line break."""
    inner = "\n" + " " * (indent + STEP)
    if isinstance(value, Mapping) and value:
        return "".join(f"{inner}{key_text(key)}:{after_colon(each, indent + STEP)}" for key, each in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{inner}-{after_dash(each, indent + STEP)}" for each in value)
    return " " + (block_text(value, indent) or inline(value))


def after_dash(value: Any, indent: int, step: int = STEP) -> str:
    """What follows the ``-`` of an item whose dash is indented by ``indent``; without the last line break."""
    between = "\n" + " " * (indent + step)
    space = " " * (step - 1)
    if isinstance(value, Mapping) and value:
        fields = (f"{key_text(key)}:{after_colon(each, indent + step)}" for key, each in value.items())
        return space + between.join(fields)
    if isinstance(value, list) and value:
        return space + between.join(f"-{after_dash(each, indent + step)}" for each in value)
    return space + (block_text(value, indent) or inline(value))


def inline(value: Any, *, in_flow: bool = False, style: str | None = None) -> str:
    """A value on one line. ``style`` is the quote that a text had before; it keeps it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key_text(key)}: {inline(each, in_flow=True)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(inline(each, in_flow=True) for each in value)}]"
    if isinstance(value, str):
        return _text(value, in_flow, style)
    return _number(value) if isinstance(value, float) else json.dumps(value)


def block_text(value: Any, indent: int) -> str | None:
    """A text of several lines as it reads; None when it has one line, or is not that simple."""
    if not isinstance(value, str) or "\n" not in value.rstrip("\n") or value.endswith("\n\n"):
        return None
    lines = value.removesuffix("\n").split("\n")
    if not all(each.isprintable() and each == each.rstrip() for each in lines) or lines[0][:1] in ("", " "):
        return None
    inner = " " * (indent + STEP)
    return "\n".join(["|" if value.endswith("\n") else "|-", *(inner + each if each else "" for each in lines)])


@lru_cache(maxsize=256)  # documents are many, and their keys the same
def key_text(key: str) -> str:
    """A key, quoted unless it is a plain word."""
    return _text(key, True, None)


def _text(text: str, in_flow: bool, style: str | None) -> str:
    if style is None and _is_plain(text, in_flow):
        return text
    if style == '"' or not text.isprintable():
        return f'"{"".join(_ESCAPES.get(each) or _escaped(each) for each in text)}"'
    return "'" + text.replace("'", "''") + "'"


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(text: str, in_flow: bool) -> bool:
    if not text.isprintable() or text != text.strip() or not _PLAIN_START.match(text):
        return False
    if ": " in text or " #" in text or text.endswith(":") or text == "...":
        return False
    if in_flow and not _FLOW_SPECIAL.isdisjoint(text):
        return False
    return not _is_misread(text)


def _is_misread(text: str) -> bool:
    """Whether a reader of YAML 1.1 or of YAML 1.2 takes the unquoted text for anything but text."""
    if text[0].isalpha() and len(text) > _LONGEST_WORD:
        return False
    old = _resolver().resolve(ScalarNode, text, (True, False))
    return old != "tag:yaml.org,2002:str" or not isinstance(scalar(text), str) or text in _BOOLEANS_OF_OTHERS


@cache
def _resolver() -> Resolver:
    return Resolver()


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, e, exponent = repr(value).partition("e")
    return mantissa + ("" if "." in mantissa or not e else ".0") + e + exponent
