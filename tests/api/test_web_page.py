"""What WGDashboard v4.0's own page sends, to the letter, and what it reads of the answers (API.md 8).

It was watched in a browser. It goes to its sign-in page for any answer that is not 200, and wherever its script
fails on an answer.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.values import generate_secret_key, public_key_of

from .dashboard import OK, answer
from .host import CASES, Owner

ANN = "ngwyfnCuoOCMM485JmGl3VcXt8eTobOgDejlBRsICn0="
"""A peer of wg0."""
IDS = {
    "ConfigurationName",
    "Address",
    "ListenPort",
    "PrivateKey",
    "PublicKey",
    "preUp",
    "preDown",
    "postUp",
    "postDown",
}
"""The elements that the page of a new configuration has."""


@pytest.fixture
def page(keeper: Owner, tmp_path: Path) -> Owner:
    """The page, signed in, at a server that has just taken over from WGDashboard."""
    for each in CASES.glob("*.conf"):
        shutil.copy(each, tmp_path / "conf")
    return keeper


def sent(page: Owner, path: str, body: Any = None) -> Any:
    """As the page's fetchGet and fetchPost do."""
    query = "" if body is not None or "?" in path else "?"
    result = page.send("POST" if body is not None else "GET", f"/api/{path}{query}", json=body)
    assert result.status_code == 200, "the page would show its sign-in page"
    assert set(result.json) == {"status", "message", "data"}
    return result.json


def info(page: Owner, name: str = "wg0") -> Any:
    return sent(page, f"getWireguardConfigurationInfo?configurationName={name}")["data"]


def peer(page: Owner, key: str) -> Any:
    return next(each for each in info(page)["configurationPeers"] if each["id"] == key)


def form(**values: Any) -> dict[str, Any]:
    """The page of a new peer: a pair of keys of its own, and what getDashboardConfiguration says."""
    key = generate_secret_key()
    given = {
        "bulkAdd": False,
        "bulkAddAmount": "",
        "name": "my phone",
        "allowed_ips": ["10.7.0.4/32", "10.7.0.5/32"],
    }
    keys = {"private_key": key.reveal(), "public_key": public_key_of(key), "preshared_key": ""}
    return {
        **given,
        **keys,
        **{"DNS": "1.1.1.1", "endpoint_allowed_ip": "0.0.0.0/0", "keepalive": 21, "mtu": 1420},
        **values,
    }


