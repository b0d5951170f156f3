"""A process on a test host with a LocalReconciler and Transactions in it, driven over its standard input."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from subprocess import PIPE
from types import TracebackType
from typing import Any

from wgreconcile.agent.local import LocalReconciler
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.converge.site import Site
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Hooks, Peer
from wgreconcile.desired.secrets import Secrets, generate_preshared_key
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import WgreconcileError
from wgreconcile.values import Network, PublicKey

STATE, VAR, CONF = Path("/etc/wgreconcile/state"), Path("/var/lib/wgreconcile"), Path("/etc/wireguard")
NEVER = 1e6


class Driven:
    """The test's side. Each method does on the host what the driver's function of that name does."""

    def __init__(self, host: Any, options: Mapping[str, Any]) -> None:
        argv = [sys.executable, "-m", "tests.agent.driven", json.dumps(options)]
        self.process = host.popen(argv, stdin=PIPE)
        self.acknowledged: list[Any] = []

    def __enter__(self) -> Driven:
        assert self._answer() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.begin(name, *arguments, **more)
            return self.end()

        return call

    def begin(self, name: str, *arguments: Any, **more: Any) -> None:
        """Call without waiting for the answer."""
        self.process.stdin.write(json.dumps([name, arguments, more]) + "\n")
        self.process.stdin.flush()

    def end(self) -> Any:
        """The answer; what was acknowledged on the way is kept."""
        while True:
            answer = self._answer()
            if not isinstance(answer, dict) or "acknowledged" not in answer:
                return answer
            self.acknowledged.append(answer["acknowledged"])

    def first_acknowledged(self) -> None:
        """Wait until something is acknowledged."""
        self.acknowledged.append(self._answer()["acknowledged"])

    def killed(self) -> None:
        """End it as kill -9 does, and read what it has acknowledged until then."""
        self.process.send_signal(signal.SIGKILL)
        rest = self.process.communicate()[0]
        self.acknowledged += [json.loads(line)["acknowledged"] for line in rest.splitlines() if line.endswith("}")]

    def stopped(self) -> tuple[int, str]:
        """End its input; its status and what it said."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def _answer(self) -> Any:
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the driver is gone: {self.process.communicate()[1]}")
        return json.loads(line)


class Driver:
    """The host's side: a function for each thing that a test asks for."""

    def __init__(self, *, is_started: bool = False, **options: Any) -> None:
        self.store = WarmStore(STATE, cache=VAR / "cache")
        self.secrets = Secrets(STATE.parent / "secrets", state=STATE)
        self.samples: list[list[Any]] = []
        self.looks: list[float] = []
        options = {"pass_seconds": NEVER, "sample_seconds": NEVER, **options}
        site = Site(self.store, self.secrets, CONF, VAR)
        self.reconciler = LocalReconciler(site, on_sample=self._keep, **options)
        self.transactions = Transactions(self.store, self.secrets, self.reconciler)
        if is_started:
            self.reconciler.start()

    def _keep(self, snapshot: Any) -> None:
        self.samples.append([len(each.peers) for each in snapshot.interfaces])
        self.looks.append(snapshot.taken_at)

    def converge(self, *names: str, force: bool = False) -> Any:
        return asdict(self.reconciler.converge(names, force=force))["interfaces"]

    def observed(self) -> Any:
        found = self.reconciler.observed().interfaces
        return {each.name: {"peers": len(each.peers), "address": each.address, "up": each.is_up} for each in found}

    def counted(self) -> Any:
        return self.samples

    def counted_at(self) -> Any:
        return self.looks

    def add(self, *numbers: int) -> Any:
        return self.transactions.write(adding(*numbers)).data

    def remove(self, *numbers: int) -> Any:
        self.transactions.write(lambda draft: draft.remove_peers("wg0", map(key, numbers)))

    def set(self, **fields: Any) -> Any:
        hooks = Hooks(**{name: tuple(fields.pop(name)) for name in ("pre_up", "post_up") if name in fields})
        self.transactions.write(
            lambda draft: draft.put_interface(replace(draft.interface("wg0"), hooks=hooks, **fields))
        )

    def many(self, threads: int, writes: int, first: int = 1) -> Any:
        """Write from many threads, and acknowledge each write when it is done."""
        errors: list[str] = []

        def work(start: int) -> None:
            for number in range(start, start + writes):
                try:
                    self.add(number)
                    say({"acknowledged": number})
                except WgreconcileError as error:
                    errors.append(str(error))

        workers = [threading.Thread(target=work, args=(first + writes * each,)) for each in range(threads)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        return errors


def key(number: int) -> PublicKey:
    import base64

    return PublicKey(base64.b64encode(number.to_bytes(32, "little")).decode())


def adding(*numbers: int) -> Callable[[Draft], list[str]]:
    """Add peers, each with a preshared key; the addresses are in the network of ``scenario.interface``."""

    def edit(draft: Draft) -> list[str]:
        put = []
        for number in numbers:
            address = Network(f"10.9.{number // 200}.{number % 200 + 50}/32")
            psk = draft.keep(f"wg0/p{number}.psk", generate_preshared_key())
            put.append(Peer(key(number), f"p{number}", psk, (address,)))
        draft.put_peers("wg0", put)
        return [each.name for each in put]

    return edit


def say(answer: Any) -> None:
    os.write(1, (json.dumps(answer) + "\n").encode())


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    driver = Driver(**json.loads(sys.argv[1]))
    say("ready")
    for line in sys.stdin:
        name, arguments, more = json.loads(line)
        try:
            say(getattr(driver, name)(*arguments, **more))
        except WgreconcileError as error:
            say(f"{type(error).__name__}: {error}")
    driver.reconciler.stop()
    assert threading.active_count() == 1, threading.enumerate()


if __name__ == "__main__":
    main()
