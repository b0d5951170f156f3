"""What the HTTP API costs, as ratios to floors that are measured in the same run.

    sudo python benchmarks/api.py [--peers 1000 10000] [--runs 15]

A client measures `wgreconcile serve` on a real interface whose peers the API itself has made, each with a private
and a preshared key. Every ratio is the median over pairs of times that were taken one right after the other, so
that both saw the machine in the same mood. A write is durable, applied and verified when it is answered; what no
write can do without is one `wg show all dump` and five durable files: document, two keys, configuration, record.
It makes a network, mount and pid namespace of its own, and ends with status 1 when a figure is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from namespaces import move_inside
from served import HOST, Client, Served

from wgreconcile.files import write_atomic
from wgreconcile.values import generate_secret_key, public_key_of

PORT, EMPTY_PORT = 10086, 10087
PASSWORD = "for-this-benchmark"
WRITERS, WRITES_OF_EACH, READERS, BULK, HANDSHAKES = 8, 30, 20, 100, 50
IDLE_SECONDS = 60.0  # from one pass to the next
INFO = "/api/getWireguardConfigurationInfo?configurationName=wg0"
EMPTY_SERVER = f"""
import falcon
from wgreconcile.api.serve import Server
class Empty:
    def on_get(self, req, resp):
        pass
app = falcon.App()
app.add_route("/", Empty())
Server(app, "{HOST}:{EMPTY_PORT}").run()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    move_inside()
    table = Table()
    # One folder for all, which is removed last: see _spread.
    with tempfile.TemporaryDirectory() as folder:
        _spread(folder)
        for peers in arguments.peers:
            print(f"{peers} peers, {arguments.runs} runs", flush=True)
            _measure(Bench(Path(tempfile.mkdtemp(dir=folder)), peers), arguments.runs, table)
    return 1 if table.is_missed else 0


def _spread(folder: str) -> None:
    """Let ext4 put what is in each folder of this one apart, far from where others have just removed files.

    Without a journal, its making of a file passes over each inode near by that was given back in the last minutes
    (ext4_new_inode, recently_deleted), which would measure who was here before. Other file systems refuse, and
    need it not.
    """
    subprocess.run(["chattr", "+T", folder], check=False, capture_output=True)


class Table:
    """Prints figures as they come, and knows whether one was missed."""

    def __init__(self) -> None:
        self.is_missed = False

    def row(
        self, what: str, value: float, unit: str, most: float = inf, beside: str = "", *, least: float = -inf
    ) -> None:
        """A figure, what is demanded of it, and what else there is to say."""
        is_missed = not least <= value <= most
        self.is_missed |= is_missed
        demand = f"at most {most:g}" if most < inf else f"at least {least:g}" if least > -inf else ""
        demand = f"{demand}: MISSED" if is_missed else demand
        print(f"  {what:<36} {value:8.2f} {unit:<2}  {demand:<20}  {beside}".rstrip(), flush=True)

    def ratio(self, what: str, pairs: Sequence[tuple[float, float]], floor: str, most: float = inf) -> None:
        """How much longer the first of two times is than the second."""
        value, beneath = (statistics.median(each) for each in zip(*pairs, strict=True))
        middle = statistics.median(first / second for first, second in pairs)
        self.row(what, middle, "x", most, f"{value:.4g} ms; {floor}: {beneath:.4g} ms")


