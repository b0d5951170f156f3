"""A host on which WGDashboard ran until now: its clients notice nothing of the change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import bcrypt
import pyotp
import pytest

from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard.legacy import read_legacy
from wgreconcile.api.wgdashboard.takeover import Takeover
from wgreconcile.api.writes.transactions import Transactions
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import UsageError
from wgreconcile.values import generate_secret_key, public_key_of

from . import legacy
from .dashboard import ELSEWHERE, NOW, OK, Caller, Idle, answer
from .host import CASES, Owner

ANN = {"id": "ngwyfnCuoOCMM485JmGl3VcXt8eTobOgDejlBRsICn0="}
BOB = {"id": "sQKvMUg1O0AsA69N1740YyZfMesf4Sz8jWa5dY1jqTU="}
"""The peers of wg0's file."""
_EVE = generate_secret_key()
EVE = {"id": str(public_key_of(_EVE)), "private_key": _EVE.reveal(), "name": "eve", "allowed_ip": "10.7.0.9/32"}
"""One that is restricted, and so not in the file."""
PASSWORD = "their-old-password"
SECRET = "QU476O6FCX6AKPVXTICGR73MWBXJF533"
INI = {
    "Account": {
        "username": "boss",
        "password": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
        **{"enable_totp": "false", "totp_verified": "false", "totp_key": SECRET},
    },
    "Server": {
        **{"app_ip": "0.0.0.0", "app_port": "10086", "app_prefix": "", "auth_req": "true", "version": "v4.0.4"},
        **{"dashboard_refresh_interval": "5000", "dashboard_sort": "name", "dashboard_theme": "light"},
        "dashboard_api_key": "true",
    },
    "Peers": {
        **{"peer_global_dns": "9.9.9.9,1.1.1.1", "peer_endpoint_allowed_ip": "0.0.0.0/0,::/0", "peer_mtu": "1380"},
        **{"peer_keep_alive": "25", "remote_endpoint": "vpn.example.org", "peer_display_mode": "grid"},
    },
    "Other": {"welcome_session": "false"},
}
API_KEY = "WhTGNsKkBevQ4JUk4wHJsJGHlAKdVLNaTO_c1GPDsN0"
KEY = {"Key": API_KEY, "CreatedAt": "2026-11-23 03:12:57", "ExpiredAt": None}
TakeOver = Callable[..., Takeover]


@pytest.fixture
def old(keeper: Owner, tmp_path: Path) -> Owner:
    """The keeper of a host with the files of before."""
    for each in CASES.glob("*.conf"):
        shutil.copy(each, tmp_path / "conf")
    assert keeper.get("getWireguardConfigurations")["status"]
    return keeper


@pytest.fixture
def take_over(
    old: Owner,
    store: WarmStore,
    transactions: Transactions,
    runtime: Runtime,
    settings: DashboardSettings,
    tmp_path: Path,
) -> TakeOver:
    """Writes the folder with what is given, once, and takes it over."""

    def run(**given: Any) -> Takeover:
        folder = tmp_path / "legacy"
        if not folder.exists():
            legacy.write(folder, **{"ini": INI, **given})
        takeover = Takeover(read_legacy(folder), store, transactions, runtime, settings, old.clock())
        takeover.run()
        return takeover

    return run


@pytest.fixture
def take_over_alone(make_app: Any, runtime: Runtime, settings: DashboardSettings, tmp_path: Path) -> TakeOver:
    """As take_over, at a server that was never started."""

    def run(**given: Any) -> Takeover:
        (tmp_path / "state").mkdir(exist_ok=True)
        store = Store(tmp_path / "state")
        transactions = Transactions(store, Secrets(tmp_path / "secrets"), Idle())
        folder = legacy.write(tmp_path / "legacy", **given)
        takeover = Takeover(read_legacy(folder), store, transactions, runtime, settings, NOW)
        takeover.run()
        return takeover

    return run


@pytest.fixture
def app_without_account(make_app: Any) -> Any:
    """Until somebody takes one over."""
    return make_app()


