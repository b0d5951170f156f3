"""What clients write never reaches a shell, another file or a log (API.md 10.1, 10.4, 10.6)."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ..replay.owner import PASSWORD, USERNAME, Owner
from ..replay.served import Served
from .forms import INTERFACE
from .scenario import CONF, SECRETS, VAR
from .test_api_mixes import agree
from .testhost import STATE_FOLDER, Host, key_pair

MARK = "/run/testhost/injected"
EVIL = [
    f"$(touch {MARK})",
    f"`touch {MARK}`",
    f"x; touch {MARK}",
    f"x && touch {MARK} #",
    f"x | touch {MARK}",
    f"' ; touch {MARK} ; '",
    f'" ; touch {MARK} ; "',
    f"${{IFS}}touch{{IFS}}{MARK}",
    f"-x --set touch={MARK}",
    "../../../run/testhost/injected",
    "/run/testhost/injected",
    "%i; %n%s",
    "*",
    "~root",
    "[Peer]",
    "#",
    "!!python/object/apply:os.system [id]",
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "wg0 = x",
    "0.0.0.0/0; reboot",
    "\N{RIGHT-TO-LEFT OVERRIDE}x",
    "\N{FULLWIDTH SEMICOLON}x",
    "<script>",
]
PRIVATE, PUBLIC = key_pair("ann")
PSK = key_pair("psk")[0]
PEER = {
    "name": "ann",
    "public_key": PUBLIC,
    "private_key": PRIVATE,
    "preshared_key": PSK,
    "allowed_ips": ["10.64.0.9"],
}
SETTINGS = {"id": PUBLIC, "name": "ann", "private_key": PRIVATE, "DNS": "9.9.9.9", "allowed_ip": "10.64.0.9/32"}
SETTINGS |= {"endpoint_allowed_ip": "0.0.0.0/0", "preshared_key": PSK, "mtu": 1420, "keepalive": 21}


@pytest.fixture
def owner(owner: Owner) -> Owner:
    owner.must("addPeers/wg0", PEER)
    return owner


def with_each(body: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """The body with ``text`` in the place of each of its fields that hold text."""
    return [body | {field: text} for field, value in body.items() if isinstance(value, str)] + [
        body | {field: [text]} for field, value in body.items() if isinstance(value, list)
    ]


def files(host: Host) -> set[str]:
    """All files where the program writes, and beside that, but for those of wg0's peers and wg9."""
    found = (path for folder in (CONF, "/etc/wgreconcile", "/run") for path in host.path(folder).rglob("*"))
    paths = {str(path.relative_to(host.path("/"))) for path in found if not path.is_dir()}
    return {each for each in paths if not re.search(r"/(state|secrets)/wg0/[a-z0-9-]+[.]|/wg9[./]", each)}


def test_nothing_that_a_client_writes_is_a_command_a_path_or_a_document(owner: Owner, served: Served) -> None:
    host = served.host
    before = files(host)
    new = {"name": "x", "public_key": "", "endpoint_allowed_ip": "0.0.0.0/0", "allowed_ips": [], "DNS": ""}
    job = {"JobID": "j", "Configuration": "wg0", "Peer": PUBLIC, "Field": "date", "Operator": "lgt"}
    job |= {"Value": "2099-01-01 00:00:00", "Action": "restrict", "CreationDate": ""}
    for text in EVIL:
        for body in with_each(
            INTERFACE | {"ConfigurationName": "wg9", "Address": "10.99.0.1/24", "ListenPort": "5"}, text
        ):
            owner.post("addWireguardConfiguration", body)
        for body in with_each(new | {"public_key": key_pair(text)[1], "allowed_ips": [""]}, text):
            owner.post("addPeers/wg0", body)
        for body in with_each(SETTINGS, text):
            owner.post("updatePeerSettings/wg0", body)
        for body in with_each(job, text):
            owner.post("savePeerScheduleJob", {"Job": body})
        for path in ("deletePeers/wg0", "restrictPeers/wg0", "allowAccessPeers/wg0"):
            owner.post(path, {"peers": [text]})
        for key in ("app_prefix", "remote_endpoint", "peer_global_dns", "dashboard_theme", "wg_conf_path"):
            for section in ("Server", "Peers", text):
                item = {"section": section, "key": key, "value": text}
                owner.post("updateDashboardConfigurationItem", item)
        owner.get("toggleWireguardConfiguration", configurationName=text)
        owner.get("downloadPeer/wg0", id=text)
        owner.get("ping/execute", ipAddress=text, count="1")
        owner.get("sharePeer/get", ShareID=text)
    assert not host.path(MARK).exists()
    assert files(host) - before == {"etc/wgreconcile/state/settings.yaml"} - before
    assert all(
        each["status"] for each in (owner.get("getWireguardConfigurations"), owner.get("downloadAllPeers/wg0"))
    )
    assert agree(host, "wg0")
    shown = host.run(["wg", "show", "interfaces"]).stdout.split()
    assert shown == ["wg0"]
    host.wgreconcile("plan", "--detailed-exitcode")


def test_files_with_keys_are_for_their_owner_alone(owner: Owner, served: Served) -> None:
    host = served.host
    owner.must("updatePeerSettings/wg0", SETTINGS | {"preshared_key": key_pair("other psk")[0]})
    owner.post("restrictPeers/wg0", {"peers": [PUBLIC]})
    owner.post("allowAccessPeers/wg0", {"peers": [PUBLIC]})
    owner.post("updatePeerSettings/wg0", SETTINGS | {"preshared_key": "x"})
    kept = [*host.path(SECRETS).rglob("*"), *host.path(CONF).rglob("*"), *host.path(VAR).glob("runtime.db*")]
    assert kept
    assert {oct(each.stat().st_mode & 0o77) for each in kept} == {"0o0"}
    keys = {PRIVATE, PSK, key_pair("other psk")[0], INTERFACE["PrivateKey"]}
    for folder in ("/etc/wgreconcile", "/run", VAR, CONF):
        for path in host.path(folder).rglob("*"):
            if path.is_file() and path.stat().st_mode & 0o77 and path.stat().st_size < 10_000_000:
                content = path.read_bytes()
                assert not [key for key in keys if key.encode() in content], path


def test_no_secret_is_in_a_log_or_in_the_runtime_database(owner: Owner, served: Served, tmp_path: Path) -> None:
    host, code = served.host, "31415926"
    owner.post("updatePeerSettings/wg0", SETTINGS | {"mtu": "x"})
    owner.post("authenticate", {"username": USERNAME, "password": "a-wrong-password", "totp": code})
    owner.post("deletePeers/wg0", {"peers": [PUBLIC]})
    served.stop()
    database = host.path(f"{VAR}/runtime.db").read_bytes()
    (tmp_path / "runtime.db").write_bytes(database)
    connection = sqlite3.connect(tmp_path / "runtime.db")
    log = connection.execute("SELECT method, path, ok FROM access_log").fetchall()
    connection.close()
    assert {("POST", "/api/addPeers/wg0", 1), ("POST", "/api/updatePeerSettings/wg0", 0)} <= {*log}
    documents = [path.read_text() for path in host.path(STATE_FOLDER).rglob("*.yaml")]
    secrets = (PRIVATE, PSK, PASSWORD, "a-wrong-password", code, owner.key, INTERFACE["PrivateKey"])
    for text in (database.decode("latin-1"), served.log(), *documents):
        assert not [each for each in secrets if each in text]
