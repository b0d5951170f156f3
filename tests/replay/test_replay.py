"""The recording of a real WGDashboard v4.0.4 against `wgreconcile serve` on a test host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from ..hosts import testhost
from ..hosts.testhost import Host, link
from . import deviations, recording
from .deviations import Deviations
from .on_host import CONF, OnHost
from .player import Player, Verdict
from .report import details, summary
from .served import Served

pytestmark = pytest.mark.hosts

ADDRESS = "192.0.2.10"
"""Where the recorded server was; it stands in answers."""
CLIENT_ADDRESS = "192.0.2.1"
LONGEST_WAIT = 20.0
"""Once the recording waits 140 seconds for a handshake to grow old, which here is young until 180 all the same."""

RECORDING = recording.recordings()
SCENARIOS = {each.name: each for each in recording.read(RECORDING)}


@dataclass(frozen=True)
class Replay:
    """All verdicts, by scenario, and the deviations that stood by."""

    verdicts: dict[str, list[Verdict]]
    declared: Deviations
    log: str


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """The whole recording in one go: its scenarios build on each other."""
    if reason := testhost.missing():
        pytest.fail(reason, pytrace=False)
    fixtures = RECORDING.parent / "fixtures"
    with ExitStack() as stack:
        server, client = (stack.enter_context(Host(name)) for name in ("server", "client"))
        _prepare(server, client)
        for path in fixtures.glob("*.conf"):
            server.write(f"{CONF}/{path.name}", path.read_text())
        served = stack.enter_context(Served(server))
        declared = deviations.read()
        around = OnHost(served, client, ADDRESS, fixtures, LONGEST_WAIT)
        player = Player(served.base_url, around, declared, fixtures)
        verdicts = {name: list(player.play(scenario)) for name, scenario in SCENARIOS.items()}
        yield Replay(verdicts, declared, served.log())


def _prepare(server: Host, client: Host) -> None:
    """The network of the recording: eth0 with an address and a default route, and no internet."""
    link(server, client, (f"{ADDRESS}/24", f"{CLIENT_ADDRESS}/24"))
    server.run(["ip", "route", "add", "default", "via", CLIENT_ADDRESS])


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(replay: Replay, name: str) -> None:
    verdicts = replay.verdicts[name]
    wrong = [line for verdict in verdicts for line in details(verdict)]
    print(summary(name, verdicts))
    assert not wrong, "\n".join([summary(name, verdicts), *wrong])


def test_every_declared_deviation_is_one(replay: Replay) -> None:
    needless = replay.declared.needless()
    assert not needless, "\n".join(needless)


def test_the_server_had_nothing_to_complain_about(replay: Replay) -> None:
    assert not any(word in replay.log for word in ("unexpected", "Traceback")), replay.log
