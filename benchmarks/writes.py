"""What a write of the API costs in a process that lives long, as ratios to a floor measured in the same run.

    sudo python benchmarks/writes.py [--peers 1000 10000] [--runs 15]

A write is durable, applied and verified when it returns. The floor is what that cannot do without: one
`wg show all dump`, and three files made durable: the peer's document, the configuration file and the record.
Times are medians in milliseconds. It makes a network, mount and pid namespace of its own.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from reconcile import INSIDE, NAMESPACES, write_state

from wgreconcile.agent.local import LocalReconciler
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.command import run
from wgreconcile.converge.site import Site
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import Peer
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.warm import WarmStore
from wgreconcile.files import write_atomic
from wgreconcile.values import Network, generate_secret_key, public_key_of

WRITERS, BULK = 8, 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    if INSIDE not in os.environ:
        command = [*NAMESPACES, sys.executable, *sys.argv]
        return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode
    subprocess.run(["mount", "-t", "tmpfs", "benchmark", "/run"], check=True)
    for peers in arguments.peers:
        with tempfile.TemporaryDirectory() as folder:
            _figures(Path(folder), peers, arguments.runs)
    return 0


def _figures(folder: Path, peers: int, runs: int) -> None:
    write_state(folder / "state", peers)
    bench = Bench(folder)
    bench.write(1)  # takes what was verified into memory
    gc.collect()
    gc.freeze()
    floors, single, with_key = [], [], []
    for _ in range(runs):  # in turn, so that all of them see the machine in the same mood
        floors.append(_timed(bench.floor))
        single.append(_timed(lambda: bench.write(1)))
        with_key.append(_timed(lambda: bench.write(1, with_key=True)))
    floor, one = statistics.median(floors), statistics.median(single)
    print(f"{peers} peers, {runs} runs; floor {floor:.1f} ms (least {min(floors):.1f})")
    _row("one peer", single, floor)
    _row("one peer with a preshared key", with_key, floor)
    bulk = statistics.median(_timed(lambda: bench.write(BULK)) for _ in range(3))
    print(f"{f'{BULK} peers in one write':<34} {bulk:8.1f} ms  {bulk / one:6.2f} x one")
    each = bench.together(WRITERS, max(2, runs // 3))
    print(f"{f'each of {WRITERS} writers at once':<34} {each:8.1f} ms  {one / each:6.2f} x the rate of one\n")
    subprocess.run(["wg-quick", "down", str(folder / "conf" / "wg0.conf")], check=True, capture_output=True)


class Bench:
    """A state with a reconciler and the write path of the API over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        store = WarmStore(folder / "state")
        secrets = Secrets(folder / "secrets")
        self.reconciler = LocalReconciler(Site(store, secrets, folder / "conf", folder / "var"))
        assert not self.reconciler.converge(()).failed
        self.transactions = Transactions(store, secrets, self.reconciler)
        self._numbers = itertools.count()

    def write(self, amount: int, *, with_key: bool = False) -> None:
        """Add peers, all of them in one write."""

        def edit(draft: Draft) -> None:
            draft.put_peers("wg0", [self._peer(draft, with_key) for _ in range(amount)])

        self.transactions.write(edit)

    def together(self, writers: int, writes: int) -> float:
        """Milliseconds that a write takes when so many threads write one after the other."""

        def work() -> None:
            for _ in range(writes):
                self.write(1)

        threads = [threading.Thread(target=work) for _ in range(writers)]
        began = time.perf_counter()
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        return (time.perf_counter() - began) * 1000 / (writers * writes)

    def floor(self) -> None:
        run(["wg", "show", "all", "dump"])
        text = (self.folder / "conf" / "wg0.conf").read_text()
        for name, content in (("document", "x" * 100), ("conf", text), ("record", text)):
            write_atomic(self.folder / f"{name}.floor", content)

    def _peer(self, draft: Draft, with_key: bool) -> Peer:
        number = next(self._numbers)
        key = generate_secret_key()
        kept = draft.keep(f"wg0/new{number}.psk", key) if with_key else None
        network = Network(f"10.9.{number // 250}.{number % 250 + 1}/32")
        return Peer(public_key_of(key), f"new {number}", kept, (network,))


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _row(what: str, times: list[float], floor: float) -> None:
    middle, low, high = statistics.median(times), min(times), max(times)
    print(f"{what:<34} {middle:8.1f} ms  {middle / floor:6.2f} x floor  (least {low:.1f}, most {high:.1f})")


if __name__ == "__main__":
    sys.exit(main())
