"""A host moves from WGDashboard to wgreconcile, and neither its tunnel nor its programs notice."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from ..api import legacy
from ..replay.served import Served
from .testhost import Host, key_pair

pytestmark = pytest.mark.hosts

API_KEY = "WhTGNsKkBevQ4JUk4wHJsJGHlAKdVLNaTO_c1GPDsN0"
INI = {
    "Account": {"username": "boss", "password": "$2b$04$ygzTcL5cFBKYkYlzEEWPa.9.8HOIkmkIdBOFqTWpwhRIqFCcCkGIy"},
    "Server": {"dashboard_api_key": "true", "app_ip": "127.0.0.1"},
    "Peers": {"remote_endpoint": "192.0.2.10"},
    "Other": {"welcome_session": "false"},
}


def number_of(host: Host) -> str:
    """The number of the interface, another one whenever it is made anew."""
    return host.run(["ip", "-o", "link", "show", "dev", "wg0"]).stdout.partition(":")[0]


def test_from_wgdashboard(host: Host, tmp_path: Path) -> None:
    (server, server_public), (private, public) = key_pair("server"), key_pair("ann")
    eve_private, eve = key_pair("eve")
    conf = f"""[Interface]
PrivateKey = {server}
Address = 10.7.0.1/24
ListenPort = 51820
SaveConfig = true

[Peer]
PublicKey = {public}
AllowedIPs = 10.7.0.2/32
"""
    host.write("/etc/wireguard/wg0.conf", conf)
    host.run(["wg-quick", "up", "wg0"])
    index = number_of(host)
    folder = legacy.write(
        tmp_path / "src",
        ini=INI,
        peers={"wg0": [{"id": public, "private_key": private, "name": "ann", "allowed_ip": "10.7.0.2/32"}]},
        restricted={"wg0": [{"id": eve, "private_key": eve_private, "name": "eve", "allowed_ip": "10.7.0.9/32"}]},
        keys=[{"Key": API_KEY, "CreatedAt": "2026-11-23 03:12:57", "ExpiredAt": None}],
    )
    done = host.wgreconcile("import", "--wgdashboard", folder)
    assert done.stdout.endswith(f"taken over from {folder}: peers 2, API keys 1, account 1, settings 2\n")
    assert "wg0             : ok=2 changed=0 failed=0" in host.wgreconcile("plan").stdout
    assert number_of(host) == index
    with Served(host) as served:
        assert "First run" not in served.log()
        headers = {"wg-dashboard-apikey": API_KEY}
        status, _, content = served.send(
            "GET", f"/api/downloadPeer/wg0?id={quote(public, safe='')}", headers=headers
        )
        file = json.loads(content)["data"]
        assert (status, file["fileName"]) == (200, "ann_wg0")
        assert f"PrivateKey = {private}\nAddress = 10.7.0.2/32\n" in file["file"]
        assert f"PublicKey = {server_public}\n" in file["file"]
        body = {"peers": [eve]}
        _, _, content = served.send("POST", "/api/allowAccessPeers/wg0", body, headers)
        assert json.loads(content)["status"]
    assert set(host.run(["wg", "show", "wg0", "peers"]).stdout.split()) == {public, eve}
    assert number_of(host) == index, "it never went down"
