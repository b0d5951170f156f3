"""YAML text to nodes, by libyaml where PyYAML has it, and its refusals in words for people.

No refusal quotes the source, because that may be the line of a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml
from yaml.nodes import Node, ScalarNode

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


PLAIN, TEXT, COLLECTION = "plain", "text", "collection"
"""Tags of nodes: a scalar without quotes, a quoted one, a mapping or sequence; all others are written out."""

MAX_DEPTH = 32
"""Deeper nesting than any document needs; a guard for the recursion, not a limit anyone meets."""

_FLAT = re.compile(r"[\[{][^\[\]{}'\"#]*[\]}]")
_DASHES = re.compile(rf"([-?:]\s+){{{MAX_DEPTH}}}")
_BARE_IPV6 = re.compile(
    r"(?<![\w'\":.])(\[[0-9A-Fa-f:.]*\]:[0-9]+|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(/[0-9]+)?)"
)


class _Composer(_Parser):
    """libyaml's composer, which says of each node only how it was written."""

    def resolve(self, kind: type[Node], _value: str, implicit: tuple[bool, bool]) -> str:
        if kind is not ScalarNode:
            return COLLECTION
        return PLAIN if implicit[0] else TEXT

    def descend_resolver(self, _parent: Node | None, _index: Any) -> None: ...

    def ascend_resolver(self) -> None: ...


_TOO_DEEP = ("the document is nested too deep", "write fewer levels")


def compose(text: str, file: str) -> Node | None:
    """The nodes of ``text``, each with its place; None when there are none. ``file`` is named in faults.

    Raise StateError, with a line, when it is no YAML, has anchors or aliases, or is nested too deep.
    """
    _refuse_bombs(text, file)
    try:
        return _compose(text)
    except yaml.YAMLError as error:
        raise StateError([_syntax_fault(error, text, file)]) from None


def line_of(node: Node) -> int:
    """The line that a node begins in, from 1."""
    return node.start_mark.line + 1 if node.start_mark else 0


def _compose(text: str) -> Node | None:
    loader = _Composer(text)
    try:
        node: Node | None = loader.get_single_node()
        return node
    finally:
        if hasattr(loader, "dispose"):
            loader.dispose()


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
            faults.append(Fault(file, line, "", *_TOO_DEEP))
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
        return  # _compose() meets the same error


def _syntax_fault(error: yaml.YAMLError, text: str, file: str) -> Fault:
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
    # What is quoted may be a piece of the document, and so of a key; a single character such as ',' helps.
    words = re.sub(
        r"'([^']?)'|'[^']*'|\"[^\"]*\"",
        lambda each: f"'{each[1]}'" if each[1] else "…",
        str(getattr(error, "problem", "") or "syntax error"),
    )
    if "maximum nesting depth" in words:  # libyaml from 0.2.6 on has a limit of its own
        return _TOO_DEEP
    if "another document" in words:
        return "a second document begins", "keep one document in a file"
    return f"not YAML: {words}", "check indentation, quotes and colons here and above"
