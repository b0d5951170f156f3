"""Links that show one peer's file (API.md 6.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from wgreconcile.api.settings.settings import DashboardSettings

from .dashboard import ELSEWHERE, OK, Caller, answer, refused
from .host import Owner, key

EXPIRED = refused("This link is either expired to invalid")
GONE = refused("The peer you're looking for does not exist")
PAST = "2020-01-01 00:00:00"


@pytest.fixture(autouse=True)
def state(keeper: Owner) -> None:
    peers = "[{public_key: $KEY1, name: ann}, {public_key: $KEY2, enabled: false}]"
    keeper.write("wg0.yaml", f"listen_port: 51820\npeers: {peers}\n")


def date(keeper: Owner, seconds: float) -> str:
    return datetime.fromtimestamp(keeper.clock.now + seconds).strftime("%Y-%m-%d %H:%M:%S")


def create(keeper: Owner, number: int = 1, **more: Any) -> Any:
    return keeper.post("sharePeer/create", {"Configuration": "wg0", "Peer": key(number), **more})


def seen(keeper: Owner, share_id: str) -> Any:
    """What somebody without credentials sees."""
    return Caller(keeper.app, ELSEWHERE).get("sharePeer/get", ShareID=share_id)


@pytest.fixture
def link(keeper: Owner) -> str:
    return str(create(keeper)["data"][0]["ShareID"])


class TestCreate:
    def test_with_a_date(self, keeper: Owner) -> None:
        week = date(keeper, 7 * 86400)
        found = create(keeper, ExpireDate=week)
        expected = {"Configuration": "wg0", "Peer": key(1), "ExpireDate": week}
        assert found == answer(data=[{**expected, "ShareID": found["data"][0]["ShareID"]}], ok=True)
        assert keeper.peer(key(1))["ShareLink"] == found["data"]
        assert len(found["data"][0]["ShareID"]) == 36

    @pytest.mark.parametrize("more", [{}, {"ExpireDate": None}, {"ExpireDate": ""}])
    def test_without_one_it_never_ends(self, keeper: Owner, more: dict[str, Any]) -> None:
        assert create(keeper, **more)["data"][0]["ExpireDate"] is None
        keeper.clock.now += 10 * 365 * 86400
        keeper.sign_in()
        assert keeper.peer(key(1))["ShareLink"]

    def test_one_a_peer(self, keeper: Owner, link: str) -> None:
        taken = refused("This peer is already sharing, please stop sharing first.")
        assert create(keeper) == taken
        assert create(keeper, ExpireDate=PAST) == taken
        assert create(keeper, 2)["status"] is True

    def test_the_one_that_there_is_since_v4_2(self, keeper: Owner, link: str, settings: DashboardSettings) -> None:
        settings.set("compat", "v4.2")
        found = create(keeper)
        assert (found["status"], found["data"]["ShareID"]) == (True, link)
        assert found["message"] == "This peer is already sharing. Please view data for shared link."

    def test_one_that_would_have_ended(self, keeper: Owner) -> None:
        assert create(keeper, ExpireDate=PAST) == answer(data=[], ok=True)
        assert keeper.peer(key(1))["ShareLink"] == []

    @pytest.mark.parametrize(
        "body",
        [
            *({}, {"Configuration": "wg0"}, {"Peer": key(1)}),
            *({"Configuration": "", "Peer": key(1)}, {"Configuration": "wg0", "Peer": None}),
        ],
    )
    def test_something_is_missing(self, keeper: Owner, body: dict[str, Any]) -> None:
        assert keeper.post("sharePeer/create", body) == refused("Please specify configuration and peer")

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"Configuration": "nope"}, "Configuration does not exist"),
            ({"Peer": "nope"}, "Peer does not exist"),
            ({"ExpireDate": "garbage"}, "ExpireDate: 'garbage' is not a date such as 2030-01-31 18:00:00"),
            ({"ExpireDate": "2030-13-01 00:00:00"}, "ExpireDate: '2030-13-01 00:00:00' is not a date such as"),
            ({"ExpireDate": 5}, "ExpireDate: 5 is not a date such as 2030-01-31 18:00:00"),
            ({"Peer": []}, "Peer: a list is not a public key"),
        ],
    )
    def test_only_for_what_exists(self, keeper: Owner, more: dict[str, Any], message: str) -> None:
        found = create(keeper, **more)
        assert found["status"] is False
        assert found["message"].startswith(message)

    def test_not_for_a_peer_that_is_deleted_at_the_same_moment(
        self, keeper: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        links = keeper.runtime.share_links
        make = links.create

        def make_late(*arguments: Any) -> Any:
            assert keeper.post("deletePeers/wg0", {"peers": [key(1)]})["status"]
            return make(*arguments)

        monkeypatch.setattr(links, "create", make_late)
        assert create(keeper) == refused("Peer does not exist")
        assert links.of_interface("wg0", keeper.clock.now) == {}, "or it would show the next peer of that key"

    def test_a_date_as_browsers_write_it(self, keeper: Owner) -> None:
        assert create(keeper, ExpireDate="2099-01-31T18:00")["data"][0]["ExpireDate"] == "2099-01-31 18:00:00"

    def test_asks_for_credentials(self, keeper: Owner) -> None:
        stranger = Caller(keeper.app, ELSEWHERE)
        for path in ("sharePeer/create", "sharePeer/update"):
            assert stranger.post(path, {}) == refused("Unauthorized access.")


class TestUpdate:
    def update(self, keeper: Owner, share_id: str, **more: Any) -> Any:
        return keeper.post("sharePeer/update", {"ShareID": share_id, **more})

    def test_another_date(self, keeper: Owner, link: str) -> None:
        day = date(keeper, 86400)
        expected = {"ShareID": link, "Configuration": "wg0", "Peer": key(1), "ExpireDate": day}
        assert self.update(keeper, link, ExpireDate=day, Peer="x") == answer(data=[expected], ok=True)
        for more in ({"ExpireDate": None}, {}):
            assert self.update(keeper, link, **more) == answer(data=[{**expected, "ExpireDate": None}], ok=True)

    def test_stop_sharing(self, keeper: Owner, link: str) -> None:
        assert self.update(keeper, link, ExpireDate=date(keeper, 0)) == answer(data=[], ok=True)
        assert seen(keeper, link) == EXPIRED
        assert keeper.peer(key(1))["ShareLink"] == []
        assert self.update(keeper, link, ExpireDate=None) == refused("ShareID does not exist"), "never again"
        assert create(keeper)["status"] is True

    @pytest.mark.parametrize("body", [{}, {"ShareID": ""}, {"ShareID": None}])
    def test_without_id(self, keeper: Owner, body: dict[str, Any]) -> None:
        assert keeper.post("sharePeer/update", body) == refused("Please specify ShareID")

    def test_unknown_id(self, keeper: Owner) -> None:
        assert self.update(keeper, "nope", ExpireDate=PAST) == refused("ShareID does not exist")

    def test_garbage(self, keeper: Owner, link: str) -> None:
        message = "ExpireDate: 'garbage' is not a date such as 2030-01-31 18:00:00"
        assert self.update(keeper, link, ExpireDate="garbage") == refused(message)
        assert seen(keeper, link)["status"] is True


class TestGet:
    def test_anybody_sees_the_file(self, keeper: Owner, link: str) -> None:
        found = seen(keeper, link)
        assert found == keeper.get("downloadPeer/wg0", id=key(1))
        assert found["data"]["fileName"] == "ann_wg0"

    @pytest.mark.parametrize("query", [{}, {"ShareID": ""}])
    def test_without_id(self, keeper: Owner, query: dict[str, str]) -> None:
        assert Caller(keeper.app, ELSEWHERE).get("sharePeer/get", **query) == refused("Please provide ShareID")

    @pytest.mark.parametrize("share_id", ["nope", "' OR 1=1 --", "a" * 2000])
    def test_unknown_id(self, keeper: Owner, share_id: str) -> None:
        assert seen(keeper, share_id) == EXPIRED

    def test_until_the_date(self, keeper: Owner) -> None:
        link = create(keeper, ExpireDate=date(keeper, 60))["data"][0]["ShareID"]
        keeper.clock.now += 59
        assert seen(keeper, link)["status"] is True
        keeper.clock.now += 1
        assert seen(keeper, link) == EXPIRED

    def test_not_while_the_peer_is_restricted(self, keeper: Owner, link: str) -> None:
        keeper.post("restrictPeers/wg0", {"peers": [key(1)]})
        assert seen(keeper, link) == GONE
        keeper.post("allowAccessPeers/wg0", {"peers": [key(1)]})
        assert seen(keeper, link)["status"] is True

    def test_not_when_somebody_took_the_peer_or_the_interface_out_of_the_state(
        self, keeper: Owner, link: str
    ) -> None:
        keeper.write("wg0.yaml", "listen_port: 51820\n")
        assert seen(keeper, link) == GONE
        (keeper.store.state / "wg0.yaml").unlink()
        keeper.store.load()
        assert seen(keeper, link) == GONE

    def test_only_this_very_path_is_public(self, keeper: Owner, link: str) -> None:
        stranger = Caller(keeper.app, ELSEWHERE)
        for path in ("sharePeer/get/x", "x/sharePeer/get", "getWireguardConfigurations"):
            assert stranger.get(path, ShareID=link) == refused("Unauthorized access.")
        assert keeper.get("handshake") == OK
