"""Delete, restrict and allow peers (API.md 6.3)."""

from __future__ import annotations

from typing import Any

import pytest

from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.api.wgdashboard.job_objects import REMOVED

from .dashboard import ELSEWHERE, Caller, answer, refused
from .host import Owner, key

STATE = """\
address: 10.7.0.1/24
listen_port: 51820
peers:
  - {public_key: $KEY1, allowed_ips: 10.7.0.2}
  - {public_key: $KEY2, allowed_ips: [10.7.0.3, 192.168.77.0/24]}
"""
CALLS = ["deletePeers", "restrictPeers", "allowAccessPeers"]
GIB = 1024**3


@pytest.fixture(autouse=True)
def state(keeper: Owner) -> None:
    keeper.write("wg0.yaml", STATE)
    for number in (3, 4):
        keeper.write(f"wg0/p{number}.yaml", f"public_key: $KEY{number}\nallowed_ips: 10.7.0.{number + 1}\n")
    keeper.up()


def call(keeper: Owner, verb: str, *peers: Any) -> Any:
    keys = [key(each) if isinstance(each, int) else each for each in peers]
    return keeper.post(f"{verb}/wg0", {"peers": keys})


def done(message: str) -> dict[str, Any]:
    return answer(message, ok=True)


def shown(keeper: Owner) -> tuple[list[int], list[int]]:
    """The numbers of the active and of the restricted peers."""
    numbers = {str(key(each)): each for each in range(1, 9)}
    found = keeper.info()
    active = sorted(numbers[each["id"]] for each in found["configurationPeers"])
    return active, sorted(numbers[each["id"]] for each in found["configurationRestrictedPeers"])


class TestDelete:
    def test_from_both_places(self, keeper: Owner) -> None:
        assert call(keeper, "deletePeers", 2, 3) == done("Deleted 2 peer(s)")
        assert shown(keeper) == ([1, 4], [])
        assert keeper.documents() == {"wg0.yaml", "wg0/p4.yaml"}
        assert [each["public_key"] for each in keeper.document("wg0.yaml")["peers"]] == [key(1)]
        assert keeper.live(key(2)) is None

    def test_a_restricted_one(self, keeper: Owner) -> None:
        call(keeper, "restrictPeers", 1)
        assert call(keeper, "deletePeers", 1) == done("Deleted 1 peer(s)")
        assert shown(keeper) == ([2, 3, 4], [])

    @pytest.mark.parametrize(
        ("peers", "count"), [(["nope"], 0), ([3, "nope"], 1), ([3, 3], 1), ([""], 0), (["../../etc/passwd"], 0)]
    )
    def test_unknown_keys_count_neither_way(self, keeper: Owner, peers: list[Any], count: int) -> None:
        message = f"Deleted {count} peer(s) successfully. Failed to delete 0 peer(s)"
        assert call(keeper, "deletePeers", *peers) == refused(message)
        assert (3 in shown(keeper)[0]) is (count == 0)

    def test_text_is_nobodys_key(self, keeper: Owner) -> None:
        found = keeper.post("deletePeers/wg0", {"peers": key(3)})
        assert found == refused("Deleted 0 peer(s) successfully. Failed to delete 0 peer(s)")
        assert shown(keeper) == ([1, 2, 3, 4], [])

    def test_usage_links_and_jobs_go_with_it(self, keeper: Owner) -> None:
        job = {"Configuration": "wg0", "Peer": key(3), "Field": "date", "Operator": "lgt", "JobID": "j"}
        job |= {"Value": "2099-01-01 00:00:00", "Action": "restrict", "CreationDate": ""}
        assert keeper.post("savePeerScheduleJob/", {"Job": job})["status"]
        link = keeper.post("sharePeer/create", {"Configuration": "wg0", "Peer": key(3)})["data"][0]["ShareID"]
        keeper.host.connect("wg0", key(3), rx_bytes=GIB)
        keeper.host.sample(keeper.runtime)
        call(keeper, "deletePeers", 3)
        assert keeper.get("sharePeer/get", ShareID=link) == refused("This link is either expired to invalid")
        log = keeper.get("getPeerScheduleJobLogs/wg0")["data"]
        assert (log[0]["JobID"], log[0]["Message"]) == ("j", "Job is removed due to being deleted or finshed.")
        keeper.post("addPeers/wg0", {"public_key": key(3)})
        found = keeper.peer(key(3))
        assert (found["total_receive"], found["cumu_receive"]) == (0.0, 0.0)
        assert (found["jobs"], found["ShareLink"]) == ([], [])

    def test_keys_in_the_folder_go_with_it(self, keeper: Owner) -> None:
        keeper.post("addPeers/wg0", {"bulkAdd": True, "bulkAddAmount": 1})
        (new,) = (each for each in keeper.info()["configurationPeers"] if each["private_key"])
        assert len(keeper.secret_files()) == 3
        call(keeper, "deletePeers", new["id"])
        assert set(keeper.secret_files()) == {"wg0.key"}

    def test_a_thousand_at_once(self, keeper: Owner) -> None:
        keeper.write("wg1.yaml", "address: 10.8.0.1/16\n")
        keeper.post("addPeers/wg1", {"bulkAdd": True, "bulkAddAmount": 300})
        keys = [each["id"] for each in keeper.info("wg1")["configurationPeers"]]
        before = len(keeper.host.passes)
        assert keeper.post("deletePeers/wg1", {"peers": keys}) == done("Deleted 300 peer(s)")
        assert len(keeper.host.passes) == before + 1


