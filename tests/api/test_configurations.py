"""List, add, toggle and show interfaces (API.md 6.1), with the answers of a recorded server."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from wgreconcile.api.reconciler import Snapshot
from wgreconcile.api.settings.document import InMemory
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.values import generate_secret_key

from .dashboard import ELSEWHERE, OK, Caller, answer, refused
from .host import CASES, Owner, endpoint, key

RECORDED = json.loads((CASES / "recorded.json").read_text())
PRIVATE = "QBAADWL8eAeIJTZ+xrVJSvd3rKcHluRcqhF9LmsGtW8="
PUBLIC = "hmS4vdXhZWZ8wf9KjNj8m7VbCAkUqWz803Sm3zXfWRM="
FORM: dict[str, Any] = {
    "ConfigurationName": "wgnew",
    "Address": "10.20.0.1/24",
    "ListenPort": 51900,
    "PrivateKey": PRIVATE,
    "PublicKey": PUBLIC,
    "PresharedKey": "",
    "PreUp": "",
    "PreDown": "",
    "PostUp": "",
    "PostDown": "",
}
ADOPTED = "gDGDdbVMP7kd3CE6RpuZ8pi65hlPbXdt8uKEDIVlbE0="
"""The peer of wgdual."""
ELEMENTS = {"PostUp": "postUp", "PreDown": "preDown"}
"""What v4.0's page calls boxes that are not called after their field."""
SOON = 30
INCOMPLETE = refused("Please provide all required parameters.")


@pytest.fixture
def recorded(keeper: Owner, tmp_path: Path) -> Owner:
    """A host that ran WGDashboard until now."""
    for each in CASES.glob("*.conf"):
        shutil.copy(each, tmp_path / "conf")
    return keeper


def listed(keeper: Owner) -> dict[str, Any]:
    answered = keeper.get("getWireguardConfigurations")
    assert answered["status"] is True
    return {each["Name"]: each for each in answered["data"]}


def at_once(transactions: Transactions, *calls: Callable[[], Any]) -> list[Any]:
    """What is answered to calls that come, in this order, while a write is under way."""
    begun, released, end = threading.Event(), threading.Event(), time.monotonic() + SOON
    with ThreadPoolExecutor() as threads:
        threads.submit(transactions.write, lambda draft: begun.set() or released.wait(SOON))
        assert begun.wait(SOON)
        answers = []
        for call in calls:
            answers.append(threads.submit(call))
            while len(getattr(transactions._group._open, "requests", ())) < len(answers):
                assert time.monotonic() < end
                time.sleep(0.001)
        released.set()
    return [each.result() for each in answers]


