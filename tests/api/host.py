"""A host that is a variable, and clients who look after peers on it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wgreconcile.api.reconciler import Converged, Outcome, Snapshot
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.runtime.usage import Sample
from wgreconcile.desired.documents import parse
from wgreconcile.desired.model import Interface
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.observed.model import LiveInterface, LivePeer
from wgreconcile.values import Endpoint, PublicKey, SecretKey, public_key_of

from .dashboard import Caller, Clock

CASES = Path(__file__).parents[1] / "cases" / "wgdashboard"


@dataclass
class Host:
    """Converges by computing what would be live.

    It stands in for WireGuard: these tests are about what the API writes and what it answers. That a pass does the
    same to a real interface is shown in tests/agent and tests/hosts.
    """

    store: Store
    secrets: Secrets
    live: dict[str, LiveInterface] = field(default_factory=dict)
    passes: list[tuple[str, ...]] = field(default_factory=list)
    failure: str = ""

    def converge(self, names: Sequence[str], *, force: bool = False) -> Outcome:
        self.passes.append(tuple(names))
        if self.failure:
            return Outcome(tuple(Converged(each, self.failure) for each in names))
        desired = self.store.load()
        for name in names:
            interface = desired.find(name)
            if interface is not None and interface.enabled:
                self.live[name] = self._up(interface)
            else:
                self.live.pop(name, None)
        return Outcome(tuple(map(Converged, names)))

    def observed(self, *, anew: bool = False) -> Snapshot:
        return Snapshot(tuple(self.live[name] for name in sorted(self.live)))

    def connect(self, name: str, key: str, **seen: Any) -> None:
        """Let a peer have been there: ``rx_bytes``, ``tx_bytes``, ``latest_handshake``, ``endpoint``."""
        live = self.live[name]
        peers = tuple(replace(each, **seen) if each.public_key == key else each for each in live.peers)
        self.live[name] = replace(live, peers=peers)

    def sample(self, runtime: Runtime, run: str = "") -> None:
        """One of the rounds that count usage."""
        runtime.usage.update(
            Sample(
                *(name, each.public_key, each.rx_bytes, each.tx_bytes, each.latest_handshake),
                endpoint=each.endpoint or "",
                run=run,
            )
            for name, live in self.live.items()
            for each in live.peers
        )

    def _up(self, interface: Interface) -> LiveInterface:
        now = datetime.now(timezone.utc)
        resolved = self.secrets.resolve_interface(interface, is_new=True, write=True, now=now)
        before = self.live.get(interface.name)
        known = {each.public_key: each for each in before.peers} if before else {}
        peers = []
        for each in resolved.peers:
            if each.is_active(now):
                psk = each.preshared_key
                assert psk is None or isinstance(psk, SecretKey)
                fresh = LivePeer(each.public_key, psk, each.allowed_ips, each.endpoint, None)
                old = known.get(each.public_key)
                peers.append(replace(old, preshared_key=psk, allowed_ips=each.allowed_ips) if old else fresh)
        assert isinstance(resolved.private_key, SecretKey)
        return LiveInterface(
            interface.name,
            resolved.private_key,
            public_key_of(resolved.private_key),
            interface.listen_port or 40000,
            0,
            tuple(peers),
            interface.address,
            is_up=True,
        )


@dataclass
class Owner(Caller):
    """The owner of a host, with what a test needs to look behind the answers."""

    host: Host = None
    store: Store = None
    runtime: Runtime = None
    clock: Clock = None

    def write(self, path: str, text: str) -> None:
        """A document of the desired state, with ``$KEY1`` for the key number 1."""
        target = self.store.state / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(with_keys(text))
        self.store.load()

    def document(self, path: str) -> dict[str, Any]:
        target = self.store.state / path
        return parse(target.read_text(), path)

    def documents(self) -> set[str]:
        return {str(each.relative_to(self.store.state)) for each in self.store.state.rglob("*.yaml")}

    def secret_files(self) -> dict[str, str]:
        """The keys in the secret folder, by path; without the server's own."""
        folder = self.host.secrets.folder
        found = (each for each in folder.rglob("*") if each.is_file() and each.name != "runtime.key")
        return {str(each.relative_to(folder)): each.read_text().strip() for each in found}

    def info(self, name: str = "wg0") -> Any:
        return self.get("getWireguardConfigurationInfo", configurationName=name)["data"]

    def peer(self, key: str, name: str = "wg0") -> Any:
        """The object of a peer, restricted or not."""
        found = self.info(name)
        peers = [*found["configurationPeers"], *found["configurationRestrictedPeers"]]
        return next((each for each in peers if each["id"] == key), None)

    def live(self, key: str, name: str = "wg0") -> LivePeer | None:
        interface = self.host.live.get(name)
        return next((each for each in interface.peers if each.public_key == key), None) if interface else None

    def up(self, name: str = "wg0") -> None:
        self.host.converge([name])


def key(number: int) -> PublicKey:
    return PublicKey(base64.b64encode(number.to_bytes(32, "little")).decode())


def with_keys(text: str) -> str:
    for number in range(9, 0, -1):
        text = text.replace(f"$KEY{number}", key(number))
    return text


def endpoint(text: str) -> Endpoint:
    return Endpoint(text)
