"""Every field of every body with odd values: the answer is an envelope, and what others see stays sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from wgreconcile.api.routes import ROUTES
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.values import generate_secret_key

from .dashboard import PASSWORD, USERNAME
from .host import Owner, key

STATE = """
address: [10.7.0.1/24, fd00:7::1/64]
listen_port: 51820
peers:
  - {name: ann, public_key: $KEY1, allowed_ips: [10.7.0.2/32]}
  - {name: bob, public_key: $KEY2, allowed_ips: [10.7.0.3/32]}
"""
ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, 1e300, 10**400, [], {}, [[]], [None], [""], [{}], {"a": 1}, ["x"] * 3000),
    *(
        "",
        " ",
        "x",
        "é",
        "\u200b",
        "%s%n",
        "../../x",
        "a'b\"c",
        "-1",
        "1e5",
        "nan",
        "٣",
        "x" * 5000,
        "\ud800",
        "\0",
    ),
    *("10.7.0.9/32", "10.7.0.9/99", "0.0.0.0/0", "::/0", "fe80::1%eth0/128", "10.7.0.4,", ",", "wg0"),
    *("2030-01-01 00:00:00", "9999-12-31T23:59:59+00:00", "0001-01-01 00:00:00", "10000-01-01 00:00:00"),
]
PEER = {"name": "n", "private_key": "", "DNS": "", "endpoint_allowed_ip": "0.0.0.0/0", "preshared_key": ""}
PEER |= {"mtu": 1420, "keepalive": 21}
JOB = {
    "JobID": "j",
    "Configuration": "wg0",
    "Peer": key(1),
    "Field": "date",
    "Operator": "lgt",
    "Action": "restrict",
}
JOB |= {"Value": "2099-01-01 00:00:00", "CreationDate": "", "ExpireDate": ""}
END = {"ExpireDate": "2040-01-01 00:00:00"}

BODIES: dict[str, dict[str, Any]] = {
    "authenticate": {"username": USERNAME, "password": PASSWORD, "totp": ""},
    "Welcome_VerifyTotpLink": {"totp": "123456"},
    "Welcome_Finish": {"username": "a", "newPassword": "b" * 8, "repeatNewPassword": "b" * 8},
    "newDashboardAPIKey": {"neverExpire": False, "ExpiredAt": "2040-01-01 00:00:00"},
    "deleteDashboardAPIKey": {"Key": "x"},
    "updateDashboardConfigurationItem": {"section": "Peers", "key": "remote_endpoint", "value": "192.0.2.1"},
    "addWireguardConfiguration": {
        **{"ConfigurationName": "wg5", "Address": "10.55.0.1/24", "ListenPort": "55555", "PublicKey": ""},
        **{"PrivateKey": generate_secret_key().reveal(), "PresharedKey": ""},
        **dict.fromkeys(("PreUp", "PreDown", "PostUp", "PostDown"), ""),
    },
    "addPeers/wg0": {
        **PEER,
        "bulkAdd": False,
        "bulkAddAmount": 2,
        "public_key": key(7),
        "allowed_ips": ["10.7.0.5"],
    },
    "updatePeerSettings/wg0": {**PEER, "id": key(1), "allowed_ip": "10.7.0.2/32"},
    "resetPeerData/wg0": {"id": key(1), "type": "total"},
    **{f"{each}Peers/wg0": {"peers": ["x"]} for each in ("delete", "restrict", "allowAccess")},
    "savePeerScheduleJob": {"Job": JOB},
    "deletePeerScheduleJob": {"Job": {**JOB, "CreationDate": "2020-01-01 00:00:00"}},
    "sharePeer/create": {"Configuration": "wg0", "Peer": key(2), **END},
    "sharePeer/update": {"ShareID": "x", **END},
}


def variants(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The body with one field after the other odd, also in the object that it holds."""
    for field in body:
        for odd in ODD:
            yield {**body, field: odd}
        if isinstance(body[field], dict):
            for within in variants(body[field]):
                yield {**body, field: within}


def test_every_body_is_tried() -> None:
    bodies = {path.partition("/wg0")[0] for path in BODIES}
    assert bodies == {route.path.strip("/").split("/", 1)[1].partition("/{")[0] for route in ROUTES if route.body}


@pytest.mark.parametrize("path", BODIES)
def test_the_answer_is_an_envelope_and_nothing_is_spoilt(
    keeper: Owner, settings: DashboardSettings, path: str
) -> None:
    settings.set("server.api_keys", True)
    keeper.write("wg0.yaml", STATE)
    keeper.up()
    for body in variants(BODIES[path]):
        result = keeper.send("POST", f"/api/{path}", body=json.dumps(body))
        assert (result.status_code, set(result.json)) == (200, {"data", "message", "status"}), body
        assert keeper.get("getWireguardConfigurationInfo", configurationName="wg0")["status"], body
    for read in ("getWireguardConfigurations", "getDashboardConfiguration", "getDashboardAPIKeys"):
        assert keeper.get(read)["status"]
    for read in ("getPeerScheduleJobLogs", "downloadAllPeers", "getAvailableIPs"):
        assert keeper.get(f"{read}/wg0")["status"]
