"""Sections of a configuration file with the comments around them, and the peers' names in those comments.

WireGuard knows no names. Tools write them as ``#Name# = ann``, ``# friendly_name = ann``, ``### begin ann ###``,
``# BEGIN_PEER ann``, ``### Client ann``, ``# Client: ann (id)``, and people as a plain comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from wgreconcile.observed.conf import Line

_EXPLICIT = re.compile(r"#*\s*(?:friendly_name|name)\s*#?\s*[=:](?P<name>.*)", re.IGNORECASE)
_SETTING = re.compile(
    r"(privatekey|publickey|presharedkey|listenport|fwmark|address|dns|mtu|table|saveconfig|allowedips|endpoint"
    r"|persistentkeepalive|pre_?up|post_?up|pre_?down|post_?down|friendly_json)\s*=.*",
    re.IGNORECASE,
)
_OPENING = re.compile(r"(?:##\s*(?:begin|client)\s+|begin_peer\s+|client:\s*)(?P<name>.+?)[\s#]*", re.IGNORECASE)
_CLOSING = re.compile(r"(?:##\s*end|end_peer)\b.*", re.IGNORECASE)
_IDENTIFIER = re.compile(r"\s*\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)")
_KEY_LIKE = re.compile(r"[A-Za-z0-9+/]{40}")


@dataclass(slots=True)
class Section:
    """A section: the line of its header, its keys and comments, and the comments directly above the header."""

    header: Line
    above: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def everything(self) -> tuple[Line, ...]:
        """The header and all that follows it."""
        return (self.header, *self.lines)

    @property
    def comments(self) -> Iterator[str]:
        """Where a name may stand, the likeliest first."""
        yield from (each.comment for each in reversed(self.above[-1:]))
        yield self.header.comment
        yield from (each.comment for each in self.lines if each.key in ("#", "publickey"))


def sections(lines: Iterable[Line]) -> Iterator[Section]:
    """The sections of a file. A comment directly above a header belongs to that header's section."""
    section: Section | None = None
    pending: list[Line] = []
    for line in lines:
        if pending and (line.key not in ("", "#") or line.number != pending[-1].number + 1):
            _give(pending, section)
        if line.key == "#":
            pending.append(line)
        elif line.key:
            assert section is not None  # read_lines refuses keys before any section
            section.lines.append(line)
        else:
            if pending and _is_name_of(section, pending):
                _give(pending, section)
            if section is not None:
                yield section
            section = Section(line, above=pending[:])
            pending.clear()
    _give(pending, section)
    if section is not None:
        yield section


@dataclass(frozen=True, slots=True)
class Label:
    """What a comment calls a peer; ``is_remark`` when it may just as well say something else of it."""

    name: str = ""
    is_remark: bool = False


def label_in(section: Section) -> Label:
    """The name of a peer; an empty one when no comment gives any."""
    every = [*(each.comment for each in section.above), *section.comments]
    explicit = (_EXPLICIT.fullmatch(each) for each in every)
    named = (Label(_clean(each["name"])) for each in explicit if each)
    return next((each for each in (*named, *map(_label_of, section.comments)) if each.name), Label())


def _give(pending: list[Line], section: Section | None) -> None:
    if section is not None:
        section.lines += pending
    pending.clear()


def _is_name_of(section: Section | None, pending: list[Line]) -> bool:
    """Whether comments above the next header name this peer: said explicitly, and it has no such name yet."""
    if section is None or section.header.section != 2 or not _EXPLICIT.fullmatch(pending[-1].comment):
        return False
    return not any(_EXPLICIT.fullmatch(each.comment) for each in (*section.above, *section.lines))


def _label_of(comment: str) -> Label:
    """A comment as a name, unless it is a setting that was commented out or another tool's closing mark."""
    if any(each.fullmatch(comment) for each in (_EXPLICIT, _CLOSING)):
        return Label()
    opening = _OPENING.fullmatch(comment)
    text = opening["name"] if opening else comment.strip("#*=- \t")
    return Label() if text.startswith("[") or _SETTING.fullmatch(text) else Label(_clean(text), opening is None)


def _clean(text: str) -> str:
    """On one line and printable; bytes that are not UTF-8 are read as Latin letters. Never anything with a key."""
    if _KEY_LIKE.search(text):
        return ""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        decoded = raw.decode()
    except UnicodeDecodeError:
        decoded = raw.decode("cp1252", "replace")
    spaced = " ".join(_IDENTIFIER.sub("", decoded).split())
    return "".join(each for each in spaced if each.isprintable())