class Bench:
    """A state whose interface wg0 has so many peers, made through the API, and the server over it."""

    def __init__(self, folder: Path, peers: int) -> None:
        self.folder, self.peers, self.log = folder, peers, folder / "log"
        self.key: dict[str, str] = {}
        self.session: dict[str, str] = {}
        addresses = (f"10.0.{high}.{low}/32" for high in range(255, 247, -1) for low in range(1, 255))
        self._forms = list(map(_form, addresses))  # made now, so that only the server's work is timed
        (folder / "state").mkdir()
        (folder / "state" / "settings.yaml").write_text("server: {api_keys: true}\n")
        with self.serve():
            self._make()

    def serve(self) -> Served:
        """The server, until the end of the with-block."""
        places = {"--state": "state", "--secrets": "secrets", "--conf-dir": "conf", "--var": "var"}
        options = [word for option, name in places.items() for word in (option, str(self.folder / name))]
        argv = [sys.executable, "-m", "wgreconcile", "serve", "--listen", f"{HOST}:{PORT}", *options]
        return Served(argv, PORT, self.log, {**os.environ, "WGRECONCILE_PASSWORD": PASSWORD})

    def serve_nothing(self) -> Served:
        """A server of the same kind that does nothing."""
        return Served([sys.executable, "-c", EMPTY_SERVER], EMPTY_PORT, self.log)

    def client(self) -> Client:
        """A connection of somebody who may do everything."""
        return Client(PORT, self.key)

    def add(self, client: Client) -> None:
        """One peer, as the web page adds it."""
        client.must("/api/addPeers/wg0", self._forms.pop())

    def add_many(self, client: Client, amount: int) -> None:
        """Many peers with one call."""
        client.must("/api/addPeers/wg0", _SETTINGS | {"bulkAdd": True, "bulkAddAmount": amount})

    def write_floor(self) -> None:
        """What no write can do without: a look at what is live, and what it leaves on the disk."""
        subprocess.run(["wg", "show", "all", "dump"], check=True, capture_output=True)
        conf = (self.folder / "conf" / "wg0.conf").read_text()
        key, document = "x" * 44, "x" * 300
        for name, text in {"document": document, "key": key, "psk": key, "conf": conf, "record": conf}.items():
            write_atomic(self.folder / f"{name}.floor", text)

    def _make(self) -> None:
        client = Client(PORT)
        self.session["Cookie"] = client.cookies("/api/authenticate", {"username": "admin", "password": PASSWORD})
        client = Client(PORT, self.session)
        self.key["wg-dashboard-apikey"] = client.must("/api/newDashboardAPIKey", {"neverExpire": True})[0]["Key"]
        private_key = generate_secret_key()
        form = dict.fromkeys(("PresharedKey", "PreUp", "PreDown", "PostUp", "PostDown"), "")
        form |= {"ConfigurationName": "wg0", "Address": "10.0.0.1/16", "ListenPort": "51820"}
        form |= {"PrivateKey": private_key.reveal(), "PublicKey": public_key_of(private_key)}
        client.must("/api/addWireguardConfiguration", form)
        for _ in range(self.peers // 1000):
            self.add_many(client, 1000)


_SETTINGS: Mapping[str, Any] = {
    **{"bulkAdd": False, "bulkAddAmount": "", "name": "", "allowed_ips": [], "public_key": "", "private_key": ""},
    **{"DNS": "1.1.1.1", "endpoint_allowed_ip": "0.0.0.0/0", "keepalive": 21, "mtu": 1420, "preshared_key": ""},
}


def _form(address: str) -> Mapping[str, Any]:
    private_key = generate_secret_key()
    keys = {"private_key": private_key.reveal(), "public_key": public_key_of(private_key)}
    own = {"name": f"new {address}", "allowed_ips": [address], "preshared_key": generate_secret_key().reveal()}
    return _SETTINGS | keys | own


def _measure(bench: Bench, runs: int, table: Table) -> None:
    with bench.serve() as served, bench.serve_nothing() as empty:
        table.row("start until it answers", served.start_seconds, "s")
        client = bench.client()
        _writes(bench, client, runs, table)
        _reads(client, runs, table)
        _handshakes(bench, Client(empty.port), runs, table)
        _memory(bench, served, table)
        _idle(served, table)
        # With a new connection: an old one has been closed meanwhile.
        bench.client().get("/api/toggleWireguardConfiguration/?configurationName=wg0")


def _writes(bench: Bench, client: Client, runs: int, table: Table) -> None:
    table.row("addPeers, the first after a start", _ms(lambda: bench.add(client)), "ms")
    # First: without a journal, ext4 makes files slowly while it remembers what was replaced a moment ago.
    bulk = [(_ms(lambda: bench.add_many(client, BULK)), _ms(lambda: bench.add(client))) for _ in range(runs // 3)]
    table.ratio(f"addPeers, {BULK} in bulk", bulk, "one", 3)
    singles = [(_ms(lambda: bench.add(client)), _ms(bench.write_floor)) for _ in range(runs)]
    table.ratio("addPeers", singles, "what no write can do without")
    one = statistics.median(each for each, _ in singles)
    table.row("addPeers", one, "ms", most=60 if bench.peers <= 1000 else 150)
    speedups = [_ms(lambda: bench.add(client), WRITES_OF_EACH) / _together(bench) for _ in range(2)]
    table.row(f"rate of {WRITERS} writers, of one's", statistics.median(speedups), "x", least=5)
    keys = [each["id"] for each in json.loads(client.get(INFO))["data"]["configurationPeers"][:BULK]]
    for call in ("restrictPeers", "allowAccessPeers", "deletePeers"):
        table.row(f"{call}, {BULK}", _ms(partial(client.must, f"/api/{call}/wg0", {"peers": keys})), "ms")


def _together(bench: Bench) -> float:
    """Milliseconds that a write takes when many write at once, each one after the other."""

    def write() -> None:
        client = bench.client()
        for _ in range(WRITES_OF_EACH):
            bench.add(client)

    return _ms(lambda: _at_once(WRITERS, write)) / (WRITERS * WRITES_OF_EACH)


def _reads(client: Client, runs: int, table: Table) -> None:
    pairs = []
    for _ in range(runs):
        took, answer = _ms(lambda: client.get(INFO)), json.loads(client.get(INFO))
        pairs.append((took, _ms(partial(json.dumps, answer))))
    table.ratio("getWireguardConfigurationInfo", pairs, "json.dumps of it", 3)
    reads = {"getAvailableIPs/wg0": 50, "getWireguardConfigurations": inf, "downloadAllPeers/wg0": inf}
    for path, most in reads.items():
        took = [_ms(partial(client.get, f"/api/{path}")) for _ in range(runs)]
        table.row(path.removesuffix("/wg0"), statistics.median(took), "ms", most)


def _handshakes(bench: Bench, nothing: Client, runs: int, table: Table) -> None:
    for how, headers in (("an API key", bench.key), ("a session", bench.session)):
        ask, floor = partial(Client(PORT, headers).get, "/api/handshake"), partial(nothing.get, "/")
        pairs = [(_ms(ask, HANDSHAKES), _ms(floor, HANDSHAKES)) for _ in range(runs)]
        table.ratio(f"handshake with {how}", pairs, "an empty responder", 2)


def _memory(bench: Bench, served: Served, table: Table) -> None:
    took = _ms(lambda: _at_once(READERS, lambda: bench.client().get(INFO)))
    table.row(f"{READERS} times Info at once", took, "ms")
    most = f"at its most {served.megabytes('VmHWM'):.0f} MB"
    table.row("memory after all of this", served.megabytes(), "MB", 250, most)


def _idle(served: Served, table: Table) -> None:
    time.sleep(IDLE_SECONDS)  # until a pass has found that nothing is left to do
    began = served.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    table.row("processor when idle", (served.cpu_seconds() - began) / IDLE_SECONDS * 100, "%", 1)


def _at_once(threads: int, work: Callable[[], object]) -> None:
    started = [threading.Thread(target=work) for _ in range(threads)]
    for each in started:
        each.start()
    for each in started:
        each.join()


def _ms(do: Callable[[], object], times: int = 1) -> float:
    """Milliseconds that it takes to do something once, told from so many times."""
    began = time.perf_counter()
    for _ in range(times):
        do()
    return (time.perf_counter() - began) * 1000 / times


if __name__ == "__main__":
    sys.exit(main())
