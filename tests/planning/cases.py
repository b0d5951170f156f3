"""The language of tests/cases/plan: from a case to what a plan is made from, and from a plan to what it expects.

Keys are labels: ``ann`` is a peer whose public key is made from that word, and so is a private or preshared key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from wgreconcile.desired.model import Hooks, Interface, Peer
from wgreconcile.observed.conf import Conf, ConfPeer
from wgreconcile.observed.model import ConfFile, ObservedInterface, Route, Rule
from wgreconcile.planning.goal import conf_of, goal_of, goal_of_absence
from wgreconcile.planning.model import (
    Adjust,
    Baseline,
    Change,
    Goal,
    RemovePeers,
    SetPeers,
    Step,
    SyncConf,
    TakeDown,
)
from wgreconcile.planning.render import render_conf
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey

from ..observed.strategies import public_key, secret_key
from .model_host import ModelHost, brought_up

FOLDER = Path(__file__).parents[1] / "cases" / "plan"
NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)
NAME = "wg0"
FIELDS = {"what", "state", "applied", "disk", "live", "interrupted", "changes", "steps"}
HOOKS = ("pre_up", "post_up", "pre_down", "post_down")
RESTARTING = (*HOOKS, "dns", "table")
_KEY = re.compile(r"<(?P<kind>public|secret) (?P<label>\w+)>")


@dataclass(frozen=True)
class Case:
    """What a plan is made from, and what a file expects of it."""

    goal: Goal
    observed: ObservedInterface
    baseline: Baseline
    interrupted: bool
    expected: dict[str, Any]


def load(path: Path) -> Case:
    """Read a case. README.md beside the cases describes the fields."""
    data = yaml.safe_load(path.read_text())
    assert set(data) <= FIELDS, f"{path.name}: README.md knows no {set(data) - FIELDS}"
    wanted = None if data["state"] is None else interface(data["state"])
    applied = interface(_applied(data))
    conf = conf_of(applied, NOW)
    file = _file(data, applied)
    baseline = Baseline(conf, applied=True, up=applied.enabled)
    if data.get("applied") == "never":
        baseline = Baseline(file.conf if file else Conf())
    return Case(
        goal_of(wanted, NOW) if wanted else goal_of_absence(NAME),
        _observed(data, applied, conf, file),
        baseline,
        data.get("interrupted", False),
        data,
    )


def merged(data: Any, patch: Any) -> Any:
    """A merge patch (RFC 7396): null takes a key away."""
    if not isinstance(patch, dict) or not isinstance(data, dict):
        return patch
    kept = {key: value for key, value in data.items() if key not in patch}
    changed = {key: merged(data.get(key, {}), value) for key, value in patch.items() if value is not None}
    return kept | changed


def interface(data: dict[str, Any]) -> Interface:
    """The desired interface wg0 with these fields; its private key has the label wg0 unless told otherwise."""
    return Interface(
        NAME,
        tuple(map(Address.parse, data.get("address", ()))),
        data.get("listen_port"),
        _private_key(data.get("private_key", NAME)),
        data.get("mtu"),
        tuple(data.get("dns", ())),
        str(data.get("table", "auto")),
        data.get("fwmark"),
        Hooks(*(tuple(data.get(field, ())) for field in HOOKS)),
        data.get("enabled", True),
        peers=tuple(_peer(label, each or {}) for label, each in data.get("peers", {}).items()),
    )


def _private_key(label: str) -> SecretKey:
    """``unclamped`` is a key as other programs make them, with bits that WireGuard clears."""
    return SecretKey(public_key("unclamped")) if label == "unclamped" else secret_key(label)


def _peer(label: str, data: dict[str, Any]) -> Peer:
    endpoint = data.get("endpoint")
    return Peer(
        public_key(label),
        data.get("name", label),
        _preshared_key(data),
        tuple(map(Network.parse, data.get("allowed_ips", ()))),
        Endpoint.parse(endpoint) if endpoint else None,
        data.get("persistent_keepalive"),
        data.get("enabled", True),
        data.get("expires"),
    )


def _preshared_key(data: dict[str, Any]) -> SecretKey | None:
    return secret_key(data["preshared_key"]) if data.get("preshared_key") else None


def _file(data: dict[str, Any], applied: Interface) -> ConfFile | None:
    disk = data.get("disk", {} if data.get("applied") != "never" else None)
    if disk is None:
        return None
    mode = disk.pop("mode", 0o600)
    text = disk.pop("text", None)
    if text is None:
        text = render_conf(conf_of(interface(merged(_applied(data), disk)), NOW))
    return ConfFile(f"{NAME}.conf", mode, _KEY.sub(_key_of, text))


def _key_of(found: re.Match[str]) -> str:
    return secret_key(found["label"]).reveal() if found["kind"] == "secret" else public_key(found["label"])


def _applied(data: dict[str, Any]) -> Any:
    """The state as it was when it was applied, as data."""
    before = data.get("applied") or {}
    return data["state"] or {} if before == "never" else merged(data["state"] or {}, before)


def _observed(data: dict[str, Any], applied: Interface, conf: Conf, file: ConfFile | None) -> ObservedInterface:
    never = data.get("applied") == "never"
    live = data.get("live", None if never or not applied.enabled else {})
    if live is None:
        return ObservedInterface(NAME, file)
    host = ModelHost(brought_up(NAME, conf, file))
    for label, each in live.get("peers", {}).items():
        _change_peer(host, label, each)
    if live.get("link") == "down":
        host.set_link_down()
    routes = live.get("routes", {})
    gone, come = ({_route(each) for each in routes.get(key, ())} for key in ("gone", "come"))
    host.change(routes=host.live.routes - gone | come)
    if "rules" in live:
        host.rules = {each for each in host.rules if _show(each) in live["rules"]}
    if "address" in live:
        host.change(address=tuple(map(Address.parse, live["address"])))
    if "private_key" in live:
        host.change(private_key=secret_key(live["private_key"]) if live["private_key"] else None)
    host.change(**{field: live[field] for field in ("listen_port", "fwmark") if field in live})
    if "mtu" in live:
        host.set_mtu(live["mtu"])
    return host.observed


def _change_peer(host: ModelHost, label: str, data: dict[str, Any] | None) -> None:
    key = public_key(label)
    if data is None:
        host.change(peers=tuple(each for each in host.live.peers if each.public_key != key))
        return
    if key not in [each.public_key for each in host.live.peers]:
        host._set_peers([ConfPeer(key)])
    values: dict[str, Any] = dict(data)
    if data.get("endpoint"):
        values["endpoint"] = Endpoint.parse(data["endpoint"])
    if "preshared_key" in data:
        values["preshared_key"] = _preshared_key(data)
    if "allowed_ips" in data:
        values["allowed_ips"] = tuple(sorted(map(Network.parse, data["allowed_ips"])))
    host.change_peer(key, **values)


def _route(text: str) -> Route:
    network, _, table = text.partition(" table ")
    return Route(Network.parse(network), table or "main")


# What a case expects


class Labels:
    """Turns keys back into the labels that a case uses."""

    def __init__(self, case: Case) -> None:
        words = str(case.expected).replace("'", " ").replace(":", " ").replace(",", " ").split()
        self.public = {public_key(word): word for word in words}
        self.secret = {secret_key(word): word for word in words}

    def change(self, change: Change) -> str:
        """A change on one line."""
        subject = self.public[change.peer] if change.peer else change.interface
        what = f".{change.field}" if change.field else f" {change.action.value}"
        values = f": {_show(change.before)} -> {_show(change.after)}" if change.field else ""
        return f"{change.place.value} {subject}{what}{values} ({change.cause.value}, {change.disruption})"

    def step(self, step: Step) -> Any:
        """A step as data: its name, and what tells it from others of its kind."""
        name = type(step).__name__
        match step:
            case SyncConf(conf):
                device = {
                    field: getattr(conf, field) for field in ("listen_port", "fwmark") if getattr(conf, field)
                }
                key = (
                    {} if conf.private_key == secret_key(NAME) else {"private_key": self._label(conf.private_key)}
                )
                return {name: key | device | {"peers": self._peers(conf.peers)}}
            case SetPeers(peers):
                return {name: self._peers(peers)}
            case RemovePeers(keys):
                return {name: [self.public[each] for each in keys]}
            case Adjust():
                changed = (each.name for each in fields(step) if getattr(step, each.name) != each.default)
                return {name: {field: _plain(getattr(step, field)) for field in changed}}
        conf = getattr(step, "conf", Conf())
        said = {
            field: _plain(getattr(conf, field)) for field in RESTARTING if getattr(conf, field) not in ((), "auto")
        }
        if isinstance(step, TakeDown) and step.force:
            said["force"] = True
        if isinstance(step, TakeDown) and step.emptied:
            mark = {"fwmark": step.emptied.fwmark} if step.emptied.fwmark else {}
            said["emptied"] = mark | {"peers": self._peers(step.emptied.peers)}
        return {name: said} if said else name

    def _peers(self, peers: tuple[ConfPeer, ...]) -> dict[str, Any]:
        return {self.public[each.public_key]: self._peer(each) for each in peers}

    def _peer(self, peer: ConfPeer) -> dict[str, Any]:
        values = {each.name: getattr(peer, each.name) for each in fields(peer)[1:] if each.compare}
        values["preshared_key"] = self._label(peer.preshared_key)
        return {name: _plain(value) for name, value in values.items() if value not in (None, ())}

    def _label(self, key: SecretKey | None) -> str | None:
        return self.secret.get(key, "unclamped") if key else None


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int) else _show(value)


def _show(value: object) -> str:
    match value:
        case None | ():
            return "-"
        case tuple():
            return " ".join(map(_show, value))
        case Route(network, table):
            return str(network) if table == "main" else f"{network} table {table}"
        case Rule(version, table):
            return f"v{version} not fwmark {table}" if table else f"v{version} main without default"
        case PublicKey() | ConfPeer():
            raise TypeError("a key has no place here")
    return str(value)


def finished(case: Case, observed: ObservedInterface) -> Case:
    """The same case as the next run finds it."""
    up = case.goal.live is not None
    applied = Baseline(case.goal.conf or Conf(), applied=case.goal.text is not None, up=up)
    return replace(case, observed=observed, baseline=applied, interrupted=False)
