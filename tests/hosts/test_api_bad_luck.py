"""The HTTP API when the host lets it down: full and read-only disks, slow hooks, programs and files that go."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from wgreconcile.desired.landing import Landing, land

from ..killing import is_killed_at
from ..replay.owner import PASSWORD, USERNAME, Owner
from ..replay.served import Served
from .forms import INTERFACE
from .scenario import CONF, SECRETS, VAR, eventually
from .test_api_writers import agree, desired
from .testhost import STATE_FOLDER, Host, kernel_has_wireguard, key_pair

ANN, BOB = (key_pair(label)[1] for label in ("ann", "bob"))
SERVE = [sys.executable, "-m", "wgreconcile", "serve"]
SMALL = 2 * 1024 * 1024
SETTINGS = {
    "id": ANN,
    "name": "a name that is a good deal longer than it was before",
    "private_key": "",
    "DNS": "9.9.9.9",
    "allowed_ip": "10.64.9.9/32",
    "endpoint_allowed_ip": "0.0.0.0/0",
    "preshared_key": key_pair("psk")[0],
    "mtu": 1420,
    "keepalive": 21,
}
JOB = {"JobID": "j", "Configuration": "wg0", "Peer": ANN, "CreationDate": "", "ExpireDate": ""}
JOB |= {"Field": "total_data", "Operator": "lgt", "Value": "99", "Action": "restrict"}


@pytest.fixture
def served(host: Host) -> Iterator[Served]:
    for folder in (STATE_FOLDER, SECRETS, VAR, CONF):
        host.run(["mkdir", "-p", folder])
        host.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL},mode=700", "small", folder])
    with Served(host) as served:
        yield served


@pytest.fixture
def owner(owner: Owner) -> Owner:
    for key, address in ((ANN, "10.64.0.9/32"), (BOB, "10.64.0.10/32")):
        owner.must("addPeers/wg0", {"name": "ann", "public_key": key, "allowed_ips": [address]})
    return owner


def changes(owner: Owner) -> dict[str, Callable[[], Any]]:
    """One of each kind of write."""
    theme = {"section": "Server", "key": "dashboard_theme", "value": "light"}
    other = INTERFACE | {"ConfigurationName": "wg7", "Address": "10.77.0.1/24", "ListenPort": "57777"}
    other["PrivateKey"] = key_pair("wg7")[0]
    return {
        "add": lambda: owner.post("addPeers/wg0", {"name": "new", "preshared_key": key_pair("new")[0]}),
        "add many": lambda: owner.post("addPeers/wg0", {"bulkAdd": True, "bulkAddAmount": 20}),
        "change": lambda: owner.post("updatePeerSettings/wg0", SETTINGS),
        "restrict": lambda: owner.post("restrictPeers/wg0", {"peers": [BOB]}),
        "schedule": lambda: owner.post("savePeerScheduleJob", {"Job": JOB}),
        "set": lambda: owner.post("updateDashboardConfigurationItem", theme),
        "add an interface": lambda: owner.post("addWireguardConfiguration", other),
        "link": lambda: owner.post("sharePeer/create", {"Configuration": "wg0", "Peer": BOB}),
    }


def seen(host: Host) -> tuple[dict[str, bytes], str, list[str]]:
    """Documents and keys, file and live interface."""
    files = {
        str(path): path.read_bytes()
        for folder in (STATE_FOLDER, SECRETS)
        for path in host.path(folder).rglob("*")
        if path.is_file() and path.name != "filler"
    }
    shown = host.run(["wg", "show", "wg0", "allowed-ips"]).stdout + host.run(["wg", "show", "wg0", "peers"]).stdout
    return files, host.read(f"{CONF}/wg0.conf"), sorted(shown.splitlines())


NEEDED = {
    STATE_FOLDER: {"add", "add many", "change", "restrict", "schedule", "set", "add an interface"},
    SECRETS: {"add", "add many", "change", "add an interface"},
    CONF: {"add", "add many", "change", "restrict", "add an interface"},
}
"""Which changes have to write to which folder."""


@pytest.mark.parametrize("folder", NEEDED)
def test_a_full_disk_is_told_and_nothing_is_half_done(owner: Owner, served: Served, folder: str) -> None:
    host = served.host
    host.run(["sh", "-c", f"cat /dev/zero >{folder}/filler"], check=False)
    for name, change in changes(owner).items():
        if name in NEEDED[folder]:
            before = seen(host)
            answer = change()
            assert answer["status"] is False, name
            assert "No space left on device" in answer["message"], name
            assert folder in answer["message"] or folder == CONF, name
            assert seen(host) == before, name
    assert owner.info()["configurationInfo"]["Status"]
    host.run(["rm", f"{folder}/filler"])
    for name, change in changes(owner).items():
        assert change()["status"] is True, name
    assert agree(host)
    host.wgreconcile("plan", "--detailed-exitcode")


def test_a_full_disk_that_keeps_a_save_from_being_finished_is_told(owner: Owner, served: Served) -> None:
    """The server starts, and serves as soon as there is room."""
    host, document = served.host, served.host.path(f"{STATE_FOLDER}/wg0/ann.yaml")
    served.kill()
    before = document.read_bytes()
    longer = Landing("wg0/ann.yaml", before, before + b"# longer" * 1000)
    assert is_killed_at(3, land, host.path(STATE_FOLDER), [longer])
    host.run(["sh", "-c", f"cat /dev/zero >{STATE_FOLDER}/filler"], check=False)
    served.start()
    assert "No space left on device" in owner.get("getWireguardConfigurations")["message"]
    host.run(["rm", f"{STATE_FOLDER}/filler"])
    owner.must("addPeers/wg0", {"name": "new"})
    assert document.read_bytes() == longer.after
    assert agree(host)


def test_a_full_disk_of_the_runtime_database_is_told(owner: Owner, served: Served) -> None:
    host, credentials = served.host, {"username": USERNAME, "password": PASSWORD}
    host.run(["sh", "-c", f"cat /dev/zero >{VAR}/filler"], check=False)
    for path, body in {
        "sharePeer/create": {"Configuration": "wg0", "Peer": BOB},
        "newDashboardAPIKey": {"neverExpire": True},
        "authenticate": credentials,
    }.items():
        answer = owner.post(path, body)
        assert answer["status"] is False, path
        assert "runtime database: database or disk is full" in answer["message"], path
    assert owner.see("handshake") is None
    host.run(["rm", f"{VAR}/filler"])
    for name, change in changes(owner).items():
        assert change()["status"] is True, name
    assert owner.post("authenticate", credentials)["status"]


def test_a_read_only_state_is_told(owner: Owner, served: Served) -> None:
    host = served.host
    before = seen(host)
    host.run(["mount", "-o", "remount,ro", STATE_FOLDER])
    for name, change in changes(owner).items():
        if name in NEEDED[STATE_FOLDER]:
            answer = change()
            assert answer["status"] is False, name
            assert f"{STATE_FOLDER}" in answer["message"] and "Read-only" in answer["message"], name
    assert seen(host) == before
    assert owner.info()["configurationInfo"]["Status"]
    host.run(["mount", "-o", "remount,rw", STATE_FOLDER])
    assert all(change()["status"] for change in changes(owner).values())


def test_writes_behind_a_slow_hook_hold_up_nobody_else(owner: Owner, served: Served) -> None:
    host = served.host
    slow = "address: [10.99.0.1/24]\nlisten_port: 51999\nenabled: false\npost_up: [sleep 6]\n"
    host.write(f"{STATE_FOLDER}/wgslow.yaml", slow)
    assert eventually(lambda: len(owner.see("getWireguardConfigurations")) == 2)
    toggle = threading.Thread(
        target=owner.see, args=("toggleWireguardConfiguration",), kwargs={"configurationName": "wgslow"}
    )
    writers = [
        threading.Thread(target=owner.must, args=("addPeers/wg0", {"name": f"peer {number}"}))
        for number in range(24)
    ]
    toggle.start()
    assert eventually(lambda: "sleep 6" in host.run(["cat", f"{CONF}/wgslow.conf"], check=False).stdout)
    for each in writers:
        each.start()
    time.sleep(0.5)
    for path in ("handshake", "getWireguardConfigurations", "getAvailableIPs/wg0"):
        assert owner.get(path)["status"]
    assert toggle.is_alive() and all(each.is_alive() for each in writers), "nobody had to wait at all"
    for each in (toggle, *writers):
        each.join()
    assert len(desired(host)) == 26
    assert agree(host)


def test_an_interface_that_somebody_took_away_is_back_with_the_next_write(owner: Owner, served: Served) -> None:
    host = served.host
    host.run(["ip", "link", "del", "wg0"])
    owner.must("addPeers/wg0", {"name": "first"})
    assert agree(host)
    programs = host.run(["pgrep", "-x", "wireguard-go"], check=False).stdout.split()
    host.run(["kill", "-9", *programs] if programs else ["ip", "link", "del", "wg0"])
    assert eventually(lambda: host.run(["ip", "link", "show", "wg0"], check=False).returncode != 0)
    owner.must("addPeers/wg0", {"name": "second"})
    assert agree(host)
    assert len(desired(host)) == 4


KILLING_WG = """#!/bin/sh
case "$*" in "show all dump") if mv /run/kill /run/killed 2>/dev/null; then
    pkill -STOP -x wireguard-go
    /usr/bin/wg "$@" & asked=$!
    sleep 0.1
    pkill -KILL -x wireguard-go
    wait $asked
    exit
