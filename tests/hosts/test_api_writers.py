"""Eight writers at once, and kill -9 among them: nothing that was acknowledged is lost, nothing is half done."""

from __future__ import annotations

import http.client
import random
import threading
import time
from dataclasses import dataclass, replace

import yaml

from wgreconcile.values import generate_secret_key, public_key_of

from ..replay.owner import Owner
from ..replay.served import Served
from ..replay.states import Fields, view_of
from .scenario import CONF, SECRETS, eventually
from .testhost import STATE_FOLDER, Host

WRITERS = 8
SECONDS = 20.0
KILLS = 4
BEFORE_KILL = (1.0, 2.5)
SETTLES_WITHIN = 20.0


@dataclass(frozen=True)
class Wanted:
    """A peer as a writer wants it."""

    name: str
    address: str
    preshared_key: str = ""
    restricted: bool = False


Peers = dict[str, Wanted]


class Writer(threading.Thread):
    """Adds, changes, restricts, lets in and deletes peers of its own, each with addresses nobody else takes.

    ``peers`` is what was acknowledged; ``unsure`` the peer of the request that was never answered, as it was
    and as it would be. ``refusals`` should stay empty.
    """

    def __init__(self, owner: Owner, number: int, stop: threading.Event) -> None:
        super().__init__(name=f"writer {number}")
        self.peers: Peers = {}
        self.unsure: dict[str, tuple[Wanted | None, Wanted | None]] = {}
        self.refusals: list[str] = []
        self.acknowledged = 0
        self._owner = owner
        self._number = number
        self._stop_writing = stop
        self._random = random.Random(number)
        self._addresses = iter(f"10.64.{number + 1}.{host}/32" for host in range(1, 255))

    def run(self) -> None:
        try:
            while not self._stop_writing.is_set():
                self._write()
        except (OSError, http.client.HTTPException):
            pass  # the server was killed
        except StopIteration:
            pass  # no address is left

    def _write(self) -> None:
        active = [key for key, each in self.peers.items() if not each.restricted]
        restricted = [key for key, each in self.peers.items() if each.restricted]
        choice = self._random.random()
        if choice < 0.5 or len(self.peers) < 3:
            self._add()
        elif choice < 0.7 and active:
            self._change(self._random.choice(active))
        elif choice < 0.8 and active:
            key = self._random.choice(active)
            self._set("restrictPeers/wg0", key, replace(self.peers[key], restricted=True))
        elif choice < 0.9 and restricted:
            key = self._random.choice(restricted)
            self._set("allowAccessPeers/wg0", key, replace(self.peers[key], restricted=False))
        else:
            self._set("deletePeers/wg0", self._random.choice([*self.peers]), None)

    def _add(self) -> None:
        key, address = public_key_of(generate_secret_key()), next(self._addresses)
        preshared_key = generate_secret_key().reveal() if self._random.random() < 0.3 else ""
        wanted = Wanted(f"w{self._number} {address}", address, preshared_key)
        body = {"name": wanted.name, "public_key": key, "allowed_ips": [address], "preshared_key": preshared_key}
        self._send("addPeers/wg0", body, key, wanted)

    def _change(self, key: str) -> None:
        wanted = replace(self.peers[key], name=f"{self.peers[key].name}+", address=next(self._addresses))
        body = {
            "id": key,
            "name": wanted.name,
            "private_key": "",
            "DNS": "",
            "allowed_ip": wanted.address,
            "endpoint_allowed_ip": "10.64.0.0/16",
            "preshared_key": wanted.preshared_key,
            "mtu": 1400,
            "keepalive": 0,
        }
        self._send("updatePeerSettings/wg0", body, key, wanted)

    def _set(self, path: str, key: str, wanted: Wanted | None) -> None:
        self._send(path, {"peers": [key]}, key, wanted)

    def _send(self, path: str, body: object, key: str, wanted: Wanted | None) -> None:
        self.unsure[key] = (self.peers.get(key), wanted)
        answer = self._owner.post(path, body)
        del self.unsure[key]
        if not answer["status"]:
            self.refusals.append(f"{path} {body}: {answer['message']}")
            return
        self.acknowledged += 1
        self.peers.pop(key, None)
        if wanted:
            self.peers[key] = wanted


