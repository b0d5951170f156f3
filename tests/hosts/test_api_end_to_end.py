"""A client file that is downloaded through the API makes a tunnel on another host, and the API sees it work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ..replay.owner import Owner
from ..replay.served import Served
from .forms import INTERFACE, TUNNEL
from .pinger import Pinger
from .scenario import CONF, SECRETS, eventually
from .testhost import STATE_FOLDER, Host, key_pair

SERVER = "192.0.2.1"
GIB = 1024**3
COUNTED_WITHIN = 15.0
"""Seconds until usage shows: it is counted every ten."""


@pytest.fixture
def client(pair: tuple[Host, Host]) -> Host:
    return pair[1]


@pytest.fixture
def served(pair: tuple[Host, Host]) -> Iterator[Served]:
    with Served(pair[0]) as served:
        yield served


@pytest.fixture
def owner(served: Served) -> Owner:
    """Somebody with an interface that has no peers yet."""
    owner = Owner(served)
    setting = {"section": "Peers", "key": "remote_endpoint", "value": SERVER}
    owner.must("updateDashboardConfigurationItem", setting)
    owner.must("addWireguardConfiguration", INTERFACE)
    return owner


def new_peer(owner: Owner, name: str, **fields: Any) -> str:
    """The key of a peer for which everything was made."""
    owner.must("addPeers/wg0", {"name": name, "endpoint_allowed_ip": "10.9.0.0/24, fd09::/64", **fields})
    (key,) = [each["id"] for each in owner.info()["configurationPeers"] if each["name"] == name]
    return str(key)


def connect(owner: Owner, key: str, client: Host) -> str:
    """Bring the downloaded file up on the client, as it is; the name of its interface."""
    file = owner.see("downloadPeer/wg0", id=key)
    client.write(f"{CONF}/{file['fileName']}.conf", file["file"])
    client.run(["wg-quick", "up", file["fileName"]])
    return str(file["fileName"])


def reconnect(client: Host, name: str) -> None:
    """Or else the client would find out in 15 seconds that its session is gone."""
    client.run(["wg-quick", "down", name])
    client.run(["wg-quick", "up", name])


def gets_through(client: Host) -> bool:
    return client.run(["ping", "-c", "1", "-W", "1", TUNNEL], check=False).returncode == 0


def test_a_downloaded_file_makes_a_tunnel_whose_usage_shows(owner: Owner, served: Served, client: Host) -> None:
    key = new_peer(owner, "laptop", preshared_key=key_pair("psk")[0], keepalive=1)
    name = connect(owner, key, client)
    with Pinger(client, TUNNEL, 0.02) as pings:
        client.run(["ping", "-c", "50", "-s", "1000", "-i", "0.01", TUNNEL])
    assert pings.lost == ()

    counted = 50 * 1000 / GIB
    assert eventually(lambda: owner.peer(key)["total_receive"] > counted, COUNTED_WITHIN), owner.peer(key)
    peer = owner.peer(key)
    assert peer["status"] == "running"
    assert peer["endpoint"].startswith("192.0.2.2:")
    assert peer["latest_handshake"].startswith("0:00:")
    assert counted < peer["total_sent"] < 10 * counted
    assert peer["total_data"] == pytest.approx(peer["total_receive"] + peer["total_sent"])
    assert (peer["cumu_receive"], peer["cumu_sent"], peer["cumu_data"]) == (0, 0, 0)
    configuration = owner.info()["configurationInfo"]
    assert (configuration["Status"], configuration["ConnectedPeers"]) == (True, 1)
    assert configuration["DataUsage"]["Total"] >= peer["total_data"]

    owner.see("toggleWireguardConfiguration", configurationName="wg0")
    assert eventually(lambda: owner.peer(key)["status"] == "stopped")
    assert not gets_through(client)
    served.restart()
    owner.see("toggleWireguardConfiguration", configurationName="wg0")
    reconnect(client, name)
    assert eventually(lambda: gets_through(client))
    assert eventually(lambda: owner.peer(key)["total_receive"] > 0, COUNTED_WITHIN)
    again = owner.peer(key)
    assert again["total_receive"] + again["cumu_receive"] > peer["total_receive"], "usage got lost"


def test_the_last_moment_before_it_goes_down_is_counted(owner: Owner, served: Served, client: Host) -> None:
    key = new_peer(owner, "laptop")
    connect(owner, key, client)
    assert eventually(lambda: gets_through(client))
    owner.peer(key)  # a look at the host, which is good enough for a second
    client.run(["ping", "-c", "50", "-s", "1000", "-i", "0.002", TUNNEL])
    owner.see("toggleWireguardConfiguration", configurationName="wg0")
    assert owner.peer(key)["total_receive"] > 50 * 1000 / GIB


def test_restrict_allow_and_delete(owner: Owner, served: Served, client: Host) -> None:
    key, other = new_peer(owner, "laptop"), new_peer(owner, "other")
    name = connect(owner, key, client)
    assert eventually(lambda: gets_through(client))

    assert owner.post("restrictPeers/wg0", {"peers": [key]})["message"] == "Restricted 1 peer(s)"
    assert not gets_through(client)
    info = owner.info()
    assert [each["id"] for each in info["configurationRestrictedPeers"]] == [key]
    assert [each["id"] for each in info["configurationPeers"]] == [other]
    assert owner.get("downloadPeer/wg0", id=key)["status"] is False

    assert owner.post("allowAccessPeers/wg0", {"peers": [key]})["status"] is True
    reconnect(client, name)
    assert eventually(lambda: gets_through(client))

    link = owner.must("sharePeer/create", {"Configuration": "wg0", "Peer": key})[0]["ShareID"]
    assert owner.post("deletePeers/wg0", {"peers": [key]})["message"] == "Deleted 1 peer(s)"
    assert not gets_through(client)
    assert [each["id"] for each in owner.info()["configurationPeers"]] == [other]
    assert owner.get("sharePeer/get", ShareID=link)["status"] is False
    host = served.host
    assert key not in host.run(["wg", "show", "wg0", "peers"]).stdout
    assert key not in host.read(f"{CONF}/wg0.conf")
    documents = [path.read_text() for path in host.path(STATE_FOLDER).rglob("*.yaml")]
    assert documents and not any(key in text for text in documents)
    assert not list(host.path(SECRETS).rglob("laptop*")), "its private key is kept"


def test_a_shared_link_needs_nothing_else(owner: Owner, served: Served, client: Host) -> None:
    key = new_peer(owner, "guest")
    link = owner.must("sharePeer/create", {"Configuration": "wg0", "Peer": key})[0]["ShareID"]
    status, _, content = served.send("GET", f"/api/sharePeer/get?ShareID={link}")
    assert status == 200
    file = json.loads(content)["data"]
    client.write(f"{CONF}/guest.conf", file["file"])
    client.run(["wg-quick", "up", "guest"])
    assert eventually(lambda: gets_through(client))