def local(moment: datetime) -> str:
    """A date as the page writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def test_guard_before_every_page(page: Owner) -> None:
    assert sent(page, "validateAuthentication") == OK
    settings = sent(page, "getDashboardConfiguration")["data"]
    for section, key in (
        ("Server", "dashboard_refresh_interval"),
        ("Peers", "peer_mtu"),
        ("Peers", "peer_keep_alive"),
    ):
        assert int(settings[section][key]) > 0, "parseInt takes text"
    assert settings["Server"]["dashboard_api_key"] is False
    assert settings["Account"]["enable_totp"] is False


def test_home(page: Owner) -> None:
    for each in sent(page, "getWireguardConfigurations")["data"]:
        assert all(isinstance(each["DataUsage"][kind], (int, float)) for kind in ("Total", "Sent", "Receive"))
        assert isinstance(each["Status"], bool)
    assert sent(page, "toggleWireguardConfiguration/?configurationName=wg0") == answer(data=True, ok=True)


def test_peers_that_are_down_and_restricted(page: Owner) -> None:
    sent(page, "restrictPeers/wg0", {"peers": [ANN]})
    found = info(page)
    for each in (*found["configurationPeers"], *found["configurationRestrictedPeers"]):
        for kind in ("receive", "sent", "data"):
            assert isinstance(each[f"total_{kind}"] + each[f"cumu_{kind}"], float), "it calls toFixed"
        assert isinstance(each["latest_handshake"], str), "it calls includes"
        assert isinstance(each["jobs"], list) and isinstance(each["ShareLink"], list)
        assert each["configuration"]["Name"] == "wg0"
    assert sent(page, "allowAccessPeers/wg0", {"peers": [ANN]}) == answer("Allow access successfully!", ok=True)


def test_new_peer(page: Owner) -> None:
    assert sent(page, "getAvailableIPs/wg0")["data"][:2] == ["10.7.0.4/32", "10.7.0.5/32"]
    body = form()
    assert sent(page, "addPeers/wg0", body) == OK
    found = peer(page, body["public_key"])
    assert (found["name"], found["allowed_ip"]) == ("my phone", "10.7.0.4/32, 10.7.0.5/32")
    assert found["private_key"] == body["private_key"], "without it there is no download in the menu"


def test_many_peers_with_what_was_filled_in_for_one(page: Owner) -> None:
    body = form(bulkAdd=True, bulkAddAmount=5, name="left over", allowed_ips=["10.7.0.2/32"])
    assert sent(page, "addPeers/wg0", body) == OK
    found = info(page)["configurationPeers"]
    assert len(found) == 2 + 5
    assert all(each["id"] != body["public_key"] and each["name"] != "left over" for each in found)


@pytest.mark.parametrize("field", ["mtu", "keepalive"])
def test_settings_of_a_peer_are_the_whole_peer(page: Owner, field: str) -> None:
    body = {**peer(page, ANN), "restricted": False}
    assert sent(page, "updatePeerSettings/wg0", {**body, "name": "ann", "mtu": 1380}) == OK
    assert (peer(page, ANN)["name"], peer(page, ANN)["mtu"]) == ("ann", 1380)
    emptied = sent(page, "updatePeerSettings/wg0", {**body, field: ""})
    assert (emptied["status"], type(emptied["message"])) == (False, str), "an emptied box of numbers"


def test_job_from_its_making_to_its_end(page: Owner) -> None:
    made = {"JobID": "cde1e192-62d3-4265-b721-8620f6b2969a", "Configuration": "wg0", "Peer": ANN}
    condition = {"Field": "total_receive", "Operator": "eq", "Value": "5", "Action": "restrict"}
    body = {"Job": {**made, **condition, "CreationDate": "", "ExpireDate": ""}}
    assert sent(page, "savePeerScheduleJob/", body)["data"][0]["JobID"] == made["JobID"]
    (job,) = peer(page, ANN)["jobs"]
    changed = sent(page, "savePeerScheduleJob/", {"Job": {**job, "Value": "7.5"}})
    assert changed["data"] == [{**job, "Value": "7.5"}]
    tomorrow = local(datetime.now() + timedelta(days=1))
    dated = {**job, "Field": "date", "Value": tomorrow}
    assert sent(page, "savePeerScheduleJob/", {"Job": dated})["data"] == [dated]
    assert sent(page, "deletePeerScheduleJob/", {"Job": dated})["status"]
    assert peer(page, ANN)["jobs"] == []
    assert {each["Status"] for each in sent(page, "getPeerScheduleJobLogs/wg0")["data"]} == {"1"}


def test_link_from_its_making_to_its_end(page: Owner) -> None:
    now = datetime.fromtimestamp(page.clock())
    week = local(now + timedelta(days=7))
    (link,) = sent(page, "sharePeer/create", {"Configuration": "wg0", "Peer": ANN, "ExpireDate": week})["data"]
    assert peer(page, ANN)["ShareLink"] == [link]
    assert sent(page, f"sharePeer/get?ShareID={link['ShareID']}")["data"]["file"].startswith("[Interface]\n")
    cleared = {name: value for name, value in link.items() if name != "ExpireDate"}
    assert sent(page, "sharePeer/update", cleared)["data"] == [{**link, "ExpireDate": None}]
    assert sent(page, "sharePeer/update", {**link, "ExpireDate": local(now)})["data"] == [], "stopped this second"
    assert peer(page, ANN)["ShareLink"] == []


def test_new_configuration(page: Owner) -> None:
    key = generate_secret_key()
    body = {
        **{
            "ConfigurationName": "wgnew",
            "Address": "10.99.0.1/24",
            "ListenPort": 51999,
            "PrivateKey": key.reveal(),
        },
        **{"PublicKey": public_key_of(key), "PresharedKey": generate_secret_key().reveal()},
        **dict.fromkeys(("PreUp", "PreDown", "PostUp", "PostDown"), ""),
    }
    for wrong in (
        {"ConfigurationName": "wg0"},
        {"ListenPort": 51820},
        {"ListenPort": 0},
        {"Address": "10.7.0.1/24"},
        {"Address": "10.7.0.9/25"},
        {"PreUp": "reboot"},
        {"PostDown": "reboot"},
    ):
        assert sent(page, "addWireguardConfiguration", {**body, **wrong})["data"] in IDS, "it looks for #data"
    assert sent(page, "addWireguardConfiguration", body) == OK


def test_second_factor_is_reset_in_two_steps(page: Owner) -> None:
    page.runtime.accounts.verify_totp()
    for key in ("totp_verified", "enable_totp"):
        body = {"section": "Account", "key": key, "value": "false"}
        assert sent(page, "updateDashboardConfigurationItem", body) == OK
    assert sent(page, "Welcome_GetTotpLink")["data"].startswith("otpauth://totp/WGDashboard:Secret?secret=")