class TestRestrict:
    def test_off_the_interface_and_kept(self, keeper: Owner) -> None:
        assert call(keeper, "restrictPeers", 1, 3) == done("Restricted 2 peer(s)")
        assert shown(keeper) == ([2, 4], [1, 3])
        assert keeper.live(key(1)) is None
        assert keeper.document("wg0/p3.yaml")["enabled"] is False
        assert keeper.peer(key(1))["status"] == "stopped"

    @pytest.mark.parametrize(("peers", "count"), [(["nope"], 0), ([1, "nope"], 1), ([4], 0)])
    def test_unknown_and_restricted_ones_do_not_count(self, keeper: Owner, peers: list[Any], count: int) -> None:
        call(keeper, "restrictPeers", 4)
        message = f"Restricted {count} peer(s) successfully. Failed to restrict 0 peer(s)"
        assert call(keeper, "restrictPeers", *peers) == refused(message)

    def test_usage_of_the_last_seconds_is_kept(self, keeper: Owner) -> None:
        keeper.host.connect("wg0", key(1), rx_bytes=GIB)
        keeper.host.connect("wg0", key(2), rx_bytes=GIB)
        call(keeper, "restrictPeers", 1)
        assert [keeper.peer(key(each))["total_receive"] for each in (1, 2)] == [1.0, 0.0]

    def test_other_calls_do_not_see_it(self, keeper: Owner) -> None:
        call(keeper, "restrictPeers", 1)
        gone = refused("Configuration or peer does not exist")
        assert keeper.get("downloadPeer/wg0", id=key(1)) == gone
        assert [each["fileName"] for each in keeper.get("downloadAllPeers/wg0")["data"]] == [
            *("0_UntitledPeer_wg0", "p3_wg0", "p4_wg0"),
        ]