def peers(old: Owner, kind: str = "configurationPeers") -> dict[str, Any]:
    found = old.get("getWireguardConfigurationInfo", configurationName="wg0")["data"][kind]
    return {each["id"]: each for each in found}


class TestPeers:
    def test_name_keys_and_settings(self, old: Owner, take_over: TakeOver) -> None:
        key = generate_secret_key()
        added = {"public_key": str(public_key_of(key)), "allowed_ips": ["10.7.0.4/32"], "name": ""}
        assert old.post("addPeers/wg0", added) == OK
        said = {"name": "phone", "private_key": key.reveal(), "DNS": "9.9.9.9", "mtu": 1380, "keepalive": 0}
        row = {
            **said,
            "id": added["public_key"],
            "endpoint_allowed_ip": "10.7.0.0/24",
            "allowed_ip": "10.7.0.4/32",
        }
        takeover = take_over(peers={"wg0": [ANN, BOB, row]})
        assert (takeover.done["peers"], takeover.notes) == (3, [])
        found = peers(old)[added["public_key"]]
        assert {name: found[name] for name in row} == row
        file = old.get("downloadPeer/wg0", id=row["id"])["data"]
        assert file["fileName"] == "phone_wg0"
        assert f"PrivateKey = {key.reveal()}\nAddress = 10.7.0.4/32\nMTU = 1380\nDNS = 9.9.9.9\n" in file["file"]

    def test_empty_columns_say_nothing_but_for_name_servers(self, old: Owner, take_over: TakeOver) -> None:
        empty = {"DNS": None, "endpoint_allowed_ip": None, "mtu": None, "keepalive": "", "name": None}
        assert take_over(peers={"wg0": [{**ANN, **empty}]}).done["peers"] == 1
        found = peers(old)[ANN["id"]]
        assert (found["DNS"], found["endpoint_allowed_ip"], found["mtu"]) == (
            "",
            "0.0.0.0/0,::/0".replace(",", ", "),
            1380,
        )
        assert found["name"] == "laptop of ann", "which is in the file"

    def test_restricted_ones_come_back_as_they_were(self, old: Owner, take_over: TakeOver) -> None:
        psk = generate_secret_key().reveal()
        assert take_over(restricted={"wg0": [{**EVE, "preshared_key": psk}]}, peers={}).done["peers"] == 1
        found = peers(old, "configurationRestrictedPeers")[EVE["id"]]
        assert {name: found[name] for name in EVE} == EVE
        assert old.post("allowAccessPeers/wg0", {"peers": [EVE["id"]]})["status"]
        assert peers(old)[EVE["id"]]["preshared_key"] == psk

    def test_what_cannot_be_taken_over_is_told_without_keys(self, old: Owner, take_over: TakeOver) -> None:
        other = generate_secret_key().reveal()
        rows = [{**ANN, "private_key": other, "mtu": 9000}, {"id": EVE["id"], "name": "gone"}]
        takeover = take_over(
            peers={"wg0": rows, "wgold": [ANN]}, restricted={"wg0": [{**EVE, "allowed_ip": "junk"}]}
        )
        assert takeover.notes == [
            f"wg0: peer {ANN['id']}: mtu: MTU format is not correct.",
            f"wg0: peer {ANN['id']}: private_key: Private key does not match with the public key.",
            f"wg0: peer {EVE['id']}: is not in the configuration file",
            f"wg0: peer {EVE['id']}: allowed_ip: Unable to parse IP address: `junk'",
            "wgold: is no interface of the state",
        ]
        assert other not in str(takeover)
        assert peers(old)[ANN["id"]]["private_key"] == ""

    def test_what_breaks_a_rule_takes_nothing_else_with_it(self, old: Owner, take_over: TakeOver) -> None:
        taken = {**EVE, "allowed_ip": "10.7.0.2/32"}
        takeover = take_over(restricted={"wg0": [taken]}, peers={"wg0": [{**ANN, "name": "x"}]}, keys=[KEY])
        assert takeover.done["API keys"] == 1
        assert len(peers(old)) == 2

    def test_jobs(self, old: Owner, take_over: TakeOver) -> None:
        job = {
            **{"JobID": "11111111-1111-4111-8111-111111111111", "Configuration": "wg0", "Peer": ANN["id"]},
            **{"Field": "total_data", "Operator": "lgt", "Value": "10", "Action": "restrict"},
            **{"CreationDate": "2026-11-23 03:12:57", "ExpireDate": None},
        }
        over = {**job, "JobID": "2", "ExpireDate": "2026-11-23 03:12:57"}
        broken = {**job, "JobID": "3", "Value": "lots"}
        takeover = take_over(peers={"wg0": [ANN]}, jobs=[job, over, broken, {**job, "JobID": "4", "Peer": "x"}])
        assert peers(old)[ANN["id"]]["jobs"] == [job]
        assert f"wg0: peer {ANN['id']}: job: Value: 'lots' is not a number of GiB" in takeover.notes