class TestList:
    def test_files_that_nobody_manages_are_adopted(self, recorded: Owner) -> None:
        found = listed(recorded)
        expected = {each["Name"]: each for each in RECORDED["getWireguardConfigurations"]}
        # Of repeated lines, v4.0 shows the last one only.
        expected["wgmulti"] |= {"Address": "10.50.0.1/29, 10.51.0.1/29", "PostUp": "echo one; echo two"}
        assert found == expected
        assert list(found) == sorted(found)
        assert [*found["wg0"]] == [*expected["wg0"]]
        assert recorded.host.passes == [], "nothing was to be done to them"

    def test_what_is_shown_of_a_peer_is_what_v4_0_showed(self, recorded: Owner) -> None:
        assert listed(recorded)
        found = recorded.info()
        for each in found["configurationPeers"]:
            assert each.pop("configuration") == found["configurationInfo"]
        assert found == RECORDED["getWireguardConfigurationInfo wg0"]

    def test_adoption_can_be_switched_off(self, recorded: Owner, settings: DashboardSettings) -> None:
        settings.set("adopt", False)
        assert not recorded.get("getAvailableIPs/wgdual")["status"]
        assert listed(recorded) == {}
        assert recorded.documents() == set()

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "getWireguardConfigurationInfo?configurationName=wgdual", None),
            ("GET", "getAvailableIPs/wgdual", None),
            ("GET", "downloadAllPeers/wgdual", None),
            ("GET", f"downloadPeer/wgdual?id={quote(ADOPTED, safe='')}", None),
            ("GET", "getPeerScheduleJobLogs/wgdual", None),
            ("POST", "addPeers/wgdual", {"name": "ann"}),
            ("POST", "restrictPeers/wgdual", {"peers": [ADOPTED]}),
            ("POST", "deletePeers/wgdual", {"peers": [ADOPTED]}),
            ("POST", "resetPeerData/wgdual", {"id": ADOPTED, "type": "total"}),
            ("POST", "sharePeer/create", {"Configuration": "wgdual", "Peer": ADOPTED}),
        ],
    )
    def test_a_client_that_never_lists_them_finds_them(
        self, recorded: Owner, method: str, path: str, body: Any
    ) -> None:
        assert recorded.send(method, f"/api/{path}", json=body).json["status"] is True

    def test_a_client_that_never_lists_them_pings_them(self, recorded: Owner) -> None:
        assert set(recorded.get("ping/getAllPeersIpAddress")["data"]) > {"wg0", "wgdual"}

    def test_what_nobody_was_shown_is_not_toggled(self, recorded: Owner) -> None:
        found = recorded.send("GET", "/api/toggleWireguardConfiguration/?configurationName=wgdual").json
        assert found == refused("Please provide a valid configuration name")

    def test_no_interface(self, keeper: Owner) -> None:
        assert keeper.get("getWireguardConfigurations") == answer(data=[], ok=True)

    def test_usage_and_peers_that_are_there(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "address: 10.7.0.1/24\nlisten_port: 51820\n")
        for number in (1, 2, 3):
            keeper.write(f"wg0/p{number}.yaml", f"public_key: $KEY{number}\nallowed_ips: 10.7.0.{number + 1}\n")
        keeper.up()
        now = int(keeper.clock.now)
        keeper.host.connect("wg0", key(1), rx_bytes=1024**3, tx_bytes=2 * 1024**3, latest_handshake=now - 179)
        keeper.host.connect("wg0", key(2), rx_bytes=1024**3, latest_handshake=now - 180)
        keeper.host.sample(keeper.runtime)
        found = listed(keeper)["wg0"]
        assert found["ConnectedPeers"] == 1
        assert found["DataUsage"] == {"Receive": 2.0, "Sent": 2.0, "Total": 4.0}
        keeper.post("restrictPeers/wg0", {"peers": [key(2)]})
        assert listed(keeper)["wg0"]["DataUsage"] == {"Receive": 1.0, "Sent": 2.0, "Total": 3.0}

    def test_an_interface_without_address_is_up_when_it_is(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "listen_port: 51820\n")
        assert listed(keeper)["wg0"] | {"PrivateKey": "", "PublicKey": ""} == {
            **{"Name": "wg0", "Status": False, "PrivateKey": "", "PublicKey": "", "Address": ""},
            **{"ListenPort": "51820", "PreUp": "", "PreDown": "", "PostUp": "", "PostDown": ""},
            **{"SaveConfig": True, "ConnectedPeers": 0, "DataUsage": {"Receive": 0, "Sent": 0, "Total": 0}},
        }
        keeper.up()
        assert listed(keeper)["wg0"]["Status"] is True

    def test_total_peers_since_v4_1(self, keeper: Owner, settings: DashboardSettings) -> None:
        keeper.write("wg0.yaml", "peers: [{public_key: $KEY1, enabled: false}, {public_key: $KEY2}]\n")
        assert "TotalPeers" not in listed(keeper)["wg0"]
        settings.set("compat", "v4.1")
        assert listed(keeper)["wg0"]["TotalPeers"] == 2

    def test_asks_for_credentials(self, keeper: Owner) -> None:
        stranger = Caller(keeper.app, ELSEWHERE)
        for path in (
            "getWireguardConfigurations",
            "getWireguardConfigurationInfo",
            "toggleWireguardConfiguration",
        ):
            assert stranger.get(path, configurationName="wg0") == refused("Unauthorized access.")
        assert stranger.post("addWireguardConfiguration", FORM) == refused("Unauthorized access.")


