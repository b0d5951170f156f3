"""Change and reset peers (API.md 6.2, updatePeerSettings and resetPeerData)."""

from __future__ import annotations

from typing import Any

import pytest

from wgreconcile.values import SecretKey

from .dashboard import ELSEWHERE, OK, Caller, refused
from .host import Owner, endpoint, key

C_PRIVATE = "CBYzCFqXhI51UcvJRjkea85e2fxm2kdc2dd/U7oh+Xo="
C_PUBLIC = "VyJeoQLVuOoorbtn04/tOSEJRvG/44+WMkNngvFXKCU="
D_PRIVATE = "ALrhqDYnq2dkEBdgf/ssvO8cGhLNCczAO4wB++tJhG8="
PSK = "/c5a9kveo6ESgOsR+pQNivM5E5mL+kIV4Cyqafunsm4="
STATE = """\
address: 10.7.0.1/24
listen_port: 51820
peers:
  - {name: ann, public_key: $KEY1, allowed_ips: 10.7.0.2}   # since spring
  - {public_key: $KEY2, allowed_ips: [10.7.0.3, 192.168.77.0/24], x-owner: bob}
  - {public_key: $KEY3, allowed_ips: 10.7.0.9, enabled: false}
"""
FORM: dict[str, Any] = {
    "id": C_PUBLIC,
    "name": "phone c2",
    "private_key": C_PRIVATE,
    "DNS": "9.9.9.9",
    "allowed_ip": "10.7.0.4/32",
    "endpoint_allowed_ip": "10.7.0.0/24",
    "preshared_key": "",
    "mtu": 1380,
    "keepalive": 25,
}
GIB = 1024**3


@pytest.fixture(autouse=True)
def state(keeper: Owner) -> None:
    keeper.write("wg0.yaml", STATE)
    keeper.write(
        "wg0/c.yaml", f"# the phone\npublic_key: {C_PUBLIC}\nname: phone c  # old\nallowed_ips: 10.7.0.4\n"
    )
    keeper.up()


def update(keeper: Owner, **more: Any) -> Any:
    return keeper.post("updatePeerSettings/wg0", {**FORM, **more})


