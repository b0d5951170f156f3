"""A site in a folder, with interfaces on models of the host: what a whole reconcile works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from wgreconcile.converge import news, reconcile, survey, target
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.observed.model import LivePeer, ObservedInterface, ObservedState
from wgreconcile.observed.observe import Beside, read_file
from wgreconcile.planning.model import RemoveFile, Step, WriteFile
from wgreconcile.values import Endpoint

from ..observed.strategies import public_key, secret_key
from ..planning.model_host import ModelHost

NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


def site_in(folder: Path) -> Site:
    """A site whose folders lie in ``folder``."""
    for name in ("state", "conf", "var"):
        (folder / name).mkdir(exist_ok=True)
    secrets = Secrets(folder / "secrets", environment={})
    return Site(Store(folder / "state"), secrets, folder / "conf", folder / "var")


def document(folder: Path, name: str, *peers: str, **fields: object) -> None:
    """Write the document of an interface; every peer has a network of its own."""
    given = {"private_key": secret_key(name).reveal()} | fields
    lines = [f"{key}: {value}" for key, value in given.items()] + ["peers:" if peers else "peers: []"]
    for label in peers:
        network = ".".join(["10", *(str(each % 250) for each in public_key(f"{name} {label}").encode()[:3])])
        lines.append(f"  - {{public_key: {public_key(label)}, name: {label}, allowed_ips: {network}/32}}")
    (folder / "state" / f"{name}.yaml").write_text("\n".join(lines) + "\n")


class Fleet:
    """All interfaces of a host: files are real ones in the site's folder, the rest is a model."""

    def __init__(self, patch: pytest.MonkeyPatch, site: Site) -> None:
        self.site = site
        self.hosts: dict[str, ModelHost] = {}
        self.performed: list[tuple[str, str]] = []
        self.fails: dict[tuple[str, str], Exception] = {}
        patch.setattr(target, "perform", lambda step, name, host: self.perform(step, name))
        patch.setattr(target, "observe", lambda folder, names: self.observe(names))
        for module in (reconcile, survey, news):
            patch.setattr(module, "Look", lambda folder, names: FleetLook(self, names))

    def host(self, name: str) -> ModelHost:
        return self.hosts.setdefault(name, ModelHost(ObservedInterface(name)))

    def perform(self, step: Step, name: str) -> None:
        self.performed.append((name, type(step).__name__))
        if (name, type(step).__name__) in self.fails:
            raise self.fails[name, type(step).__name__]
        self.host(name).perform(step)
        path = self.site.conf_dir / f"{name}.conf"
        if isinstance(step, WriteFile):
            path.write_text(step.text)
            path.chmod(0o600)
        elif isinstance(step, RemoveFile):
            path.unlink()

    def observe(self, names: Iterable[str]) -> ObservedState:
        live = {name for name, host in self.hosts.items() if host.observed.live}
        files = {path.stem for path in self.site.conf_dir.glob("*.conf")}
        return ObservedState(
            tuple(self._observed(name) for name in names),
            tuple(sorted(files - set(names))),
            tuple(sorted(live - set(names))),
        )

    def _observed(self, name: str) -> ObservedInterface:
        return replace(self.host(name).observed, file=read_file(self.site.conf_dir, name))


class FleetLook:
    """In place of a look with real programs: the host as it is now."""

    def __init__(self, fleet: Fleet, names: Iterable[str]) -> None:
        self._seen = fleet.observe(sorted(names))

    def result(self) -> ObservedState:
        return self._seen

    def few(self, name: str, keys: Set[str]) -> tuple[ObservedInterface, Beside]:
        found = {each.name: each for each in self._seen.interfaces}
        lines = (
            (each.name, _settings(peer))
            for each in found.values()
            for peer in (each.live.peers if each.live else ())
            if each.name != name or peer.public_key not in keys
        )
        others = (_with_peers(each, frozenset()) for each in found.values() if each.name != name)
        names = (frozenset(self._seen.other_files), frozenset(self._seen.other_live))
        return _with_peers(found[name], keys), Beside(frozenset(map(repr, lines)), tuple(others), names)

    def fingerprint(self) -> Iterator[str]:
        for each in self._seen.interfaces:
            peers = [_settings(peer) for peer in each.live.peers] if each.live else []
            yield repr((_with_peers(each, frozenset()), peers))
            yield each.file.text if each.file else ""
        yield repr((self._seen.other_files, self._seen.other_live))


def _with_peers(each: ObservedInterface, keys: Set[str]) -> ObservedInterface:
    """The interface with only these peers."""
    if each.live is None:
        return each
    peers = tuple(peer for peer in each.live.peers if peer.public_key in keys)
    return replace(each, live=replace(each.live, peers=peers))


def _settings(peer: LivePeer) -> LivePeer:
    """A live peer without what changes by itself."""
    known = None if peer.endpoint is None else Endpoint("known:1")
    return replace(peer, endpoint=known, latest_handshake=0, rx_bytes=0, tx_bytes=0)
