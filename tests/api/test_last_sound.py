"""A state with faults: shown as it was before them, and not written to."""

from __future__ import annotations

import pytest

from wgreconcile.api import last_sound
from wgreconcile.api.last_sound import LastSound
from wgreconcile.desired.warm import WarmStore
from wgreconcile.errors import StateError

from .host import Owner, key


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for is looked at."""
    monkeypatch.setattr(last_sound, "_LOOK_AGAIN", 0.0)
    monkeypatch.setattr("wgreconcile.desired.warm.RECENT", 0.0)


def test_answers_go_on_and_writes_say_what_is_wrong(keeper: Owner, caplog: pytest.LogCaptureFixture) -> None:
    keeper.write("wg0.yaml", "address: 10.7.0.1/24\npeers: [{public_key: $KEY1}]\n")
    before = keeper.info()
    (keeper.store.state / "wg0.yaml").write_text("adress: 10.7.0.1/24\n")
    for _ in range(3):
        assert keeper.info() == before
    assert len([each for each in caplog.records if "has faults" in each.message]) == 1
    found = keeper.post("addPeers/wg0", {"name": "bob"})
    assert found["status"] is False
    assert "adress: unknown field" in found["message"]
    keeper.write("wg0.yaml", "address: 10.7.0.1/24\npeers: [{public_key: $KEY2}]\n")
    assert [each["id"] for each in keeper.info()["configurationPeers"]] == [key(2)]


def test_there_never_was_a_sound_one(store: WarmStore) -> None:
    (store.state / "wg0.yaml").write_text("adress: 10.7.0.1/24\n")
    with pytest.raises(StateError, match="adress"):
        LastSound(store).get()