class TestAdd:
    def test_it_is_there_and_down(self, keeper: Owner) -> None:
        assert keeper.post("addWireguardConfiguration", FORM) == OK
        assert keeper.document("wgnew.yaml") == {
            "enabled": False,
            "address": ["10.20.0.1/24"],
            "listen_port": 51900,
            "private_key": {"file": "wgnew.key"},
        }
        assert keeper.secret_files() == {"wgnew.key": PRIVATE}
        found = listed(keeper)["wgnew"]
        assert (found["Status"], found["PrivateKey"], found["PublicKey"]) == (False, PRIVATE, PUBLIC)
        assert found["ListenPort"] == "51900"
        assert keeper.host.passes == [("wgnew",)], "its file is written"

    def test_two_addresses_a_port_as_text_and_hooks(self, keeper: Owner, settings: DashboardSettings) -> None:
        settings.set("api_hooks", "allow")
        hooks = {each: f"echo {each.lower()}" for each in ("PreUp", "PreDown", "PostUp", "PostDown")}
        body = {**FORM, **hooks, "Address": "10.21.0.1/24, fd00:21::1/64", "ListenPort": "51902"}
        assert keeper.post("addWireguardConfiguration", {**body, "PublicKey": "ignored"}) == OK
        found = listed(keeper)["wgnew"]
        expected = {**hooks, "Address": body["Address"], "ListenPort": "51902", "PublicKey": PUBLIC}
        assert {each: found[each] for each in expected} == expected

    def test_a_number_as_a_name(self, keeper: Owner) -> None:
        assert keeper.post("addWireguardConfiguration", {**FORM, "ConfigurationName": 7}) == OK
        assert list(listed(keeper)) == ["7"]

    @pytest.mark.parametrize("field", FORM)
    def test_all_ten_are_required(self, keeper: Owner, field: str) -> None:
        body = {each: value for each, value in FORM.items() if each != field}
        assert keeper.post("addWireguardConfiguration", body) == INCOMPLETE
        assert keeper.documents() == set()

    @pytest.mark.parametrize("field", list(FORM)[:4])
    @pytest.mark.parametrize("value", ["", None])
    def test_four_must_not_be_empty(self, keeper: Owner, field: str, value: Any) -> None:
        assert keeper.post("addWireguardConfiguration", {**FORM, field: value}) == INCOMPLETE

    def test_since_v4_1_four_are_enough(self, keeper: Owner, document: InMemory) -> None:
        document.save({"compat": "v4.1"})
        assert keeper.post("addWireguardConfiguration", {each: FORM[each] for each in list(FORM)[:4]}) == OK
        assert keeper.post("addWireguardConfiguration", {}) == INCOMPLETE

    @pytest.mark.parametrize(
        ("more", "message", "field"),
        [
            ({"ConfigurationName": "wg0"}, 'a configuration with the name "wg0"', "ConfigurationName"),
            ({"ListenPort": 51820}, 'a configuration with the port "51820"', "ListenPort"),
            ({"ListenPort": "51820"}, 'a configuration with the port "51820"', "ListenPort"),
            ({"Address": "10.7.0.1/24"}, 'a configuration with the address "10.7.0.1/24"', "Address"),
        ],
    )
    def test_what_another_one_has(self, recorded: Owner, more: dict[str, Any], message: str, field: str) -> None:
        expected = refused(f"Already have {message}", field)
        assert recorded.post("addWireguardConfiguration", {**FORM, **more}) == expected

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            *(
                ("ConfigurationName", each, f"'{each}' is no name that an interface can have; use 1 to 15 letters")
                for each in ("wgnamethatistoolong", "wg space", "wg'q", "../x", "a/b")
            ),
            *(
                ("ConfigurationName", each, f"'{each}' is no name that an interface can have: ")
                for each in ("..", "settings", "secrets", "README", "all", "lo", "interfaces", "mtu", "t", "-f")
            ),
            ("Address", "nonsense", "'nonsense' is not an address such as 10.7.0.1/24"),
            ("Address", "10.20.0.1/24,", "'' is not an address such as 10.7.0.1/24"),
            ("Address", "10.20.0.1/33", "'10.20.0.1/33' is not an address such as 10.7.0.1/24"),
            ("Address", "10.7.0.129/25", "10.7.0.128/25 overlaps 10.7.0.0/24, the network of wg0"),
            ("Address", "10.0.0.1/8", "10.0.0.0/8 overlaps 10.7.0.0/24, the network of wg0"),
            ("Address", "fd00:8:0::/126", "fd00:8::/126 overlaps fd00:8::/64, the network of wgdual"),
            ("ListenPort", "99999999", "'99999999' is not a port from 1 to 65535"),
            ("ListenPort", 0, "0 is not a port from 1 to 65535"),
            ("ListenPort", -1, "-1 is not a port from 1 to 65535"),
            ("ListenPort", "a", "'a' is not a port from 1 to 65535"),
            ("PrivateKey", "nonsense", "not a key (32 bytes in base64: 44 characters that end in '=')"),
            ("PostUp", "echo hi", "only plain iptables, ip6tables, nft, ip route, ip rule and ip link commands "),
            (
                "PreDown",
                "iptables -F; reboot",
                "only plain iptables, ip6tables, nft, ip route, ip rule and ip link",
            ),
        ],
    )
    def test_names_the_field(self, recorded: Owner, field: str, value: Any, message: str) -> None:
        found = recorded.post("addWireguardConfiguration", {**FORM, field: value})
        assert (found["status"], found["data"]) == (False, ELEMENTS.get(field, field))
        assert found["message"].startswith(f"{field}: {message}")
        assert "wgnew" not in listed(recorded)
        assert "wgnew.key" not in recorded.secret_files()

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("ConfigurationName", ["wg0"], "ConfigurationName: a list is not a name of 1 to 15 letters"),
            ("Address", {"a": 1}, "Address: a mapping is not addresses with their lengths"),
            ("ListenPort", 1.5, "ListenPort: 1.5 is not a port from 1 to 65535"),
            ("PrivateKey", 5, "PrivateKey: the value is not a private key"),
            ("PostUp", "echo hi\nreboot", "PostUp: contains a control character"),
            ("ConfigurationName", "wg\n0", "ConfigurationName: contains a control character"),
        ],
    )
    def test_other_kinds_of_values(self, keeper: Owner, field: str, value: Any, message: str) -> None:
        found = keeper.post("addWireguardConfiguration", {**FORM, field: value})
        assert (found["status"], found["data"]) == (False, field)
        assert found["message"].startswith(message)

    @pytest.mark.parametrize(("name", "adopts"), [("wgbroken", True), ("wgdual", False)])
    def test_a_file_that_is_not_adopted_is_not_written_over(
        self, recorded: Owner, settings: DashboardSettings, name: str, adopts: bool
    ) -> None:
        settings.set("adopt", adopts)
        problem = f"there is a file {name}.conf already, of an interface that is not in the state"
        message = f"ConfigurationName: {problem}; import it, or remove it"
        found = recorded.post("addWireguardConfiguration", {**FORM, "ConfigurationName": name})
        assert found == refused(message, "ConfigurationName")
        assert f"{name}.yaml" not in recorded.documents()

    def test_hooks_can_be_denied(self, keeper: Owner, settings: DashboardSettings) -> None:
        settings.set("api_hooks", "deny")
        body = {**FORM, "PostUp": "iptables -A FORWARD -i %i -j ACCEPT"}
        message = "PostUp: hooks cannot be set over HTTP (api_hooks: deny)"
        assert keeper.post("addWireguardConfiguration", body) == refused(message, "postUp")
        settings.set("compat", "v4.2")
        assert keeper.post("addWireguardConfiguration", body) == refused(message, "PostUp"), "as its page calls it"
        settings.set("api_hooks", "allowlist")
        assert keeper.post("addWireguardConfiguration", body) == OK

    def test_nothing_is_left_when_it_cannot_be_applied(self, keeper: Owner) -> None:
        keeper.host.failure = "wgnew: no"
        found = keeper.post("addWireguardConfiguration", FORM)
        assert (found["status"], found["data"]) == (False, "ConfigurationName")
        assert "no" in found["message"]
        assert (keeper.documents(), keeper.secret_files()) == (set(), {})

    def test_a_key_that_is_kept_already_is_not_overwritten(self, keeper: Owner) -> None:
        keeper.host.secrets.write("wgnew.key", old := generate_secret_key())
        assert keeper.post("addWireguardConfiguration", FORM) == OK
        assert keeper.secret_files() == {"wgnew.key": old.reveal(), "wgnew-2.key": PRIVATE}
        assert listed(keeper)["wgnew"]["PrivateKey"] == PRIVATE