fi;; esac
exec /usr/bin/wg "$@"
"""


@pytest.mark.skipif(kernel_has_wireguard(), reason="no program that can be stopped stands behind an interface")
def test_an_interface_that_goes_while_it_is_looked_at_is_brought_back(owner: Owner, served: Served) -> None:
    host = served.host
    host.install("wg", KILLING_WG)
    host.write("/run/kill", "")
    owner.must("addPeers/wg0", {"name": "first"})
    assert not host.path("/run/kill").exists()
    assert agree(host)
    host.write("/run/kill", "")
    assert eventually(lambda: owner.see("getWireguardConfigurations")[0]["Status"] is False)
    owner.must("addPeers/wg0", {"name": "second"})
    assert agree(host)
    assert len(desired(host)) == 4


def test_one_server_at_a_time(served: Served) -> None:
    host = served.host
    elsewhere = ["--listen", "127.0.0.1:10087"]
    for arguments in ([], elsewhere, [*elsewhere, "--var", "/run/beside"]):
        done = host.run(["timeout", "20", *SERVE, *arguments], check=False)
        assert done.returncode == 75
        assert "another `wgreconcile serve` holds" in done.stderr
    other = [each for name in ("state", "secrets", "var") for each in (f"--{name}", f"/run/other/{name}")]
    done = host.run(["timeout", "20", *SERVE, *other], check=False)
    assert done.returncode == 1
    assert "cannot listen on 127.0.0.1:10086: Address already in use" in done.stderr
    served.kill()
    served.start()


def test_a_database_that_is_damaged_is_told(owner: Owner, served: Served) -> None:
    host = served.host
    served.stop()
    host.path(f"{VAR}/runtime.db").write_bytes(b"\0" * 100_000)
    done = host.run(["timeout", "20", *SERVE], check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert f"{VAR}/runtime.db cannot be used: file is not a database" in done.stderr