class TestUpdate:
    def test_all_settings(self, keeper: Owner) -> None:
        assert update(keeper) == OK
        expected = {
            **{"name": "phone c2", "private_key": C_PRIVATE, "DNS": "9.9.9.9", "allowed_ip": "10.7.0.4/32"},
            **{"endpoint_allowed_ip": "10.7.0.0/24", "preshared_key": "", "mtu": 1380, "keepalive": 25},
        }
        assert keeper.peer(C_PUBLIC).items() >= expected.items()
        text = (keeper.store.state / "wg0/c.yaml").read_text()
        assert text.startswith(
            f"# the phone\npublic_key: {C_PUBLIC}\nname: phone c2  # old\nallowed_ips: 10.7.0.4\n"
        )

    def test_a_peer_in_the_interfaces_own_document(self, keeper: Owner) -> None:
        body = {"id": key(2), "private_key": "", "allowed_ip": "10.7.0.3/32, 192.168.78.0/24"}
        assert update(keeper, **body) == OK
        assert keeper.peer(key(2))["allowed_ip"] == "10.7.0.3/32, 192.168.78.0/24"
        text = (keeper.store.state / "wg0.yaml").read_text()
        assert "allowed_ips: 10.7.0.2}   # since spring" in text
        assert keeper.document("wg0.yaml")["peers"][1]["x-owner"] == "bob"

    def test_the_answer_after_it_is_up_to_date(self, keeper: Owner) -> None:
        update(keeper, name="new name")
        found = keeper.get("downloadPeer/wg0", id=C_PUBLIC)["data"]
        assert found["fileName"] == "newname_wg0"

    @pytest.mark.parametrize(
        ("more", "shown"),
        [
            ({"name": ""}, {"name": ""}),
            ({"name": "a/b:c.d nul"}, {"name": "a/b:c.d nul"}),
            ({"name": "../../x"}, {"name": "../../x"}),
            ({"name": "\"'; touch /tmp/x"}, {"name": "\"'; touch /tmp/x"}),
            ({"private_key": ""}, {"private_key": ""}),
            ({"DNS": ""}, {"DNS": ""}),
            ({"DNS": "1.1.1.1, 8.8.8.8"}, {"DNS": "1.1.1.1, 8.8.8.8"}),
            ({"DNS": "dns.example.org"}, {"DNS": "dns.example.org"}),
            ({"DNS": "2620:fe::fe"}, {"DNS": "2620:fe::fe"}),
            ({"allowed_ip": "10.7.0.4/32, 172.16.5.0/24"}, {"allowed_ip": "10.7.0.4/32, 172.16.5.0/24"}),
            ({"allowed_ip": ""}, {"allowed_ip": "N/A"}),
            ({"allowed_ip": "10.7.0.4"}, {"allowed_ip": "10.7.0.4/32"}),
            ({"endpoint_allowed_ip": "::/0"}, {"endpoint_allowed_ip": "::/0"}),
            ({"endpoint_allowed_ip": "0.0.0.0/0, ::/0"}, {"endpoint_allowed_ip": "0.0.0.0/0, ::/0"}),
            ({"mtu": 0}, {"mtu": 0}),
            ({"mtu": 1}, {"mtu": 1}),
            ({"mtu": 575}, {"mtu": 575}),
            ({"mtu": "1400"}, {"mtu": 1400}),
            ({"keepalive": 0}, {"keepalive": 0}),
            ({"keepalive": "5"}, {"keepalive": 5}),
            ({"keepalive": 99999}, {"keepalive": 65535}),
            ({"preshared_key": PSK}, {"preshared_key": PSK}),
            ({"extra": 1, "status": "running"}, {}),
        ],
    )
    def test_good_values(self, keeper: Owner, more: dict[str, Any], shown: dict[str, Any]) -> None:
        assert update(keeper, **more) == OK
        assert keeper.peer(C_PUBLIC).items() >= shown.items()
        assert update(keeper) == OK
        assert keeper.peer(C_PUBLIC)["name"] == "phone c2"

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"id": ""}, "Peer does not exist"),
            ({"id": "nope"}, "Peer does not exist"),
            ({"id": key(3)}, "Peer does not exist"),
            ({"private_key": "junk"}, "Private key does not match with the public key."),
            ({"private_key": D_PRIVATE}, "Private key does not match with the public key."),
            ({"DNS": "1.1.1"}, "DNS format is incorrect."),
            ({"DNS": "localhost"}, "DNS format is incorrect."),
            ({"DNS": "1.1.1.1,"}, "DNS format is incorrect."),
            ({"DNS": "Upper.example"}, "DNS format is incorrect."),
            ({"DNS": "a b.example"}, "DNS format is incorrect."),
            ({"allowed_ip": "10.7.0.2/32"}, "Allowed IP already taken by another peer."),
            ({"allowed_ip": "10.7.0.3/32, 10.7.0.4/32"}, "Allowed IP already taken by another peer."),
            ({"allowed_ip": "10.7.0.9/32"}, "Allowed IP already taken by another peer."),
            ({"allowed_ip": "junk"}, "Unable to parse IP address: `junk'"),
            ({"allowed_ip": D_PRIVATE}, "Unable to parse IP address: `(key)'"),
            ({"allowed_ip": "10.7.0.4/32;reboot"}, "Unable to parse IP address: `10.7.0.4/32;reboot'"),
            ({"endpoint_allowed_ip": ""}, "Endpoint Allowed IPs format is incorrect."),
            ({"endpoint_allowed_ip": "junk"}, "Endpoint Allowed IPs format is incorrect."),
            ({"endpoint_allowed_ip": "10.0.0.0/8, junk"}, "Endpoint Allowed IPs format is incorrect."),
            ({"endpoint_allowed_ip": "300.0.0.0/8"}, "Endpoint Allowed IPs format is incorrect."),
            ({"endpoint_allowed_ip": "10.0.0.1"}, "Endpoint Allowed IPs format is incorrect."),
            ({"mtu": 1461}, "MTU format is not correct."),
            ({"mtu": -1}, "MTU format is not correct."),
            ({"mtu": None}, "MTU format is not correct."),
            ({"mtu": ""}, "MTU format is not correct."),
            ({"keepalive": -1}, "Persistent Keepalive format is not correct."),
            ({"keepalive": None}, "Persistent Keepalive format is not correct."),
            ({"preshared_key": "junk"}, "Invalid length key in key file"),
            ({"name": "a\x00b"}, "name: contains a control character"),
            ({"allowed_ip": "10.7.0.4/32\n"}, "allowed_ip: contains a control character"),
            ({"id": 5}, "id: 5 is not a public key"),
        ],
    )
    def test_refusals_change_nothing(self, keeper: Owner, more: dict[str, Any], message: str) -> None:
        before = keeper.info(), keeper.secret_files()
        assert update(keeper, **more) == refused(message)
        assert (keeper.info(), keeper.secret_files()) == before

    @pytest.mark.parametrize("field", FORM)
    def test_a_missing_field_is_named(self, keeper: Owner, field: str) -> None:
        body = {each: value for each, value in FORM.items() if each != field}
        assert keeper.post("updatePeerSettings/wg0", body) == refused(f"{field}: is missing")

    def test_the_first_fault_is_v4_0s_first(self, keeper: Owner) -> None:
        wrong = {"allowed_ip": "junk", "endpoint_allowed_ip": "junk", "DNS": "junk", "mtu": -1, "keepalive": -1}
        wrong |= {"private_key": "junk", "preshared_key": "junk"}
        order = [
            ("endpoint_allowed_ip", "Endpoint Allowed IPs format is incorrect."),
            ("DNS", "DNS format is incorrect."),
            ("mtu", "MTU format is not correct."),
            ("keepalive", "Persistent Keepalive format is not correct."),
            ("private_key", "Private key does not match with the public key."),
            ("preshared_key", "Invalid length key in key file"),
            ("allowed_ip", "Unable to parse IP address: `junk'"),
        ]
        for field, message in order:
            assert update(keeper, **wrong) == refused(message)
            del wrong[field]

    def test_unknown_configuration(self, keeper: Owner) -> None:
        assert keeper.post("updatePeerSettings/nope", FORM) == refused("Peer does not exist")

    def test_preshared_key_comes_and_goes_live_and_in_the_folder(self, keeper: Owner) -> None:
        other = "qDP/ZdaCpUkmaCbWFbM2gG55SmXHn9SNS0KwkDXrxXQ="
        for text in (PSK, PSK, other, "", PSK):
            assert update(keeper, preshared_key=text) == OK
            live = keeper.live(C_PUBLIC)
            assert live is not None
            assert live.preshared_key == (SecretKey(text) if text else None)
            kept = [each for name, each in keeper.secret_files().items() if name.endswith(".psk")]
            assert kept == ([text] if text else [])
            assert keeper.peer(C_PUBLIC)["preshared_key"] == text

    def test_a_name_that_goes_and_comes(self, keeper: Owner) -> None:
        assert update(keeper, name="") == OK
        assert (keeper.peer(C_PUBLIC)["name"], keeper.documents()) == (
            "",
            {"wg0.yaml", "wg0/peer-vyjeoqlvuooo.yaml"},
        )
        assert update(keeper, name="back") == OK
        assert keeper.peer(C_PUBLIC)["name"] == "back"

    def test_the_interface_comes_up(self, keeper: Owner) -> None:
        keeper.get("toggleWireguardConfiguration", configurationName="wg0")
        assert update(keeper) == OK
        assert "wg0" in keeper.host.live

    def test_also_for_a_change_that_is_refused(self, keeper: Owner) -> None:
        before = keeper.peer(C_PUBLIC)["mtu"]
        keeper.get("toggleWireguardConfiguration", configurationName="wg0")
        assert update(keeper, id=key(3)) == refused("Peer does not exist")
        assert "wg0" not in keeper.host.live
        assert update(keeper, mtu=-1) == refused("MTU format is not correct.")
        assert "wg0" in keeper.host.live
        assert keeper.peer(C_PUBLIC)["mtu"] == before

    def test_the_same_again_needs_no_pass(self, keeper: Owner) -> None:
        update(keeper)
        before = {each.name: each.read_bytes() for each in keeper.store.state.rglob("*.yaml")}
        assert update(keeper) == OK
        assert {each.name: each.read_bytes() for each in keeper.store.state.rglob("*.yaml")} == before

    def test_asks_for_credentials(self, keeper: Owner) -> None:
        assert Caller(keeper.app, ELSEWHERE).post("updatePeerSettings/wg0", FORM)["status"] is False


