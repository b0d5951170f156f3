"""What a configuration's file says and what is live, recorded or seen on a test host, in one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .peers import KnownPeers
from .variables import Variables

_LISTS = frozenset({"Address", "DNS", "AllowedIPs"})
_HOOKS = frozenset({"PreUp", "PostUp", "PreDown", "PostDown"})
_NOT_COMPARED = frozenset({"SaveConfig", "Endpoint"})
"""How the file is kept is the server's affair, and endpoints roam."""

Fields = dict[str, Any]
Peers = dict[str, Fields]


@dataclass(frozen=True)
class View:
    """``conf`` and ``live`` are None without a file or while down; peers are by public key."""

    conf: Fields | None
    conf_peers: Peers
    live: Fields | None
    live_peers: Peers

    def shown(self, variables: Variables, known: KnownPeers) -> dict[str, Any]:
        """All of it with our values, without peers that other transcripts have made."""

        def peers(found: Peers) -> Fields:
            return dict(
                _labelled(variables.translate(key), each, variables, known)
                for key, each in found.items()
                if known.is_expected(key)
            )

        return {
            "conf": self.conf and {**self.conf, "peers": peers(self.conf_peers)},
            "live": self.live and {**self.live, "peers": peers(self.live_peers)},
        }


def recorded_state(data: Mapping[str, Any]) -> View:
    """The view of a recorded configuration."""
    return view_of(data["conf"], data["live"])


def view_of(conf: str | None, dump: Sequence[Sequence[str]] | None) -> View:
    """The view of the text of a file and the rows of ``wg show <interface> dump``."""
    fields, conf_peers = _conf(conf or "")
    live, live_peers = _dump(dump or ())
    return View(fields if conf is not None else None, conf_peers, live if dump else None, live_peers)


def _labelled(key: str, peer: Fields, variables: Variables, known: KnownPeers) -> tuple[str, Fields]:
    """A peer under its name; of keys that a server made up only that they are there."""
    if known.is_known(key):
        return variables.name_of(key), peer
    hidden = {name: "<key>" if name == "PresharedKey" and value else value for name, value in peer.items()}
    return f"made with {', '.join(peer['AllowedIPs'])}", hidden


def _conf(text: str) -> tuple[Fields, Peers]:
    sections: list[Fields] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            sections.append({"": line})
        elif line and not line.startswith("#") and sections:
            name, value = (part.strip() for part in line.split("=", 1))
            if name in _LISTS:
                sections[-1].setdefault(name, []).extend(each.strip() for each in value.split(","))
            elif name in _HOOKS and value:
                sections[-1].setdefault(name, []).append(value)
            elif value and name not in _NOT_COMPARED:
                sections[-1][name] = value
    for section in sections:
        section.update((name, sorted(section[name])) for name in _LISTS & section.keys())
    kinds = [section.pop("") for section in sections]
    interface = next((each for each, kind in zip(sections, kinds, strict=True) if kind == "[Interface]"), {})
    peers = {each.pop("PublicKey"): {"AllowedIPs": [], **each} for each in sections if "PublicKey" in each}
    return interface, peers


def _dump(rows: Sequence[Sequence[str]]) -> tuple[Fields, Peers]:
    if not rows:
        return {}, {}
    private, _, port, *_ = rows[0]
    peers = {
        key: {
            "PresharedKey": "" if preshared == "(none)" else preshared,
            "AllowedIPs": [] if allowed == "(none)" else sorted(allowed.split(",")),
            "PersistentKeepalive": keepalive,
        }
        for key, preshared, _, allowed, _, _, _, keepalive in rows[1:]
    }
    return {"PrivateKey": private, "ListenPort": port}, peers
