"""One configuration file to import: what it means, where each setting stands, and all that stands in the way."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from wgreconcile.errors import Fault, StateError
from wgreconcile.importing.names import Label, Section, label_in, sections
from wgreconcile.observed.conf import Conf, ConfPeer, Line, parse_conf, read_lines
from wgreconcile.values import PublicKey

T = TypeVar("T")

_SPELLINGS = (
    *("PrivateKey", "Address", "ListenPort", "MTU", "DNS", "Table", "FwMark", "SaveConfig"),
    *("PreUp", "PostUp", "PreDown", "PostDown"),
    *("PublicKey", "PresharedKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"),
)
SPELLING = {each.lower(): each for each in _SPELLINGS}
HOOKS = ("preup", "postup", "predown", "postdown")
_LISTS = (*HOOKS, "address", "dns", "allowedips")
_KEY_LIKE = re.compile(r"[A-Za-z0-9+/]{40,}=?")
BYTE_ORDER_MARK = "the byte order mark, which WireGuard cannot read"
SAVE_CONFIG = "`SaveConfig = true`, with which wg-quick overwrites the file whenever the interface goes down"
_CUT = (
    "has a '#' that belongs to the command, and older versions of wg-quick end the line there",
    "put the command into a script and call that, then import again",
)
_NO_KEY = (
    "is missing, and wgreconcile sets the key of every interface itself",
    "write the key into the file instead of setting it in a hook, then import again",
)
_REMEDY = "correct the line or take it out, then import again"


@dataclass(frozen=True, slots=True)
class SectionPeer:
    """A peer as its ``[Peer]`` section has it, with its name, which ``label`` says more of."""

    settings: ConfPeer
    section: Section
    label: Label


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file means. ``peers`` are in the file's order, those of ``conf`` sorted.

    ``text`` is the file without what wgreconcile cannot leave in it, ``amendments`` says what that is.
    ``comments`` counts those that name no peer.
    """

    conf: Conf
    peers: tuple[SectionPeer, ...]
    interface: tuple[Line, ...] = field(repr=False)
    text: str = field(repr=False)
    amendments: tuple[str, ...] = ()
    comments: int = 0


def read(text: str, path: str) -> Reading:
    """Read the text of a file. Raise StateError with all faults, which never quote a key."""
    readable, amended, amendments = amend(text)
    faults: list[Fault] = []
    lines = _attempt(lambda: list(read_lines(readable, path)), faults) or []
    found = list(sections(lines))
    conf = Conf()
    if not faults:
        conf = _attempt(lambda: parse_conf(readable, path), faults) or conf
        faults += _faults(found, readable, path)
    if faults:
        raise StateError(map(_worded, faults))
    peers = tuple(_peers(found, conf))
    interface = tuple(line for each in found if each.header.section == 1 for line in each.everything)
    comments = sum(1 for each in lines if each.comment) - sum(1 for each in peers if each.settings.name)
    return Reading(conf, peers, interface, amended, amendments, comments)


def amend(text: str) -> tuple[str, str, tuple[str, ...]]:
    """``text`` without what a managed file never has: once with empty lines in their place, once without them.

    The third value says what they are.
    """
    phrases = {BYTE_ORDER_MARK: None} if text.startswith("\ufeff") else {}
    readable, kept, section = [], [], 0
    for raw in re.findall(r"[^\n]*\n|[^\n]+", text.removeprefix("\ufeff")):
        key, equals, value = (each.strip() for each in raw.partition("#")[0].partition("="))
        if key.startswith("["):
            section = {"[interface]": 1, "[peer]": 2}.get(key.lower(), 0)
        phrase = _needless(key.lower(), value, section) if equals else ""
        if phrase:
            phrases[phrase] = None
        else:
            kept.append(raw)
        readable.append("\n" if phrase else raw)
    return "".join(readable), "".join(kept), tuple(phrases)


def _needless(key: str, value: str, section: int) -> str:
    if key == "saveconfig" and value.lower() == "true" and section == 1:
        return SAVE_CONFIG
    # Lists and hooks may be empty for wg-quick and for us; of anything else a value is expected.
    return f"`{SPELLING[key]}` without a value" if not value and key in SPELLING and key not in _LISTS else ""


def _attempt(parse: Callable[[], T], faults: list[Fault]) -> T | None:
    try:
        return parse()
    except StateError as error:
        faults += error.faults
        return None


def _faults(found: list[Section], text: str, path: str) -> Iterator[Fault]:
    """What parses and still cannot become desired state."""
    raw = text.split("\n")
    owners: dict[str, int] = {}
    has_key = False
    for line in (line for each in found for line in each.lines):
        has_key |= line.key == "privatekey"
        if line.key in HOOKS and not _is_whole(raw[line.number - 1]):
            yield Fault(path, line.number, line.key, *_CUT)
        if not line.value.isascii() and not _is_unicode(line.value):
            yield Fault(path, line.number, line.key, "is not UTF-8", "save the file as UTF-8, then import again")
    for each in found:
        for line in [line for line in each.lines if line.key == "publickey"][-1:]:
            first = owners.setdefault(line.value, line.number)
            if first != line.number:
                problem = f"stands in line {first} already, and WireGuard makes one peer of the two sections"
                yield Fault(path, line.number, line.key, problem, "merge the sections, then import again")
    if not has_key and (header := next((each.header for each in found if each.header.section == 1), None)):
        yield Fault(path, header.number, "privatekey", *_NO_KEY)


def _is_whole(raw: str) -> bool:
    """Whether a hook means to bash what wg-quick, which cuts it at the first ``#``, leaves of it."""
    before, mark, _ = raw.partition("#")
    if not mark:
        return True
    try:
        shlex.split(before)
    except ValueError:  # a quotation is open: the mark is part of it
        return False
    return before[-1:].isspace()


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _peers(found: list[Section], conf: Conf) -> Iterator[SectionPeer]:
    by_key = {each.public_key: each for each in conf.peers}
    for each in found:
        if each.header.section == 2:
            (*_, key) = (line.value for line in each.lines if line.key == "publickey")
            label = label_in(each)
            yield SectionPeer(replace(by_key[PublicKey(key)], name=label.name), each, label)


def _worded(fault: Fault) -> Fault:
    """A fault in the file's own spelling and with a remedy; a key that slipped into the wrong place is masked."""
    field = SPELLING.get(fault.field, fault.field)
    if not re.fullmatch(r"\(?[A-Za-z0-9 ]{0,24}\)?", field):
        field = "(not a name)"
    return replace(
        fault, field=field, problem=_KEY_LIKE.sub("(hidden)", fault.problem), remedy=fault.remedy or _REMEDY
    )