class TestToggle:
    PATH = "toggleWireguardConfiguration"

    @pytest.fixture(autouse=True)
    def down(self, keeper: Owner) -> None:
        assert keeper.post("addWireguardConfiguration", FORM) == OK

    def toggle(self, keeper: Owner, name: str = "wgnew") -> Any:
        return keeper.send("GET", f"/api/{self.PATH}/", params={"configurationName": name}).json

    def test_up_and_down(self, keeper: Owner) -> None:
        for up in (True, False, True):
            assert self.toggle(keeper) == answer(data=up, ok=True)
            assert ("wgnew" in keeper.host.live) is up
            assert listed(keeper)["wgnew"]["Status"] is up
        assert "enabled" not in keeper.document("wgnew.yaml")

    def test_slash_at_the_end_does_not_matter(self, keeper: Owner) -> None:
        assert keeper.get(self.PATH, configurationName="wgnew") == answer(data=True, ok=True)

    @pytest.mark.parametrize("query", [{}, {"configurationName": ""}, {"configurationName": "nope"}])
    def test_unknown(self, keeper: Owner, query: dict[str, str]) -> None:
        assert keeper.get(self.PATH, **query) == refused("Please provide a valid configuration name")

    def test_failure_tells_how_it_is(self, keeper: Owner) -> None:
        keeper.host.failure = "wgnew: the port is taken"
        found = self.toggle(keeper)
        assert (found["status"], found["data"]) == (False, False)
        assert "the port is taken" in found["message"]
        assert keeper.document("wgnew.yaml")["enabled"] is False
        keeper.host.failure = ""
        assert self.toggle(keeper)["data"] is True
        keeper.host.failure = "wgnew: no"
        assert self.toggle(keeper)["data"] is True

    def test_what_somebody_did_by_hand_is_undone(self, keeper: Owner) -> None:
        assert self.toggle(keeper)["data"] is True
        keeper.host.live.clear()
        assert self.toggle(keeper) == answer(data=True, ok=True)
        keeper.write("wgnew.yaml", "enabled: false\n")
        assert self.toggle(keeper) == answer(data=False, ok=True)
        keeper.host.live.clear()
        keeper.write("wgnew.yaml", "listen_port: 51900\n")
        keeper.host.failure = "wgnew: no"
        found = self.toggle(keeper)
        assert (found["status"], found["data"]) == (False, False)

    @pytest.mark.parametrize("is_up", [False, True])
    def test_two_at_once_are_two(self, keeper: Owner, transactions: Transactions, is_up: bool) -> None:
        if is_up:
            self.toggle(keeper)
        answers = at_once(transactions, *[lambda: self.toggle(keeper)] * 2)
        assert answers == [answer(data=not is_up, ok=True), answer(data=is_up, ok=True)]
        assert ("wgnew" in keeper.host.live) is is_up

    def test_it_goes_down_after_a_write_that_brings_it_up(self, keeper: Owner, transactions: Transactions) -> None:
        new, toggled = at_once(
            transactions, lambda: keeper.post("addPeers/wgnew", {"name": "ann"}), lambda: self.toggle(keeper)
        )
        assert (new["status"], toggled) == (True, answer(data=False, ok=True))
        assert keeper.host.live == {}

    def test_usage_goes_on_after_it(self, keeper: Owner) -> None:
        keeper.write("wgnew/p.yaml", "public_key: $KEY1\nallowed_ips: 10.20.0.2\n")
        self.toggle(keeper)
        keeper.host.connect("wgnew", key(1), rx_bytes=1024**3)
        keeper.host.sample(keeper.runtime)
        self.toggle(keeper)
        self.toggle(keeper)
        keeper.host.connect("wgnew", key(1), rx_bytes=3 * 1024**3)
        keeper.host.sample(keeper.runtime)
        found = keeper.peer(key(1), "wgnew")
        assert (found["cumu_receive"], found["total_receive"]) == (1.0, 3.0)

    def test_usage_of_the_last_seconds_is_kept(self, keeper: Owner) -> None:
        keeper.write("wgnew/p.yaml", "public_key: $KEY1\nallowed_ips: 10.20.0.2\n")
        self.toggle(keeper)
        keeper.host.connect("wgnew", key(1), rx_bytes=1024**3)
        self.toggle(keeper)
        assert keeper.peer(key(1), "wgnew")["total_receive"] == 1.0

    def test_another_site_cannot_do_it(self, keeper: Owner) -> None:
        found = keeper.send(
            "GET",
            f"/api/{self.PATH}/",
            params={"configurationName": "wgnew"},
            headers={"Sec-Fetch-Site": "cross-site"},
        )
        assert found.json["status"] is False
        assert keeper.host.live == {}


