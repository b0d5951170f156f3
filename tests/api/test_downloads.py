"""The files that peers put on their own devices (API.md 6.2, downloadPeer), and addresses to ping (6.6)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.api.settings.document import InMemory
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard.downloads import file_name

from .dashboard import ELSEWHERE, Caller, answer, refused
from .host import CASES, Owner, endpoint, key

RECORDED = json.loads((CASES / "recorded.json").read_text())
ANN = "ngwyfnCuoOCMM485JmGl3VcXt8eTobOgDejlBRsICn0="
SITE = "sQKvMUg1O0AsA69N1740YyZfMesf4Sz8jWa5dY1jqTU="
PSK = "/c5a9kveo6ESgOsR+pQNivM5E5mL+kIV4Cyqafunsm4="
C = "VyJeoQLVuOoorbtn04/tOSEJRvG/44+WMkNngvFXKCU="
D = "rzOFNFj8xTEY1vKqcSaMvGVRkci4iCQdHZ4N3RTNPD4="
NOBODY = refused("Configuration or peer does not exist")


@pytest.fixture
def recorded(keeper: Owner, tmp_path: Path) -> Owner:
    """The recorded server's wg0 with the peers that the recording adds to it."""
    shutil.copy(CASES / "wg0.conf", tmp_path / "conf")
    assert keeper.get("getWireguardConfigurations")["status"]
    c = {"public_key": C, "private_key": "CBYzCFqXhI51UcvJRjkea85e2fxm2kdc2dd/U7oh+Xo=", "name": "phone c2"}
    c |= {"allowed_ips": ["10.7.0.4"], "DNS": "9.9.9.9", "endpoint_allowed_ip": "10.7.0.0/24", "mtu": 1380}
    d = {"public_key": D, "private_key": "ALrhqDYnq2dkEBdgf/ssvO8cGhLNCczAO4wB++tJhG8=", "DNS": "", "keepalive": 0}
    assert keeper.post("addPeers/wg0", {**c, "keepalive": 25})["status"]
    assert keeper.post("addPeers/wg0", {**d, "allowed_ips": ["10.7.0.5"], "preshared_key": PSK})["status"]
    return keeper


def download(keeper: Owner, peer: str, name: str = "wg0") -> Any:
    return keeper.get(f"downloadPeer/{name}", id=peer)


class TestOne:
    @pytest.mark.parametrize(("peer", "case"), [(C, "c"), (D, "d"), (ANN, "a")])
    def test_the_very_file_of_v4_0(self, recorded: Owner, peer: str, case: str) -> None:
        assert download(recorded, peer) == answer(data=RECORDED[f"downloadPeer {case}"], ok=True)

    def test_only_hosts_are_addresses_of_the_peer(self, recorded: Owner) -> None:
        found = download(recorded, SITE)["data"]
        assert found["fileName"] == "UntitledPeer_wg0"
        assert "Address = 10.7.0.3/32\n" in found["file"]
        assert found["file"].endswith("PresharedKey = qDP/ZdaCpUkmaCbWFbM2gG55SmXHn9SNS0KwkDXrxXQ=\n")

    @pytest.mark.parametrize(
        ("reached_at", "line"),
        [
            ("vpn.example.com", "vpn.example.com:51820"),
            ("2001:db8::1", "[2001:db8::1]:51820"),
            ("[2001:db8::1]", "[2001:db8::1]:51820"),
        ],
    )
    def test_endpoint(self, recorded: Owner, document: InMemory, reached_at: str, line: str) -> None:
        document.save({"peers": {"endpoint": reached_at}})
        assert f"\nEndpoint = {line}\n" in download(recorded, C)["data"]["file"]

    def test_an_endpoint_that_is_none_is_left_out(self, recorded: Owner, document: InMemory) -> None:
        document.save({"peers": {"endpoint": "1.2.3"}})
        assert "Endpoint" not in download(recorded, C)["data"]["file"]

    def test_the_port_that_wireguard_has_chosen(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "peers: [{public_key: $KEY1, client: {mtu: 0}}]\n")
        assert "Endpoint" not in download(keeper, key(1))["data"]["file"]
        keeper.up()
        found = download(keeper, key(1))["data"]["file"]
        assert "\nEndpoint = 192.0.2.10:40000\n" in found
        assert "MTU" not in found

    @pytest.mark.parametrize(("name", "peer"), [("wg0", "nope"), ("wg0", ""), ("nope", C), ("wg0", "../../x")])
    def test_unknown(self, recorded: Owner, name: str, peer: str) -> None:
        assert download(recorded, peer, name) == NOBODY

    def test_without_id(self, recorded: Owner) -> None:
        assert recorded.get("downloadPeer/wg0") == refused("id: is missing")

    def test_asks_for_credentials(self, recorded: Owner) -> None:
        stranger = Caller(recorded.app, ELSEWHERE)
        for path in ("downloadPeer/wg0", "downloadAllPeers/wg0", "ping/getAllPeersIpAddress"):
            assert stranger.get(path, id=C) == refused("Unauthorized access.")


