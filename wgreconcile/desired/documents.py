"""YAML documents as data: YAML 1.2's core types on libyaml's parser, and nothing that surprises.

PyYAML's own loaders follow YAML 1.1: they read ``no`` as false, ``10:20`` as 620, ``017`` as 15 and take the
last of two equal keys (DOMAIN 13). Here a scalar is a string unless YAML 1.2 says otherwise (section 10.3.2, core
schema), and whatever has two readings is refused with its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wgreconcile.desired.wording import show_text
from wgreconcile.errors import Fault, StateError

if TYPE_CHECKING:
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Parser(Reader, Scanner, Parser, Composer): ...

else:
    try:
        from yaml.cyaml import CParser as _Parser
    except ImportError:  # PyYAML built without libyaml: slower, the same answers.
        from yaml.composer import Composer
        from yaml.parser import Parser
        from yaml.reader import Reader
        from yaml.scanner import Scanner

        class _Parser(Reader, Scanner, Parser, Composer):
            def __init__(self, stream: str) -> None:
                Reader.__init__(self, stream)
                Scanner.__init__(self)
                Parser.__init__(self)
                Composer.__init__(self)


MAX_DEPTH = 32
"""Deeper nesting than any document needs; a guard for the recursion, not a limit anyone meets."""

_PLAIN, _TEXT, _COLLECTION = "plain", "text", "collection"

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
_FLAT = re.compile(r"[\[{][^\[\]{}'\"#]*[\]}]")
_DASHES = re.compile(rf"([-?:]\s+){{{MAX_DEPTH}}}")
_TAG = ("a tag has no meaning here", "remove the `!…` before the value")
_NUMBER_START = frozenset("0123456789+-.")

_BARE_IPV6 = re.compile(
    r"(?<![\w'\":.])(\[[0-9A-Fa-f:.]*\]:[0-9]+|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(/[0-9]+)?)"
)
_IPV6_KEY = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]+)?")


class _Composer(_Parser):
    """libyaml's composer, which says of each node only how it was written."""

    def resolve(self, kind: type[Node], _value: str, implicit: tuple[bool, bool]) -> str:
        if kind is not ScalarNode:
            return _COLLECTION
        return _PLAIN if implicit[0] else _TEXT

    def descend_resolver(self, _parent: Node | None, _index: Any) -> None: ...

    def ascend_resolver(self) -> None: ...


def parse(text: str, file: str) -> dict[str, Any]:
    """The mapping that ``text`` holds; ``file`` is how the document is called in faults.

    Raises StateError, with a line and without quoting values, on a syntax error, a duplicate or non-string
    key, an anchor, alias or tag, a second document, a root that is no mapping, or a number with two readings.
    """
    _refuse_bombs(text, file)
    try:
        root = _compose(text)
    except yaml.YAMLError as error:
        raise StateError([_syntax_fault(error, text, file)]) from None
    if not isinstance(root, MappingNode):
        problem = "the document is empty" if _is_empty(root) else "the document is not a mapping"
        raise StateError([Fault(file, 0, "", problem, "write fields as `name: value`")])
    builder = _Builder(file)
    data: dict[str, Any] = builder.build(root)
    if builder.faults:
        raise StateError(builder.faults)
    return data


def compose(text: str) -> Node | None:
    """The nodes of ``text``, each with its place; None when it is no YAML, or none that :func:`parse` takes."""
    try:
        _refuse_bombs(text, "")
        return _compose(text)
    except (yaml.YAMLError, StateError):
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


def _compose(text: str) -> Node | None:
    loader = _Composer(text)
    try:
        node: Node | None = loader.get_single_node()
        return node
    finally:
        if hasattr(loader, "dispose"):
            loader.dispose()


class _Builder:
    """Turns nodes into data and collects what is refused."""

    def __init__(self, file: str) -> None:
        self.faults: list[Fault] = []
        self._file = file

    def build(self, node: Node) -> Any:
        kind = type(node)
        if kind is ScalarNode:
            return self._scalar(node)
        if node.tag is not _COLLECTION:
            self._refuse(node, *_TAG)
        if kind is SequenceNode:
            return [self.build(each) for each in node.value]
        return self._mapping(node)

    def _scalar(self, node: Node) -> Any:
        value: str = node.value
        if node.tag is _TEXT:
            return value
        if node.tag is not _PLAIN:
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
            elif ":" in key and key_node.tag is _PLAIN and _IPV6_KEY.fullmatch(key):
                self._refuse(key_node, f"the address {key}: reads as a key", "quote it, as in '::/0'")
            elif key in data:
                self._refuse(
                    key_node, "the key stands twice in one mapping", "keep one of the two", show_text(key)
                )
            else:
                data[key] = value
        return data

    def _refuse(self, node: Node, problem: str, remedy: str, field: str = "") -> None:
        self.faults.append(Fault(self._file, _line(node), field, problem, remedy))


def _is_text(key: ScalarNode) -> bool:
    return key.tag is _TEXT or isinstance(scalar(key.value), str)


def _line(node: Node) -> int:
    return node.start_mark.line + 1 if node.start_mark else 0


def _refuse_bombs(text: str, file: str) -> None:
    """Refuse what a composer must never see: anchors and aliases, and nesting that exhausts its stack.

    libyaml's events come one at a time, its nodes by recursion in C, which ends the process.
    """
    if not ("&" in text or "*" in text or _may_nest_deep(text)):
        return
    depth = 0
    faults = []
    for event in _events(text):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if getattr(event, "anchor", None) is not None:
            faults.append(Fault(file, line, "", "anchors and aliases have no meaning here", "write it out"))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            faults.append(Fault(file, line, "", "the document is nested too deep", "write fewer levels"))
            break
    if faults:
        raise StateError(faults)


def _may_nest_deep(text: str) -> bool:
    """A quick look that errs on the side of yes: brackets that do not close at once, or much indentation."""
    openers = text.count("[") + text.count("{")
    if openers > MAX_DEPTH and openers - len(_FLAT.findall(text)) > MAX_DEPTH:
        return True
    return " " * (2 * MAX_DEPTH) in text or _DASHES.search(text) is not None


def _events(text: str) -> Iterator[yaml.Event]:
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        yield from yaml.parse(text, loader)
    except yaml.YAMLError:
        return  # compose() meets the same error and reports it


def _is_empty(root: Node | None) -> bool:
    return root is None or (isinstance(root, ScalarNode) and root.value == "")


def _syntax_fault(error: yaml.YAMLError, text: str, file: str) -> Fault:
    """libyaml's words without its quotation of the source, which may be the line of a key."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position if isinstance(position, int) else 0) + 1
        return Fault(file, line, "", "a character that YAML does not allow", "remove or escape it")
    lines = text.splitlines()
    source = lines[mark.line] if mark.line < len(lines) else ""
    return Fault(file, mark.line + 1, "", *_explain(error, source, mark.column))


def _explain(error: yaml.YAMLError, source: str, column: int) -> tuple[str, str]:
    address = _BARE_IPV6.match(source, column) or _BARE_IPV6.search(source)
    if address:
        problem = f"{address[0]} is not quoted, and YAML reads its colons as a mapping"
        return problem, f"quote it: '{address[0]}'"
    if source.lstrip(" ").startswith("\t"):
        return "a tab indents the line", "indent with spaces"
    words = re.sub(r"'[^']*'|\"[^\"]*\"", "…", str(getattr(error, "problem", "") or "syntax error"))
    if "another document" in words:
        return "a second document begins", "keep one document in a file"
    return f"not YAML: {words}", "check indentation, quotes and colons here and above"
