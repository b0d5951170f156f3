"""Which hooks may be set over HTTP. They run as root on this host: a stolen session must not set any it likes."""

from __future__ import annotations

import re

from wgreconcile.api.hook_words import PROGRAMS
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.settings.model import HookPolicy
from wgreconcile.desired.fields import Wrong, command

# With nothing but these characters, bash takes the words as they stand: no variable, file, pattern or program.
_WORDS = re.compile(r"[A-Za-z0-9%.:/_,+=@! -]+")
_SEPARATOR = re.compile(" *(?:;|&&) *")
_LAST_SEMICOLON = re.compile(r" *;? *\Z")
_FOLDERS = ("", "/sbin/", "/usr/sbin/", "/bin/", "/usr/bin/")


def checked_hook(field: str, text: str, policy: HookPolicy) -> tuple[str, ...]:
    """The commands of a hook, as the state keeps them. Raise Refusal, naming the field, when it may not be set."""
    if not text.strip():
        return ()
    if policy == "deny":
        raise Refusal(f"{field}: hooks cannot be set over HTTP (api_hooks: deny)")
    try:
        hook = command(text)
    except Wrong as wrong:
        raise Refusal(f"{field}: {wrong.problem}") from None
    if policy == "allowlist" and not is_allowed(hook):
        raise Refusal(
            f"{field}: only plain iptables, ip6tables, nft, ip route, ip rule and ip link commands "
            "can be set over HTTP (api_hooks: allowlist)"
        )
    return (hook,)


def is_allowed(hook: str) -> bool:
    """Whether a hook is nothing but known firewall and routing commands, joined by ``;`` or ``&&``."""
    return all(map(_is_known, _SEPARATOR.split(_LAST_SEMICOLON.sub("", hook))))


def _is_known(text: str) -> bool:
    if not _WORDS.fullmatch(text):
        return False
    program, *words = text.split()
    name = program.rpartition("/")[2]
    check = PROGRAMS.get(name)
    return check is not None and program.removesuffix(name) in _FOLDERS and check(words)