def test_usage_goes_on(old: Owner, take_over: TakeOver) -> None:
    row = {**ANN, "total_receive": 0.5, "total_sent": 0.25, "cumu_receive": 2.0, "cumu_sent": 1.0}
    old.send("GET", "/api/toggleWireguardConfiguration/?configurationName=wg0")
    assert take_over(peers={"wg0": [row, BOB]}).done["usage"] == 1
    old.host.connect("wg0", ANN["id"], rx_bytes=2**30, tx_bytes=2**29)
    old.host.sample(old.runtime)
    found = peers(old)[ANN["id"]]
    assert (found["total_receive"] + found["cumu_receive"], found["total_sent"] + found["cumu_sent"]) == (3.0, 1.5)


class TestAccess:
    def test_links_stay_good(self, old: Owner, take_over: TakeOver) -> None:
        future = datetime.fromtimestamp(old.clock() + 60).strftime("%Y-%m-%d %H:%M:%S")
        link = {"Configuration": "wg0", "Peer": ANN["id"], "ExpireDate": None}
        links = [
            {**link, "ShareID": "e82f2a38-7996-4905-8dc7-b57b00f605cf"},
            {**link, "ShareID": "e1bff3d7-09de-4b87-aa86-0e2dcaaa2e74", "ExpireDate": "2020-01-01 00:00:00"},
            {**link, "ShareID": "1610def8-3a01-44a8-b150-062521a3c6b3", "ExpireDate": future, "Peer": BOB["id"]},
            {**link, "ShareID": "064509e0-5180-498a-8f27-0879f727f0e7", "Peer": EVE["id"]},
        ]
        assert take_over(peers={"wg0": [ANN, BOB]}, links=links).done["share links"] == 2
        good = [Caller(old.app).get("sharePeer/get", ShareID=each["ShareID"])["status"] for each in links]
        assert good == [True, False, True, False]
        assert peers(old)[BOB["id"]]["ShareLink"] == [links[2]]

    def test_programs_keep_their_keys(self, old: Owner, take_over: TakeOver) -> None:
        expired = {"Key": "expired", "CreatedAt": "2020-01-01 00:00:00", "ExpiredAt": "2020-01-02 00:00:00"}
        assert take_over(keys=[KEY, expired]).done["API keys"] == 1
        assert Caller(old.app, ELSEWHERE, {"wg-dashboard-apikey": API_KEY}).get("handshake") == OK
        assert old.get("getDashboardAPIKeys") == answer(data=[KEY], ok=True)

    def test_an_account_that_somebody_has_set_up_stays(self, old: Owner, take_over: TakeOver) -> None:
        old.runtime.accounts.set_password("chosen-by-hand")
        assert "account: there is one already, which stays" in take_over().notes
        assert not Caller(old.app).sign_in("boss", PASSWORD)["status"]