class TestInfo:
    @pytest.mark.parametrize("query", [{}, {"configurationName": ""}, {"configurationName": "nope"}])
    def test_unknown(self, keeper: Owner, query: dict[str, str]) -> None:
        found = keeper.get("getWireguardConfigurationInfo", **query)
        assert found == refused("Please provide configuration name")

    def test_no_peers(self, keeper: Owner) -> None:
        keeper.post("addWireguardConfiguration", FORM)
        assert keeper.info("wgnew") == {
            "configurationInfo": listed(keeper)["wgnew"],
            "configurationPeers": [],
            "configurationRestrictedPeers": [],
        }

    def test_a_peer_that_is_there(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "address: 10.7.0.1/24\npeers: [{public_key: $KEY1, allowed_ips: 10.7.0.2}]\n")
        keeper.up()
        seen = {"endpoint": "N/A", "latest_handshake": "N/A", "status": "stopped"}
        assert keeper.peer(key(1)).items() >= seen.items(), "nobody has looked yet"
        keeper.host.sample(keeper.runtime)
        seen = {"endpoint": "(none)", "latest_handshake": "No Handshake", "status": "stopped"}
        assert keeper.peer(key(1)).items() >= seen.items()
        now = int(keeper.clock.now)
        counters = {"rx_bytes": 3 * 1024**3, "tx_bytes": 1024**2}
        keeper.host.connect(
            "wg0", key(1), endpoint=endpoint("192.0.2.1:59875"), latest_handshake=now - 13, **counters
        )
        keeper.host.sample(keeper.runtime)
        found = keeper.peer(key(1))
        seen = {"endpoint": "192.0.2.1:59875", "latest_handshake": "0:00:13", "status": "running"}
        assert found.items() >= seen.items()
        assert (found["total_receive"], found["total_sent"]) == (3.0, 1 / 1024)
        assert found["total_data"] == 3 + 1 / 1024
        assert (found["cumu_receive"], found["cumu_sent"], found["cumu_data"]) == (0.0, 0.0, 0.0)

    def test_a_peer_that_was_there(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "peers: [{public_key: $KEY1}]\n")
        keeper.up()
        now = int(keeper.clock.now)
        keeper.host.connect("wg0", key(1), endpoint=endpoint("192.0.2.1:5"), latest_handshake=now - 180)
        keeper.host.sample(keeper.runtime)
        assert keeper.peer(key(1)).items() >= {"latest_handshake": "0:03:00", "status": "stopped"}.items()
        keeper.get("toggleWireguardConfiguration", configurationName="wg0")
        keeper.clock.now += 2 * 86400
        found = keeper.peer(key(1))
        assert (found["endpoint"], found["latest_handshake"]) == ("192.0.2.1:5", "2 days, 0:03:00")
        assert (found["status"], found["allowed_ip"]) == ("stopped", "N/A")

    def test_defaults_of_the_interface_come_before_those_of_the_settings(
        self, keeper: Owner, document: InMemory
    ) -> None:
        document.save({"peers": {"endpoint": "vpn.example.com", "dns": ["9.9.9.9"], "mtu": 1300}})
        keeper.write(
            "wg0.yaml",
            "client_defaults: {mtu: 1380, persistent_keepalive: 'off', allowed_ips: [10.7.0.0/24, 'fd00::/64']}\n"
            "peers: [{public_key: $KEY1, client: {dns: []}}, {public_key: $KEY2}]\n",
        )
        one, two = keeper.peer(key(1)), keeper.peer(key(2))
        shared = {"mtu": 1380, "keepalive": 0, "endpoint_allowed_ip": "10.7.0.0/24, fd00::/64"}
        assert one.items() >= {**shared, "DNS": ""}.items()
        assert two.items() >= {**shared, "DNS": "9.9.9.9"}.items()
        assert one["remote_endpoint"] == "vpn.example.com"
        keeper.write("wg0.yaml", "client_defaults: {endpoint: 'wg.example.org:1'}\npeers: [{public_key: $KEY1}]\n")
        assert keeper.peer(key(1))["remote_endpoint"] == "wg.example.org"

    def test_names_of_any_characters(self, keeper: Owner) -> None:
        name = 'Zoë said "hi" \\o/ </script> 🎉'
        keeper.write("wg0.yaml", f"peers: [{{public_key: $KEY1, name: {json.dumps(name, ensure_ascii=False)}}}]\n")
        found = keeper.peer(key(1))
        assert found["name"] == name
        assert [*found] == sorted(found), "fields are in the order of their names"

    def test_a_peer_that_has_expired_is_a_restricted_one(self, keeper: Owner) -> None:
        keeper.write("wg0.yaml", "peers: [{public_key: $KEY1, expires: 2020-01-01}, {public_key: $KEY2}]\n")
        found = keeper.info()
        assert [each["id"] for each in found["configurationPeers"]] == [key(2)]
        assert [each["id"] for each in found["configurationRestrictedPeers"]] == [key(1)]


def test_while_a_look_at_the_host_is_waited_for_documents_are_looked_at(
    keeper: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a hand has just written shows then, though a look at documents alone would not be due yet."""
    monkeypatch.setattr("wgreconcile.desired.warm.RECENT", 1000.0)
    monkeypatch.setattr("wgreconcile.api.services.LOOK_AGAIN", 0.0)
    monkeypatch.setattr("wgreconcile.api.services.AT_ONCE", 10.0)
    keeper.write("wg0.yaml", "address: 10.7.0.1/24\npeers: [{public_key: $KEY1}]\n")
    by_hand = (keeper.store.state / "wg0.yaml").read_text().replace(key(1), key(2))
    (keeper.store.state / "wg0.yaml").write_text(by_hand)
    assert [each["id"] for each in keeper.info()["configurationPeers"]] == [key(1)]
    observed = keeper.host.observed

    def slowly(*, anew: bool = False) -> Snapshot:
        time.sleep(0.3)
        return observed(anew=anew)

    monkeypatch.setattr("wgreconcile.api.services.AT_ONCE", 0.01)
    monkeypatch.setattr(keeper.host, "observed", slowly)
    assert [each["id"] for each in keeper.info()["configurationPeers"]] == [key(2)]