class TestAllow:
    def test_back_on_the_interface_with_all_addresses(self, keeper: Owner) -> None:
        call(keeper, "restrictPeers", 2, 3)
        assert call(keeper, "allowAccessPeers", 2, 3) == done("Allow access successfully!")
        assert shown(keeper) == ([1, 2, 3, 4], [])
        live = keeper.live(key(2))
        assert live is not None
        assert set(live.allowed_ips) == {"10.7.0.3/32", "192.168.77.0/24"}
        assert "enabled" not in keeper.document("wg0/p3.yaml")

    @pytest.mark.parametrize("peer", [1, "nope"])
    def test_one_that_is_not_restricted(self, keeper: Owner, peer: Any) -> None:
        name = key(peer) if isinstance(peer, int) else peer
        assert call(keeper, "allowAccessPeers", peer) == refused(f"Failed to allow access of peer {name}")
        assert call(keeper, "deletePeers", 1) == done("Deleted 1 peer(s)"), "as some clients do right after it"

    def test_those_before_it_are_done(self, keeper: Owner) -> None:
        call(keeper, "restrictPeers", 2, 3, 4)
        found = call(keeper, "allowAccessPeers", 2, "nope", 3)
        assert found == refused("Failed to allow access of peer nope")
        assert shown(keeper) == ([1, 2], [3, 4])

    def test_one_that_has_expired(self, keeper: Owner) -> None:
        keeper.write("wg0/p3.yaml", "public_key: $KEY3\nallowed_ips: 10.7.0.4\nexpires: 2020-01-01\n")
        assert shown(keeper) == ([1, 2, 4], [3])
        assert call(keeper, "allowAccessPeers", 3) == done("Allow access successfully!")
        assert shown(keeper) == ([1, 2, 3, 4], [])

    def test_a_schedule_whose_date_has_come_ends_and_others_stay(self, keeper: Owner) -> None:
        """It would keep the peer off again at once; the log tells that it is gone."""
        due = "{id: job1, subject: date, is: above, value: 2020-01-01, action: delete}"
        other = "{subject: total, is: above, value: 5, action: disable}"
        keeper.write("wg0/p3.yaml", f"public_key: $KEY3\nenabled: false\nschedules: [{due}, {other}]\n")
        assert call(keeper, "allowAccessPeers", 3, "nope") == refused("Failed to allow access of peer nope")
        assert [each["Field"] for each in keeper.peer(key(3))["jobs"]] == ["total_data"]
        (line,) = keeper.get("getPeerScheduleJobLogs/wg0")["data"]
        assert (line["JobID"], line["Message"]) == ("job1", REMOVED)

    def test_usage_goes_on(self, keeper: Owner) -> None:
        keeper.host.connect("wg0", key(3), rx_bytes=GIB)
        keeper.host.connect("wg0", key(4), rx_bytes=GIB)
        keeper.host.sample(keeper.runtime, "life")
        call(keeper, "restrictPeers", 3)
        call(keeper, "allowAccessPeers", 3, 4)
        keeper.host.connect("wg0", key(3), rx_bytes=2 * GIB)
        keeper.host.sample(keeper.runtime, "life")
        found = keeper.peer(key(3))
        assert (found["cumu_receive"], found["total_receive"]) == (1.0, 2.0)
        found = keeper.peer(key(4))
        assert (found["cumu_receive"], found["total_receive"]) == (0.0, 1.0)


@pytest.mark.parametrize("verb", CALLS)
class TestAll:
    def test_no_peers(self, keeper: Owner, settings: DashboardSettings, verb: str) -> None:
        assert call(keeper, verb) == refused("Please specify more than one peer")
        settings.set("compat", "v4.1")
        assert call(keeper, verb) == refused("Please specify one or more peers")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "peers: is missing"),
            ({"peers": None}, "peers: null is not a list of public keys"),
            ({"peers": [5]}, "peers.0: 5 is not a public key"),
            ({"peers": {"a": 1}}, "peers: a mapping is not a list of public keys"),
            ({"peers": ["a\nb"]}, "peers: contains a control character"),
        ],
    )
    def test_names_the_field(self, keeper: Owner, verb: str, body: dict[str, Any], message: str) -> None:
        assert keeper.post(f"{verb}/wg0", body) == refused(message)

    def test_unknown_configuration(self, keeper: Owner, verb: str) -> None:
        for keys in ([], [key(1)]):
            assert keeper.post(f"{verb}/nope", {"peers": keys}) == refused("Configuration does not exist")

    def test_the_interface_comes_up(self, keeper: Owner, verb: str) -> None:
        keeper.get("toggleWireguardConfiguration", configurationName="wg0")
        assert "wg0" not in keeper.host.live
        call(keeper, verb, "nope")
        assert "wg0" in keeper.host.live

    def test_nothing_is_done_when_it_cannot_be_applied(self, keeper: Owner, verb: str) -> None:
        call(keeper, "restrictPeers", 4)
        before = shown(keeper)
        keeper.host.failure = "wg0: no"
        assert call(keeper, verb, 4 if verb == "allowAccessPeers" else 1)["status"] is False
        assert shown(keeper) == before

    def test_asks_for_credentials(self, keeper: Owner, verb: str) -> None:
        stranger = Caller(keeper.app, ELSEWHERE)
        assert stranger.post(f"{verb}/wg0", {"peers": [key(1)]}) == refused("Unauthorized access.")