class Writers:
    """All writers of a test, and what they expect."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._all: list[Writer] = []

    def write(self, numbers: range, stop: threading.Event) -> list[Writer]:
        """Start writers."""
        started = [Writer(self._owner, number, stop) for number in numbers]
        self._all += started
        for each in started:
            each.start()
        return started

    @property
    def acknowledged(self) -> int:
        return sum(each.acknowledged for each in self._all)

    def check(self, found: Peers) -> None:
        """Every acknowledged write is there; one that was never answered was done as a whole or not at all."""
        assert not [each for writer in self._all for each in writer.refusals]
        expected = {key: each for writer in self._all for key, each in writer.peers.items()}
        unsure = {key: each for writer in self._all for key, each in writer.unsure.items()}
        for key, possible in unsure.items():
            assert found.get(key) in possible, f"half done: {possible} became {found.get(key)}"
        certain = {key: each for key, each in expected.items() if key not in unsure}
        assert {key: each for key, each in found.items() if key not in unsure} == certain


def desired(host: Host) -> Peers:
    """The peers of the documents."""
    state, found = host.path(STATE_FOLDER), {}
    documents = [(path.stem, yaml.safe_load(path.read_text())) for path in (state / "wg0").glob("*.yaml")]
    inline = yaml.safe_load((state / "wg0.yaml").read_text()).get("peers", [])
    for stem, peer in (*documents, *(("", each) for each in inline)):
        preshared_key = host.read(f"{SECRETS}/{peer['preshared_key']['file']}") if "preshared_key" in peer else ""
        (address,) = peer["allowed_ips"]
        found[peer["public_key"]] = Wanted(
            peer.get("name", stem), address, preshared_key.strip(), not peer.get("enabled", True)
        )
    return found


def agree(host: Host) -> bool:
    """Whether documents, file and live interface name the same peers in the same way."""
    shown = host.run(["wg", "show", "wg0", "dump"]).stdout.splitlines()
    view = view_of(host.read(f"{CONF}/wg0.conf"), [line.split("\t") for line in shown])
    wanted = {
        key: (each.address, each.preshared_key) for key, each in desired(host).items() if not each.restricted
    }
    return wanted == _addresses_and_keys(view.conf_peers) == _addresses_and_keys(view.live_peers)


def _addresses_and_keys(peers: dict[str, Fields]) -> dict[str, tuple[str, str]]:
    return {key: (", ".join(each["AllowedIPs"]), each.get("PresharedKey", "")) for key, each in peers.items()}


def test_eight_writers(owner: Owner, served: Served) -> None:
    writers, stop = Writers(owner), threading.Event()
    started = writers.write(range(WRITERS), stop)
    time.sleep(SECONDS)
    stop.set()
    for each in started:
        each.join()
    host = served.host
    assert agree(host)
    found = desired(host)
    writers.check(found)
    assert writers.acknowledged >= WRITERS, "hardly anything was written"
    info = owner.info()
    shown = {"configurationPeers": False, "configurationRestrictedPeers": True}
    assert {each["id"]: restricted for name, restricted in shown.items() for each in info[name]} == {
        key: each.restricted for key, each in found.items()
    }
    secrets = {path.name for path in host.path(f"{SECRETS}/wg0").iterdir()}
    assert len(secrets) == sum(1 for each in found.values() if each.preshared_key), "keys of nobody are kept"
    host.wgreconcile("plan", "--detailed-exitcode")  # its status is 0: nothing is left to do


def test_killed_among_eight_writers(owner: Owner, served: Served) -> None:
    writers, host = Writers(owner), served.host
    moments = random.Random(5)
    for number in range(KILLS):
        started = writers.write(range(number * WRITERS, (number + 1) * WRITERS), threading.Event())
        time.sleep(moments.uniform(*BEFORE_KILL))
        served.kill()
        for each in started:
            each.join()
        served.start()
        assert eventually(lambda: agree(host), SETTLES_WITHIN), served.log()
        writers.check(desired(host))
    assert writers.acknowledged > KILLS
    assert owner.see("handshake") is None