class TestReset:
    @pytest.fixture(autouse=True)
    def used(self, keeper: Owner) -> None:
        keeper.host.connect("wg0", key(1), rx_bytes=GIB, tx_bytes=2 * GIB, endpoint=endpoint("192.0.2.1:1"))
        keeper.host.sample(keeper.runtime, "first")
        keeper.host.connect("wg0", key(1), rx_bytes=GIB // 2, tx_bytes=GIB)
        keeper.host.sample(keeper.runtime, "second")

    def reset(self, keeper: Owner, kind: Any, number: int = 1) -> Any:
        return keeper.post("resetPeerData/wg0", {"id": key(number), "type": kind})

    def counters(self, keeper: Owner) -> list[float]:
        found = keeper.peer(key(1))
        return [found[f"{kind}_{each}"] for kind in ("total", "cumu") for each in ("receive", "sent", "data")]

    def test_totals_of_this_life_and_of_earlier_ones(self, keeper: Owner) -> None:
        assert self.counters(keeper) == [0.5, 1.0, 1.5, 1.0, 2.0, 3.0]

    @pytest.mark.parametrize(
        ("kind", "left"),
        [
            ("total", [0.0] * 6),
            ("receive", [0.0, 1.0, 1.0, 0.0, 2.0, 2.0]),
            ("sent", [0.5, 0.0, 0.5, 1.0, 0.0, 1.0]),
        ],
    )
    def test_it_stays_reset(self, keeper: Owner, kind: str, left: list[float]) -> None:
        assert self.reset(keeper, kind) == OK
        assert self.counters(keeper) == left
        keeper.host.sample(keeper.runtime, "second")
        assert self.counters(keeper) == left

    def test_also_what_no_round_has_counted_yet(self, keeper: Owner) -> None:
        keeper.host.connect("wg0", key(1), rx_bytes=7 * GIB)
        assert self.reset(keeper, "total") == OK
        keeper.host.sample(keeper.runtime, "second")
        assert self.counters(keeper) == [0.0] * 6

    def test_a_peer_that_was_never_there_stays_unknown(self, keeper: Owner) -> None:
        keeper.write("wg0/new.yaml", "public_key: $KEY4\n")
        keeper.up()
        assert self.reset(keeper, "total", 4) == OK
        assert keeper.peer(key(4))["endpoint"] == "N/A"

    @pytest.mark.parametrize("kind", ["junk", "", None])
    def test_other_types(self, keeper: Owner, kind: Any) -> None:
        assert self.reset(keeper, kind) == refused(None)
        assert self.counters(keeper)[0] == 0.5

    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("wg0", {"id": "", "type": "total"}),
            ("wg0", {"id": "nope", "type": "total"}),
            ("wg0", {"id": key(3), "type": "total"}),
            ("nope", {"id": key(1), "type": "total"}),
        ],
    )
    def test_unknown(self, keeper: Owner, name: str, body: dict[str, str]) -> None:
        assert keeper.post(f"resetPeerData/{name}", body) == refused("Configuration/Peer does not exist")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"id": key(1)}, "type: is missing"),
            ({"type": "total"}, "id: is missing"),
            ({"id": [], "type": "total"}, "id: a list is not a public key"),
            ({"id": key(1), "type": 5}, "type: 5 is not one of total, receive, sent"),
        ],
    )
    def test_names_the_field(self, keeper: Owner, body: dict[str, Any], message: str) -> None:
        assert keeper.post("resetPeerData/wg0", body) == refused(message)
