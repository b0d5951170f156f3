"""Add peers, one by one and many at once (API.md 6.2, addPeers)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.values import SecretKey, public_key_of

from .dashboard import ELSEWHERE, OK, Caller, answer, refused
from .host import CASES, Owner, key

RECORDED = json.loads((CASES / "recorded.json").read_text())
STATE = """\
address: 10.7.0.1/24
listen_port: 51820
peers:
  - {name: laptop of ann, public_key: $KEY1, allowed_ips: 10.7.0.2}
  - {public_key: $KEY2, allowed_ips: [10.7.0.3, 192.168.77.0/24, 10.7.0.128/28]}
  - {public_key: $KEY3, allowed_ips: 10.7.0.9, enabled: false}
"""
C_PRIVATE = "CBYzCFqXhI51UcvJRjkea85e2fxm2kdc2dd/U7oh+Xo="
C_PUBLIC = "VyJeoQLVuOoorbtn04/tOSEJRvG/44+WMkNngvFXKCU="
D_PRIVATE = "ALrhqDYnq2dkEBdgf/ssvO8cGhLNCczAO4wB++tJhG8="
D_PUBLIC = "rzOFNFj8xTEY1vKqcSaMvGVRkci4iCQdHZ4N3RTNPD4="
PSK = "/c5a9kveo6ESgOsR+pQNivM5E5mL+kIV4Cyqafunsm4="
FORM: dict[str, Any] = {
    "bulkAdd": False,
    "bulkAddAmount": "",
    "name": "phone c",
    "allowed_ips": ["10.7.0.4/32"],
    "private_key": C_PRIVATE,
    "public_key": C_PUBLIC,
    "DNS": "1.1.1.1",
    "endpoint_allowed_ip": "0.0.0.0/0",
    "keepalive": 21,
    "mtu": 1420,
    "preshared_key": "",
}
FILL_IN = refused("Please fill in all required box.")


@pytest.fixture(autouse=True)
def state(keeper: Owner) -> None:
    keeper.write("wg0.yaml", STATE)
    keeper.up()


def add(keeper: Owner, body: dict[str, Any], name: str = "wg0") -> Any:
    return keeper.post(f"addPeers/{name}", body)


def new(keeper: Owner) -> list[dict[str, Any]]:
    """The objects of peers that were not there at first."""
    found = keeper.info()["configurationPeers"]
    return [each for each in found if each["id"] not in (key(1), key(2))]


class TestOne:
    def test_everything_given(self, keeper: Owner) -> None:
        assert add(keeper, FORM) == OK
        assert keeper.document("wg0/phone-c.yaml") == {
            "name": "phone c",
            "public_key": C_PUBLIC,
            "allowed_ips": ["10.7.0.4/32"],
            "client": {
                "private_key": {"file": "wg0/phone-c.key"},
                "dns": ["1.1.1.1"],
                "allowed_ips": ["0.0.0.0/0"],
                "mtu": 1420,
                "persistent_keepalive": 21,
            },
        }
        assert keeper.secret_files() == {"wg0.key": keeper.secret_files()["wg0.key"], "wg0/phone-c.key": C_PRIVATE}
        (found,) = new(keeper)
        expected = {
            **{"id": C_PUBLIC, "private_key": C_PRIVATE, "preshared_key": "", "name": "phone c", "DNS": "1.1.1.1"},
            **{"allowed_ip": "10.7.0.4/32", "endpoint_allowed_ip": "0.0.0.0/0", "mtu": 1420, "keepalive": 21},
            **{"remote_endpoint": "192.0.2.10", "status": "stopped", "jobs": [], "ShareLink": []},
        }
        assert found.items() >= expected.items()
        live = keeper.live(C_PUBLIC)
        assert live is not None
        assert live.allowed_ips == ("10.7.0.4/32",)

    def test_what_a_person_wrote_stays(self, keeper: Owner) -> None:
        assert add(keeper, FORM) == OK
        assert (keeper.store.state / "wg0.yaml").read_text().startswith(STATE[:40])
        assert keeper.documents() == {"wg0.yaml", "wg0/phone-c.yaml"}

    def test_preshared_key_and_neither_name_nor_dns(self, keeper: Owner) -> None:
        body = {
            **FORM,
            "name": "",
            "allowed_ips": ["10.7.0.5/32"],
            "DNS": "",
            "keepalive": 0,
            "preshared_key": PSK,
        }
        assert add(keeper, {**body, "private_key": D_PRIVATE, "public_key": D_PUBLIC}) == OK
        (found,) = new(keeper)
        expected = {"name": "", "DNS": "", "keepalive": 0, "preshared_key": PSK, "private_key": D_PRIVATE}
        assert found.items() >= expected.items()
        live = keeper.live(D_PUBLIC)
        assert live is not None
        assert live.preshared_key == SecretKey(PSK)
        assert keeper.documents() == {"wg0.yaml", "wg0/peer-rzofnfj8xtey.yaml"}

    def test_two_addresses(self, keeper: Owner) -> None:
        assert add(keeper, {**FORM, "allowed_ips": ["10.7.0.10/32", "10.7.0.8/32"]}) == OK
        assert new(keeper)[0]["allowed_ip"] == "10.7.0.8/32, 10.7.0.10/32"

    def test_only_a_public_key(self, keeper: Owner) -> None:
        assert add(keeper, {**FORM, "private_key": ""}) == OK
        assert new(keeper)[0]["private_key"] == ""
        assert set(keeper.secret_files()) == {"wg0.key"}

    def test_the_interface_comes_up(self, keeper: Owner) -> None:
        keeper.get("toggleWireguardConfiguration", configurationName="wg0")
        assert "wg0" not in keeper.host.live
        assert add(keeper, FORM) == OK
        assert keeper.live(C_PUBLIC)
        assert keeper.info()["configurationInfo"]["Status"] is True

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"mtu": -1}, "MTU format is not correct."),
            ({"allowed_ips": ["10.7.0.1/32"]}, "This IP is not available: 10.7.0.1/32"),
            ({"bulkAdd": True, "bulkAddAmount": 0}, "Please specify amount of peers you want to add"),
        ],
    )
    def test_also_for_a_peer_that_is_refused(self, keeper: Owner, more: dict[str, Any], message: str) -> None:
        keeper.get("toggleWireguardConfiguration", configurationName="wg0")
        documents, secrets = keeper.documents(), keeper.secret_files()
        assert add(keeper, {**FORM, **more}) == refused(message)
        assert "wg0" in keeper.host.live
        assert new(keeper) == []
        assert (keeper.documents(), keeper.secret_files()) == (documents, secrets)

    def test_but_not_for_an_empty_form(self, keeper: Owner) -> None:
        keeper.get("toggleWireguardConfiguration", configurationName="wg0")
        assert add(keeper, {**FORM, "public_key": ""}) == refused("Please fill in all required box.")
        assert "wg0" not in keeper.host.live

    def test_one_of_each_version_of_ip(self, keeper: Owner) -> None:
        keeper.write("wg1.yaml", "address: [10.8.0.1/28, 'fd00:8::1/64']\n")
        assert add(keeper, {**FORM, "allowed_ips": ["10.8.0.3/32", "fd00:8::3/128"]}, "wg1") == OK
        assert keeper.info("wg1")["configurationPeers"][0]["allowed_ip"] == "10.8.0.3/32, fd00:8::3/128"

    @pytest.mark.parametrize("field", FORM)
    def test_a_box_of_the_form_that_is_missing_is_named(self, keeper: Owner, field: str) -> None:
        body = {each: value for each, value in FORM.items() if each != field}
        assert add(keeper, body) == refused(f"{field}: is missing")
        assert new(keeper) == []

    def test_unknown_configuration(self, keeper: Owner) -> None:
        assert add(keeper, FORM, "nope") == refused("Configuration does not exist")

    @pytest.mark.parametrize("more", [{"public_key": ""}, {"allowed_ips": []}, {"endpoint_allowed_ip": ""}])
    def test_an_empty_box(self, keeper: Owner, more: dict[str, Any]) -> None:
        assert add(keeper, {**FORM, **more}) == FILL_IN

    @pytest.mark.parametrize("number", [1, 3], ids=["active", "restricted"])
    def test_a_key_that_is_there(self, keeper: Owner, number: int) -> None:
        body = {**FORM, "private_key": "", "public_key": key(number)}
        assert add(keeper, body) == refused("This peer already exist.")

    @pytest.mark.parametrize(
        "address",
        [
            *("10.7.0.2/32", "10.7.0.3/32", "10.7.0.9/32", "10.7.0.1/32", "10.99.0.4/32", "10.7.0.0/28", "junk"),
            *("10.7.0.0/32", "10.7.0.255/32", "10.7.0.130/32", "fd00::2/128", "10.7.0.2", "", "10.7.0.4/24"),
        ],
    )
    def test_an_address_that_is_not_free(self, keeper: Owner, address: str) -> None:
        found = add(keeper, {**FORM, "allowed_ips": ["10.7.0.4/32", address]})
        assert found == refused(f"This IP is not available: {address}")

    def test_text_is_no_list(self, keeper: Owner) -> None:
        found = add(keeper, {**FORM, "allowed_ips": "10.7.0.4/32"})
        assert found == refused("This IP is not available: 1")

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"DNS": "nonsense"}, "DNS format is incorrect."),
            ({"endpoint_allowed_ip": "junk"}, "Endpoint Allowed IPs format is incorrect."),
            ({"mtu": 1461}, "MTU format is not correct."),
            ({"mtu": -1}, "MTU format is not correct."),
            ({"mtu": "x"}, "MTU format is not correct."),
            ({"mtu": True}, "MTU format is not correct."),
            ({"mtu": 1.5}, "MTU format is not correct."),
            ({"keepalive": -1}, "Persistent Keepalive format is not correct."),
            ({"keepalive": []}, "Persistent Keepalive format is not correct."),
            ({"preshared_key": "junk"}, "Invalid length key in key file"),
            ({"private_key": "junk"}, "Private key does not match with the public key."),
            ({"private_key": D_PRIVATE}, "Private key does not match with the public key."),
            (
                {"public_key": "not-a-key", "private_key": ""},
                "public_key: not a key (32 bytes in base64: 44 characters that end in '=')",
            ),
            ({"name": "a\nb"}, "name: contains a control character"),
            ({"name": "a" * 257}, "name: "),
            ({"name": 5}, "name: 5 is not text of at most 256 characters"),
            ({"allowed_ips": {"a": 1}}, "allowed_ips: a mapping is not a list of addresses"),
            ({"allowed_ips": [4]}, "allowed_ips.0: 4 is not an address"),
            ({"bulkAdd": "yes"}, "bulkAdd: 'yes' is not true or false"),
        ],
    )
    def test_refusals_leave_nothing_behind(self, keeper: Owner, more: dict[str, Any], message: str) -> None:
        found = add(keeper, {**FORM, **more})
        assert (found["status"], found["data"]) == (False, None)
        assert found["message"].startswith(message)
        assert new(keeper) == []
        assert set(keeper.secret_files()) == {"wg0.key"}

    def test_nothing_is_left_when_it_cannot_be_applied(self, keeper: Owner) -> None:
        keeper.host.failure = "wg0: no"
        assert add(keeper, FORM)["status"] is False
        assert (new(keeper), set(keeper.secret_files())) == ([], {"wg0.key"})

    def test_an_address_inside_the_network_of_another_interface(self, keeper: Owner) -> None:
        keeper.write("wg1.yaml", "address: 10.7.0.64/28\n")
        found = add(keeper, {**FORM, "allowed_ips": ["10.7.0.70/32"]})
        assert found["status"] is False
        assert "10.7.0.70/32 lies in 10.7.0.64/28, the network of wg1" in found["message"]

    def test_asks_for_credentials(self, keeper: Owner) -> None:
        assert Caller(keeper.app, ELSEWHERE).post("addPeers/wg0", FORM) == refused("Unauthorized access.")


class TestHabits:
    """What clients send that v4.0 did not take (DOMAIN, clients of the API)."""

    def test_only_a_name(self, keeper: Owner) -> None:
        assert add(keeper, {"name": "bob"}) == OK
        (found,) = new(keeper)
        assert public_key_of(SecretKey(found["private_key"])) == found["id"]
        expected = {
            **{"name": "bob", "allowed_ip": "10.7.0.4/32", "preshared_key": "", "DNS": "1.1.1.1"},
            **{"endpoint_allowed_ip": "0.0.0.0/0", "mtu": 1420, "keepalive": 21},
        }
        assert found.items() >= expected.items()
        assert set(keeper.document("wg0/bob.yaml")["client"]) == {"private_key"}, "defaults stay defaults"

    def test_nothing_at_all(self, keeper: Owner, settings: DashboardSettings) -> None:
        assert add(keeper, {}) == refused("bulkAdd: is missing")
        assert new(keeper) == []
        settings.set("compat", "v4.2")
        assert add(keeper, {})["status"] is True
        assert new(keeper)[0]["name"] == ""

    @pytest.mark.parametrize("addresses", [["10.7.0.5"], [" 10.7.0.5 "], ["10.7.0.5/32"]])
    def test_masks_left_out(self, keeper: Owner, addresses: list[str]) -> None:
        assert add(keeper, {**FORM, "allowed_ips": addresses}) == OK
        assert new(keeper)[0]["allowed_ip"] == "10.7.0.5/32"

    def test_numbers_as_text_and_unknown_fields(self, keeper: Owner) -> None:
        more = {"mtu": "1380", "keepalive": " 25 ", "telegram_id": 5, "status": "running"}
        assert add(keeper, {**FORM, **more}) == OK
        found = new(keeper)[0]
        assert (found["mtu"], found["keepalive"]) == (1380, 25)

    def test_only_the_private_key(self, keeper: Owner) -> None:
        assert add(keeper, {"private_key": C_PRIVATE}) == OK
        assert new(keeper)[0]["id"] == C_PUBLIC
        found = add(keeper, {"private_key": "junk"})
        assert found["message"].startswith("private_key: not a key")

    def test_null_is_nothing_said(self, keeper: Owner) -> None:
        body = {"name": None, "public_key": None, "allowed_ips": None, "mtu": None, "DNS": None}
        assert add(keeper, body) == OK

    def test_no_address_is_left(self, keeper: Owner) -> None:
        keeper.write("wg1.yaml", "address: 10.9.0.1/32\n")
        keeper.write("wg2.yaml", "listen_port: 5\n")
        for name in ("wg1", "wg2"):
            assert add(keeper, {"name": "bob"}, name) == refused("No more available IP can assign")

    def test_answers_with_the_peer_since_v4_1(self, keeper: Owner, settings: DashboardSettings) -> None:
        settings.set("compat", "v4.1")
        found = add(keeper, {"name": "bob", "public_key": "", "allowed_ips": []})
        assert (found["status"], found["message"], len(found["data"])) == (True, None, 1)
        expected = {"id": new(keeper)[0]["id"], "name": "bob", "allowed_ip": "10.7.0.4/32"}
        assert found["data"][0].items() >= expected.items()
        settings.set("compat", "v4.3")
        assert add(keeper, {"name": "eve", "mtu": "", "endpoint_allowed_ip": ""})["message"] == ""


BULK = {**FORM, "bulkAdd": True, "bulkAddAmount": 3, "private_key": "", "public_key": "", "allowed_ips": []}


class TestMany:
    def test_one_write_and_one_pass(self, keeper: Owner) -> None:
        before = len(keeper.host.passes)
        assert add(keeper, {**BULK, "DNS": "9.9.9.9", "mtu": "1300"}) == OK
        assert len(keeper.host.passes) == before + 1
        found = sorted(new(keeper), key=lambda each: str(each["name"]))
        assert [each["allowed_ip"] for each in found] == ["10.7.0.4/32", "10.7.0.5/32", "10.7.0.6/32"]
        for number, each in enumerate(found, 1):
            assert re.fullmatch(rf"BulkPeer #{number}_\d{{8}}_\d{{6}}", each["name"])
            assert public_key_of(SecretKey(each["private_key"])) == each["id"]
            assert SecretKey.parse(each["preshared_key"])
            assert (each["DNS"], each["mtu"]) == ("9.9.9.9", 1300)

    def test_only_the_amount(self, keeper: Owner) -> None:
        assert add(keeper, {"bulkAdd": True, "bulkAddAmount": "2"}) == OK
        assert len(new(keeper)) == 2

    def test_addresses_of_the_first_network_come_first(self, keeper: Owner) -> None:
        keeper.write("wg1.yaml", "address: [10.9.0.1/30, 'fd00::1/64']\n")
        assert add(keeper, BULK, "wg1") == OK
        found = {each["allowed_ip"] for each in keeper.info("wg1")["configurationPeers"]}
        assert found == {"10.9.0.2/32", "fd00::2/128", "fd00::3/128"}

    @pytest.mark.parametrize(
        ("amount", "message"),
        [
            (0, "Please specify amount of peers you want to add"),
            (-1, "Please specify amount of peers you want to add"),
            ("", "Please specify amount of peers you want to add"),
            ("x", "bulkAddAmount: 'x' is not a whole number"),
            (None, "bulkAddAmount: is missing"),
            (2.5, "bulkAddAmount: 2.5 is not a whole number"),
            (235, "The maximum number of peers can add is 234"),
            (10**8, "The maximum number of peers can add is 234"),
        ],
    )
    def test_amounts_that_cannot_be(self, keeper: Owner, amount: Any, message: str) -> None:
        assert add(keeper, {**BULK, "bulkAddAmount": amount}) == refused(message)
        assert new(keeper) == []

    def test_no_address_at_all(self, keeper: Owner) -> None:
        keeper.write("wg1.yaml", "listen_port: 5\n")
        keeper.write("wg2.yaml", "address: 10.9.0.1/32\n")
        assert add(keeper, BULK, "wg1") == refused("No more available IP can assign")
        assert add(keeper, BULK, "wg2") == refused("The maximum number of peers can add is 0")

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"endpoint_allowed_ip": ""}, "Please fill in all required box."),
            ({"mtu": 5000}, "MTU format is not correct."),
            ({"DNS": "localhost"}, "DNS format is incorrect."),
        ],
    )
    def test_bad_settings_add_nobody(self, keeper: Owner, more: dict[str, Any], message: str) -> None:
        assert add(keeper, {**BULK, **more}) == refused(message)
        assert new(keeper) == []

    def test_names_and_keys_of_v4_2(self, keeper: Owner, settings: DashboardSettings) -> None:
        settings.set("compat", "v4.2")
        found = add(keeper, {"bulkAdd": True, "bulkAddAmount": 2})
        assert len(found["data"]) == 2
        assert {each["preshared_key"] for each in found["data"]} == {""}
        assert all(re.fullmatch(r"BulkPeer_[12]_\d{8}_\d{6}", each["name"]) for each in found["data"])
        body = {"bulkAdd": True, "bulkAddAmount": 1, "preshared_key_bulkAdd": True}
        assert add(keeper, body)["data"][0]["preshared_key"]

    def test_unknown_configuration(self, keeper: Owner) -> None:
        assert add(keeper, BULK, "nope") == refused("Configuration does not exist")
        assert add(keeper, BULK, "nope") != answer(ok=True)
