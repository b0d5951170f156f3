"""What a reconcile costs, as ratios to a floor that is measured in the same run.

    sudo python benchmarks/reconcile.py [--peers 10000] [--runs 5]

It makes a network, mount and pid namespace of its own, so nothing of this machine's WireGuard is seen or touched.
The floor is what no reconciler can do without: starting Python with a YAML and a template library, one
`wg show all dump`, and reading the configuration file. Times are medians of whole processes, in seconds.
"""

from __future__ import annotations

import argparse
import base64
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from namespaces import move_inside


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=int, default=10_000)
    parser.add_argument("--up-peers", type=int, default=1_000, help="for the bring-up against plain wg-quick")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    move_inside()
    with tempfile.TemporaryDirectory() as folder:
        _bring_up(Path(folder) / "up", arguments.up_peers, arguments.runs)
        _figures(Path(folder) / "state", arguments.peers, arguments.runs)
    return 0


def _figures(state: Path, peers: int, runs: int) -> None:
    write_state(state, peers)
    apply = [sys.executable, "-m", "wgreconcile", "apply", "--state", str(state)]
    first = timed(apply)
    cold = [timed(apply, before=_forget) for _ in range(min(runs, 3))]
    floors, warm, changes = [], [], []
    for run in range(runs):  # in turn, so that all of them see the machine in the same mood
        floors.append(sum(timed(each)[0] for each in _floor()))
        warm.append(timed(apply))
        changes.append(timed(apply, before=lambda n=run: _change_one(state, n)))
    floor = statistics.median(floors)
    print(f"\n{peers} peers, one a file, {runs} runs; floor {floor:.3f} s")
    _row("first apply (writes, brings up)", [first], floor)
    _row("no-op apply, warm", warm, floor)
    _row("one peer changed", changes, floor)
    _row("no-op apply, cold caches", cold, floor)


def _bring_up(state: Path, peers: int, runs: int) -> None:
    write_state(state, peers, name="wg1")
    command = [sys.executable, "-m", "wgreconcile", "apply", "--state", str(state), "wg1"]
    timed(command)
    quick = ["wg-quick", "down", "wg1"]
    ours, plain = [], []
    for _ in range(runs):
        subprocess.run(quick, check=True, capture_output=True)
        plain.append(timed(["wg-quick", "up", "wg1"]))
        subprocess.run(quick, check=True, capture_output=True)
        ours.append(timed(command))
    subprocess.run(quick, check=True, capture_output=True)
    print(f"bringing up {peers} peers with a route each; plain wg-quick {_median(plain):.3f} s")
    _row("wgreconcile apply", ours, _median(plain))


def write_state(state: Path, peers: int, name: str = "wg0") -> None:
    """An interface and its peers, one a file, each with an address; every second one has a network behind it.

    The peers of ``wg1`` are all outside of its network, so that each needs a route.
    """
    folder = state / name
    folder.mkdir(parents=True)
    port = 51820 if name == "wg0" else 51821
    (state / f"{name}.yaml").write_text(f"address: 10.0.0.1/12\nlisten_port: {port}\n")
    for number in range(peers):
        key = base64.b64encode(random.Random(number).randbytes(32)).decode()
        rest = f"{number // 62500 + 1}.{number // 250 % 250}.{number % 250 + 1}/32"
        allowed = f"10.{rest}, 172.{rest}" if number % 2 else f"10.{rest}"
        if name != "wg0":
            allowed = f"100.{rest}"
        (folder / f"peer{number}.yaml").write_text(f"public_key: {key}\nallowed_ips: [{allowed}]\n")


def timed(argv: Sequence[str], before: Callable[[], object] = lambda: None) -> tuple[float, int]:
    """Wall seconds and peak memory (MB, of the largest process) of a command that must succeed."""
    before()
    start = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(argv)}: {process.stderr.read().decode() if process.stderr else status}")
    return seconds, usage.ru_maxrss // 1024


def _floor() -> list[list[str]]:
    return [
        [sys.executable, "-c", "import yaml, jinja2"],
        ["wg", "show", "all", "dump"],
        ["cat", "/etc/wireguard/wg0.conf"],
    ]


def _forget() -> None:
    for path in Path("/var/lib/wgreconcile/cache").glob("*"):
        path.unlink()


def _change_one(state: Path, number: int) -> None:
    path = state / "wg0" / f"peer{number}.yaml"
    path.write_text(path.read_text() + f"persistent_keepalive: {20 + number}\n")
    time.sleep(2.1)  # as after a person's edit: a document this young is read again by its content


def _median(runs: Sequence[tuple[float, int]]) -> float:
    return statistics.median(seconds for seconds, _ in runs)


def _row(what: str, runs: Sequence[tuple[float, int]], floor: float) -> None:
    low, middle, high = min(runs)[0], _median(runs), max(runs)[0]
    memory = max(memory for _, memory in runs)
    print(f"{what:<34} {low:7.3f} {middle:7.3f} {high:7.3f} s   {middle / floor:6.2f} x   {memory:4d} MB")


if __name__ == "__main__":
    sys.exit(main())