class TestFileName:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("", "UntitledPeer_wg0"),
            ("phone c2", "phonec2_wg0"),
            ('a b/c.d:e*con<nul>|"x', "abcdex_wg0"),
            ("a/b:c.d nul", "abcd_wg0"),
            ("second", "sed_wg0"),
            ("../../etc/passwd", "etcpasswd_wg0"),
            ("com1lpt9prn", "_wg0"),
            ("a|b", "a|b_wg0"),
        ],
    )
    def test_v4_0(self, name: str, expected: str) -> None:
        assert file_name(name, "wg0", "v4.0") == expected

    @pytest.mark.parametrize(
        ("name", "expected"), [("", "UntitledPeer"), ("phone c2", "phonec2"), ("a/b.é_=+-", "ab._=+-")]
    )
    def test_v4_2(self, name: str, expected: str) -> None:
        assert file_name(name, "wg0", "v4.2") == expected


class TestAll:
    def test_every_file_once_with_a_name_of_its_own(self, recorded: Owner) -> None:
        found = recorded.get("downloadAllPeers/wg0")
        assert found["status"] is True
        names = [each["fileName"] for each in found["data"]]
        assert sorted(names) == ["0_UntitledPeer_wg0", "1_UntitledPeer_wg0", "laptopofann_wg0", "phonec2_wg0"]
        files = {each["file"] for each in found["data"]}
        assert files == {download(recorded, each)["data"]["file"] for each in (ANN, SITE, C, D)}

    def test_unknown(self, keeper: Owner) -> None:
        assert keeper.get("downloadAllPeers/nope") == NOBODY

    def test_no_peers(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "listen_port: 51820\n")
        assert keeper.get("downloadAllPeers/wg0") == answer(data=[], ok=True)


class TestAddressesToPing:
    def test_hosts_and_endpoints(self, keeper: Owner, settings: DashboardSettings) -> None:
        keeper.write(
            "wg0.yaml",
            "peers:\n"
            "  - {public_key: $KEY1, name: ann, allowed_ips: [10.7.0.2, 192.168.77.0/24, 'fd00::2']}\n"
            "  - {public_key: $KEY2}\n"
            "  - {public_key: $KEY3, allowed_ips: 10.7.0.4, enabled: false}\n",
        )
        keeper.write("wg1.yaml", "enabled: false\npeers: [{public_key: $KEY4, allowed_ips: 10.8.0.2}]\n")
        keeper.up()
        keeper.host.connect("wg0", key(1), endpoint=endpoint("192.0.2.1:59875"))
        keeper.host.sample(keeper.runtime)
        expected = {
            "wg0": {
                f"ann - {key(1)}": {"allowed_ips": ["10.7.0.2", "fd00::2"], "endpoint": "192.0.2.1:59875"},
                key(2): {"allowed_ips": [], "endpoint": ""},
            },
            "wg1": {key(4): {"allowed_ips": ["10.8.0.2"], "endpoint": "N/A"}},
        }
        assert keeper.get("ping/getAllPeersIpAddress") == answer(data=expected, ok=True)

    def test_nothing(self, keeper: Owner) -> None:
        assert keeper.get("ping/getAllPeersIpAddress") == answer(data={}, ok=True)