@pytest.mark.parametrize("totp", [False, True])
def test_account(app_without_account: Any, runtime: Runtime, take_over_alone: TakeOver, totp: bool) -> None:
    account = {**INI["Account"], "enable_totp": str(totp).lower(), "totp_verified": str(totp).lower()}
    assert take_over_alone(ini={**INI, "Account": account}).done["account"] == 1
    caller = Caller(app_without_account, ELSEWHERE)
    assert caller.get("isTotpEnabled")["data"] is totp
    assert caller.sign_in("boss", PASSWORD)["status"] is not totp
    if totp:
        now = pyotp.TOTP(SECRET).at(int(NOW))
        assert caller.sign_in("boss", PASSWORD, totp=now) == answer(False, ok=True), "no welcome page either"
    assert not Caller(app_without_account).sign_in("admin", "admin")["status"]


def test_account_that_nobody_has_set_up(runtime: Runtime, take_over_alone: TakeOver) -> None:
    takeover = take_over_alone(ini={**INI, "Other": {"welcome_session": "true"}})
    assert takeover.notes == ["account: nobody has chosen a password yet"]
    assert runtime.accounts.get() is None


class TestSettings:
    def test_those_that_differ(self, take_over: TakeOver, settings: DashboardSettings) -> None:
        take_over()
        now = settings.get()
        assert (now.page.theme, now.page.sort, now.page.refresh_interval) == ("light", "name", 5000)
        assert (now.peers.dns, now.peers.mtu) == (("9.9.9.9", "1.1.1.1"), 1380)
        assert (now.peers.allowed_ips, now.peers.persistent_keepalive) == (("0.0.0.0/0", "::/0"), 25)
        assert (now.server.address, now.server.api_keys, now.server.auth_required) == ("0.0.0.0", True, True)
        assert now.peers.endpoint == "192.0.2.10", "it was set here, and stays"

    def test_what_is_no_good_is_told(self, take_over: TakeOver, settings: DashboardSettings) -> None:
        wrong = {**INI, "Server": {"auth_req": "false", "app_port": "many"}, "Peers": {"peer_global_dns": "dns"}}
        notes = take_over(ini=wrong).notes
        assert any(each.startswith("app_port: ") for each in notes)
        assert "peer_global_dns: 'dns' does not appear to be an IPv4 or IPv6 address" in notes
        assert any(each.startswith("auth_req: ") for each in notes)
        assert settings.get().server.auth_required


def test_once_more_changes_nothing(old: Owner, take_over: TakeOver) -> None:
    row = {**ANN, "cumu_sent": 1.0, "name": "ann"}
    link = {"ShareID": "e82f2a38-7996-4905-8dc7-b57b00f605cf", "Configuration": "wg0", "Peer": ANN["id"]}
    take_over(peers={"wg0": [row, BOB]}, restricted={"wg0": [EVE]}, keys=[KEY], links=[link])
    before = old.get("getWireguardConfigurationInfo", configurationName="wg0")
    again = take_over()
    assert again.done == {}
    assert old.get("getWireguardConfigurationInfo", configurationName="wg0") == before


class TestFolder:
    def test_names_are_on_one_line(self, tmp_path: Path) -> None:
        rows = [{**ANN, "name": "ann's\nphone\x00 "}, {**BOB, "name": None}]
        folder = legacy.write(tmp_path / "src", ini=INI, peers={"wg0": rows})
        assert read_legacy(folder).names == {ANN["id"]: "ann's phone"}

    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"wg-dashboard\.ini: No such file"):
            read_legacy(tmp_path)

    def test_no_ini(self, tmp_path: Path) -> None:
        (tmp_path / "wg-dashboard.ini").write_text("nonsense")
        with pytest.raises(UsageError, match="cannot be read as an ini file"):
            read_legacy(tmp_path)

    def test_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "wg-dashboard.ini").write_text("[Server]\n")
        with pytest.raises(UsageError, match=r"db: unable to open database file; stop WGDashboard"):
            read_legacy(tmp_path)

    def test_is_not_written_to(self, take_over: TakeOver, tmp_path: Path) -> None:
        take_over(peers={"wg0": [ANN]})
        files = {each: each.read_bytes() for each in (tmp_path / "legacy").rglob("*") if each.is_file()}
        take_over()
        assert {each: each.read_bytes() for each in (tmp_path / "legacy").rglob("*") if each.is_file()} == files
