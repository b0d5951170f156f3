"""YAML documents as data: YAML 1.2's core types on libyaml's parser, and nothing that surprises.

PyYAML's own loaders follow YAML 1.1: they read ``no`` as false, ``10:20`` as 620, ``017`` as 15 and take the
last of two equal keys (DOMAIN 13). Here a scalar is a string unless YAML 1.2 says otherwise (section 10.3.2, core
schema), and whatever has two readings is refused with its line.
"""

from __future__ import annotations

import math
import re
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wgreconcile.desired import syntax
from wgreconcile.desired.syntax import COLLECTION, PLAIN, TEXT, line_of
from wgreconcile.desired.wording import show_text
from wgreconcile.errors import Fault, StateError

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{f"{sign}.{word}": float(f"{sign}inf") for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")},
}
_INT = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TWO_READINGS = re.compile(r"[-+]?0[0-9]+")
_TAG = ("a tag has no meaning here", "remove the `!…` before the value")
_NUMBER_START = frozenset("0123456789+-.")

_IPV6_KEY = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]+)?")


def parse(text: str, file: str) -> dict[str, Any]:
    """The mapping that ``text`` holds; ``file`` is how the document is called in faults.

    Raises StateError, with a line and without quoting values, on a syntax error, a duplicate or non-string
    key, an anchor, alias or tag, a second document, a root that is no mapping, or a number with two readings.
    """
    root = syntax.compose(text, file)
    if not isinstance(root, MappingNode):
        problem = "the document is empty" if _is_empty(root) else "the document is not a mapping"
        raise StateError([Fault(file, 0, "", problem, "write fields as `name: value`")])
    builder = _Builder(file)
    data: dict[str, Any] = builder.build(root)
    if builder.faults:
        raise StateError(builder.faults)
    return data


def compose(text: str) -> Node | None:
    """The nodes of ``text``, each with its place; None for a text that is no document."""
    try:
        return syntax.compose(text, "")
    except StateError:
        return None


def scalar(text: str) -> str | int | float | bool | None:
    """What YAML 1.2's core schema reads an unquoted ``text`` as."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INT.fullmatch(text):
        return int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
    return float(text) if _FLOAT.fullmatch(text) else text


class _Builder:
    """Turns nodes into data and collects what is refused."""

    def __init__(self, file: str) -> None:
        self.faults: list[Fault] = []
        self._file = file

    def build(self, node: Node) -> Any:
        kind = type(node)
        if kind is ScalarNode:
            return self._scalar(node)
        if node.tag is not COLLECTION:
            self._refuse(node, *_TAG)
        if kind is SequenceNode:
            return [self.build(each) for each in node.value]
        return self._mapping(node)

    def _scalar(self, node: Node) -> Any:
        value: str = node.value
        if node.tag is TEXT:
            return value
        if node.tag is not PLAIN:
            self._refuse(node, *_TAG)
        if _TWO_READINGS.fullmatch(value):
            problem = f"{value[:20]} is a different number to different readers of YAML"
            self._refuse(node, problem, "drop the leading zero, or quote it when it is text")
        return scalar(value)

    def _mapping(self, node: Node) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            value = self.build(value_node)
            key = key_node.value
            if type(key_node) is not ScalarNode or not _is_text(key_node):
                self._refuse(key_node, "a key is not text", "quote it")
            elif ":" in key and key_node.tag is PLAIN and _IPV6_KEY.fullmatch(key):
                self._refuse(key_node, f"the address {key}: reads as a key", "quote it, as in '::/0'")
            elif key in data:
                self._refuse(
                    key_node, "the key stands twice in one mapping", "keep one of the two", show_text(key)
                )
            else:
                data[key] = value
        return data

    def _refuse(self, node: Node, problem: str, remedy: str, field: str = "") -> None:
        self.faults.append(Fault(self._file, line_of(node), field, problem, remedy))


def _is_text(key: ScalarNode) -> bool:
    return key.tag is TEXT or isinstance(scalar(key.value), str)


def _is_empty(root: Node | None) -> bool:
    return root is None or (isinstance(root, ScalarNode) and root.value == "")
