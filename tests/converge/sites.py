"""A site in a folder, with interfaces on models of the host: what a whole reconcile works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from wgreconcile.converge import news, reconcile, survey, target
from wgreconcile.converge.site import Site
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.observed.model import LiveInterface, ObservedInterface, ObservedState
from wgreconcile.observed.observe import Look, read_file
from wgreconcile.planning.model import RemoveFile, Step, WriteFile

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
        patch.setattr(target, "looked_up", lambda steps: steps)
        patch.setattr(target, "obstacles", lambda plan: ())
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


class FleetLook(Look):
    """A look at the host as it is now, at what the programs would print of it."""

    def __init__(self, fleet: Fleet, names: Iterable[str]) -> None:
        self._conf_dir, self._wanted = fleet.site.conf_dir, frozenset(names)
        live = {name: host.observed.live for name, host in sorted(fleet.hosts.items())}
        found = {name: each for name, each in live.items() if each is not None}
        self._dump = _Dump("".join(line for each in found.values() for line in _dump(each)))
        self._links = _Links({name: _link(each) for name, each in found.items()})
        ours = {name: each for name, each in found.items() if name in self._wanted}
        self._routes = _Routes(ours)
        assert self._files.keys() == self._wanted  # read now
        assert self._listed is not None


class _Dump:
    def __init__(self, text: str) -> None:
        self.text = text


class _Links:
    def __init__(self, result: dict[str, dict[str, object]]) -> None:
        self.result = result


class _Routes:
    def __init__(self, live: dict[str, LiveInterface]) -> None:
        self._live, self.names = live, tuple(live)
        self.texts = [(each.name, sorted(map(repr, (*each.routes, *each.rules)))) for each in live.values()]

    def with_routes(self, interfaces: Iterable[LiveInterface]) -> list[LiveInterface]:
        found = self._live
        return [
            replace(each, routes=found[each.name].routes, rules=found[each.name].rules)
            for each in interfaces
            if each.name in found
        ]


def _dump(live: LiveInterface) -> Iterator[str]:
    """The lines that ``wg show all dump`` prints of an interface."""
    key = live.private_key.reveal() if live.private_key else "(none)"
    yield f"{live.name}\t{key}\t{live.public_key or '(none)'}\t{live.listen_port}\t{live.fwmark or 'off'}\n"
    for each in live.peers:
        psk = each.preshared_key.reveal() if each.preshared_key else "(none)"
        where = [each.public_key, psk, each.endpoint or "(none)", ",".join(each.allowed_ips) or "(none)"]
        counts = [each.latest_handshake, each.rx_bytes, each.tx_bytes, each.persistent_keepalive or "off"]
        yield "\t".join(map(str, (live.name, *where, *counts))) + "\n"


def _link(live: LiveInterface) -> dict[str, object]:
    """What ``ip -json address show`` says of an interface."""
    addresses = (each.split("/") for each in live.address)
    return {
        "mtu": live.mtu,
        "flags": ["UP"] if live.is_up else [],
        "addr_info": [{"local": local, "prefixlen": int(length)} for local, length in addresses],
    }
