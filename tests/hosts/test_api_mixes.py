"""Many clients who want different things of the same peers, at once: one wins, the others are told, all agrees."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import yaml

from wgreconcile.values import generate_secret_key, public_key_of

from ..replay.owner import Owner
from ..replay.served import Served
from ..replay.states import view_of
from .forms import INTERFACE
from .scenario import CONF, SECRETS, eventually
from .testhost import STATE_FOLDER, Host, key_pair

CLIENTS = 8
SECONDS = 8.0
KILLS = 4
NAMES = ("wg0", "wg1")
LABELS = [f"peer {number}" for number in range(8)]

Answer = dict[str, Any]


@pytest.fixture
def owner(served: Served) -> Owner:
    owner = Owner(served)
    for number, name in enumerate(NAMES):
        own = {"Address": f"10.6{number}.0.1/24", "ListenPort": f"5182{number}", "PrivateKey": key_pair(name)[0]}
        owner.must("addWireguardConfiguration", INTERFACE | own | {"ConfigurationName": name})
        owner.see("toggleWireguardConfiguration", configurationName=name)
    return owner


def at_once(calls: Sequence[Callable[[], Answer]]) -> Counter[tuple[bool, str | None]]:
    """What is answered to calls that are sent at the same moment."""
    start = threading.Barrier(len(calls))

    def call(each: Callable[[], Answer]) -> tuple[bool, str | None]:
        start.wait()
        answer = each()
        return answer["status"], answer["message"]

    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(call, calls))


def new_key() -> str:
    return public_key_of(generate_secret_key())


def agree(host: Host, name: str) -> bool:
    """Whether documents, file and live interface name the same peers in the same way."""
    shown = host.run(["wg", "show", name, "dump"], check=False).stdout.splitlines()
    view = view_of(host.read(f"{CONF}/{name}.conf"), [line.split("\t") for line in shown])
    found = [
        {key: set(each["AllowedIPs"]) for key, each in peers.items()}
        for peers in (view.conf_peers, view.live_peers)
    ]
    wanted = {
        each["public_key"]: set(each["allowed_ips"]) for each in peers(host, name) if each.get("enabled", True)
    }
    return found == [wanted, wanted]


def peers(host: Host, name: str) -> list[Any]:
    """The peers of the documents of an interface."""
    state = host.path(STATE_FOLDER)
    return [yaml.safe_load(path.read_text()) for path in sorted((state / name).glob("*.yaml"))]


def check_settled(host: Host) -> None:
    """Everything agrees, no two peers share a key or an address, and no key is kept that nobody refers to."""
    for name in NAMES:
        assert eventually(partial(agree, host, name)), name
        found = peers(host, name)
        assert len({each["public_key"] for each in found}) == len(found)
        assert len({ip for each in found for ip in each["allowed_ips"]}) == len(found)
    references = {
        reference["file"]
        for name in NAMES
        for each in peers(host, name)
        for reference in (each.get("preshared_key"), each.get("client", {}).get("private_key"))
        if reference
    }
    folder = host.path(SECRETS)
    kept = {str(path.relative_to(folder)) for name in NAMES for path in (folder / name).glob("*")}
    assert kept == references
    host.wgreconcile("plan", "--detailed-exitcode")


def test_an_even_number_of_toggles_changes_nothing(owner: Owner, served: Served) -> None:
    toggle = partial(owner.get, "toggleWireguardConfiguration", configurationName="wg0")
    assert at_once([toggle] * 4) == {(True, None): 4}
    assert owner.info("wg0")["configurationInfo"]["Status"] is True
    check_settled(served.host)


def test_the_same_key_is_added_once(owner: Owner, served: Served) -> None:
    key = new_key()
    bodies = [
        {"name": f"n{each}", "public_key": key, "allowed_ips": [f"10.60.0.{each + 2}"]} for each in range(CLIENTS)
    ]
    answers = at_once([partial(owner.post, "addPeers/wg0", body) for body in bodies])
    assert answers == {(True, None): 1, (False, "This peer already exist."): CLIENTS - 1}
    check_settled(served.host)
    assert [each["public_key"] for each in peers(served.host, "wg0")] == [key]


def test_the_same_address_is_given_once(owner: Owner, served: Served) -> None:
    body = {"allowed_ips": ["10.60.0.9"]}
    answers = at_once([lambda: owner.post("addPeers/wg0", body | {"public_key": new_key()})] * CLIENTS)
    assert answers == {(True, None): 1, (False, "This IP is not available: 10.60.0.9"): CLIENTS - 1}
    check_settled(served.host)


def test_no_address_is_given_twice(owner: Owner, served: Served) -> None:
    bulk = {"bulkAdd": True, "bulkAddAmount": 50, "endpoint_allowed_ip": "0.0.0.0/0"}
    answers = at_once(
        [
            *[lambda: owner.post("addPeers/wg0", bulk)] * CLIENTS,
            *[lambda: owner.post("addPeers/wg0", {"name": "one"})] * 2,
        ]
    )
    assert answers[True, None] == 5 + 2, "253 are free"
    assert answers.total() == CLIENTS + 2
    assert {(ok, str(message)[:35]) for ok, message in answers if not ok} == {
        (False, "The maximum number of peers can add")
    }
    check_settled(served.host)
    assert len(peers(served.host, "wg0")) == 252


def test_an_interface_is_added_once(owner: Owner, served: Served) -> None:
    body = INTERFACE | {"ConfigurationName": "wg7", "Address": "10.77.0.1/24", "ListenPort": "57777"}
    bodies = [body | {"PrivateKey": generate_secret_key().reveal()} for _ in range(CLIENTS)]
    answers = at_once([partial(owner.post, "addWireguardConfiguration", each) for each in bodies])
    exists = 'Already have a configuration with the name "wg7"'
    assert answers == {(True, None): 1, (False, exists): CLIENTS - 1}
    served.host.wgreconcile("plan", "--detailed-exitcode")


class Client(threading.Thread):
    """Wants this and that of peers that others want something of, too. ``odd`` should stay empty."""

    EXPECTED = (
        *("Peer does not exist", "This peer already exist.", "This IP is not available", "Failed to allow access"),
        *("Allowed IP already taken", "Deleted 0 peer(s)", "Restricted 0 peer(s)", "already sharing", "UNIQUE"),
    )

    def __init__(self, owner: Owner, number: int, stop: threading.Event) -> None:
        super().__init__(name=f"client {number}")
        self.odd: list[Any] = []
        self.done = 0
        self._owner = owner
        self._stop_wanting = stop
        self._random = random.Random(number)

    def run(self) -> None:
        while not self._stop_wanting.is_set():
            path, wish = self._random.choice(self._wishes())
            try:
                answer = wish()
            except (OSError, http.client.HTTPException):
                return  # the server was killed
            except AssertionError as error:
                self.odd.append(str(error))
                continue
            self.done += bool(answer["status"])
            if not answer["status"] and not any(each in str(answer["message"]) for each in self.EXPECTED):
                self.odd.append((path, answer["message"]))

    def _wishes(self) -> list[tuple[str, Callable[[], Answer]]]:
        name, label = self._random.choice(NAMES), self._random.choice(LABELS)
        private, key = key_pair(f"{name} {label}")
        address = f"10.6{NAMES.index(name)}.0.{self._random.randrange(2, 12)}/32"
        psk = self._random.choice(["", key_pair("psk 1")[0], key_pair("psk 2")[0]])
        post, one = self._owner.post, {"peers": [key]}
        settings = {
            "name": label,
            "private_key": private,
            "preshared_key": psk,
            "DNS": "",
            "mtu": 1400,
            "keepalive": 21,
        }
        update = settings | {"id": key, "allowed_ip": address, "endpoint_allowed_ip": "0.0.0.0/0"}
        job = {
            "JobID": f"{name} {label}",
            "Configuration": name,
            "Peer": key,
            "CreationDate": "",
            "ExpireDate": "",
        }
        job |= {"Field": "total_data", "Operator": "lgt", "Value": "99", "Action": "restrict"}
        mtu = {"section": "Peers", "key": "peer_mtu", "value": str(self._random.randrange(1300, 1400))}
        bodies: list[tuple[str, Any]] = [
            *[(f"addPeers/{name}", settings | {"public_key": key, "allowed_ips": [address]})] * 4,
            *[(f"updatePeerSettings/{name}", update)] * 3,
            (f"restrictPeers/{name}", one),
            (f"allowAccessPeers/{name}", one),
            *[(f"deletePeers/{name}", one)] * 2,
            (f"resetPeerData/{name}", {"id": key, "type": "total"}),
            ("savePeerScheduleJob", {"Job": job}),
            ("sharePeer/create", {"Configuration": name, "Peer": key}),
            ("updateDashboardConfigurationItem", mtu),
            ("newDashboardAPIKey", {"neverExpire": True}),
        ]
        toggle = ("toggle", lambda: self._owner.get("toggleWireguardConfiguration", configurationName="wg1"))
        look = ("info", lambda: self._owner.get("getWireguardConfigurationInfo", configurationName=name))
        return [*[(path, partial(post, path, body)) for path, body in bodies], toggle, look]


def start(owner: Owner, numbers: range, stop: threading.Event) -> list[Client]:
    clients = [Client(owner, number, stop) for number in numbers]
    for each in clients:
        each.start()
    return clients


def bring_up(owner: Owner) -> None:
    """Let what was toggled last be up, so that there is something to compare with."""
    for name in NAMES:
        if not owner.info(name)["configurationInfo"]["Status"]:
            assert owner.see("toggleWireguardConfiguration", configurationName=name) is True


def test_everybody_wants_something_else(owner: Owner, served: Served) -> None:
    stop = threading.Event()
    clients = start(owner, range(CLIENTS), stop)
    time.sleep(SECONDS)
    stop.set()
    for each in clients:
        each.join()
    assert [each for client in clients for each in client.odd] == []
    assert all(each.done for each in clients), "somebody did nothing"
    bring_up(owner)
    check_settled(served.host)


def test_stopped_while_everybody_wants_something_else(owner: Owner, served: Served) -> None:
    moments = random.Random(9)
    for number in range(KILLS):
        clients = start(owner, range(number * CLIENTS, (number + 1) * CLIENTS), threading.Event())
        time.sleep(moments.uniform(0.3, 1.5))
        served.stop()
        for each in clients:
            each.join()
        assert [each for client in clients for each in client.odd if "is stopping" not in str(each)] == []
        for name in NAMES:
            assert agree(served.host, name) or not is_up(served.host, name), "something was left half done"
        served.start()
    bring_up(owner)
    check_settled(served.host)


def is_settled(host: Host) -> bool:
    """Whether nothing is left to do: until then, what is up may be about to go down."""
    return host.wgreconcile("plan", "--detailed-exitcode", expect=None).returncode == 0


def is_up(host: Host, name: str) -> bool:
    return host.run(["wg", "show", name], check=False).returncode == 0


def test_killed_while_everybody_wants_something_else(owner: Owner, served: Served) -> None:
    moments = random.Random(7)
    for number in range(KILLS):
        clients = start(owner, range(number * CLIENTS, (number + 1) * CLIENTS), threading.Event())
        time.sleep(moments.uniform(0.3, 1.5))
        served.kill()
        for each in clients:
            each.join()
        served.start()
        assert [each for client in clients for each in client.odd] == []
        assert eventually(partial(is_settled, served.host), 20), served.log()
        bring_up(owner)
        for name in NAMES:
            assert eventually(partial(agree, served.host, name), 20), served.log()
    check_settled(served.host)
    assert eventually(lambda: owner.get("handshake")["status"])
