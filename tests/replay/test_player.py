"""The replayer itself: a server that answers as recorded passes, and whatever it says otherwise is found."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from . import deviations, recording
from .__main__ import main
from .deviations import Deviations
from .player import Player, Verdict
from .recording import Scenario, Step
from .states import View, recorded_state
from .variables import Variables

RECORDING = recording.recordings()
SCENARIOS = recording.read(RECORDING)
EXCHANGES = [step for scenario in SCENARIOS for step in scenario.steps if step.kind == "http"]

SIGN_IN = next(step for step in EXCHANGES if step.id == "auth-045")
Play = Callable[..., list[Verdict]]
Change = Callable[[Step, dict[str, Any]], None]


class Parrot:
    """Answers every request with the recorded answer whose turn it is, after ``change`` had a hand in it."""

    def __init__(self, change: Change, scenario: str = "") -> None:
        # Whoever plays a scenario alone signs in first.
        before = [SIGN_IN] if scenario not in ("", "first_run") else []
        self._answers = iter([*before, *(step for step in EXCHANGES if scenario in ("", step.scenario))])
        self._change = change
        self.asked: list[tuple[str, str, str]] = []
        self.clock = next(step.clock for step in EXCHANGES if step.clock)
        parrot = self

        class Handler(BaseHTTPRequestHandler):
            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return lambda: parrot.answer(self)
                raise AttributeError(name)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def now(self) -> datetime:
        assert self.clock
        return self.clock

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        self.asked.append((handler.command, handler.path, handler.rfile.read(length).decode()))
        step = next(self._answers)
        self.clock = step.clock or self.clock
        data = json.loads(json.dumps(dict(step.data)))
        self._change(step, data)
        content = json.dumps(data["response"]) if "response" in data else data.get("response_text") or ""
        handler.send_response(data["status"])
        for name, value in data["response_headers"]:
            handler.send_header(name, value.replace("http://127.0.0.1:10086", self.url))
        handler.send_header("content-length", str(len(content.encode())))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content.encode())


class AsRecorded:
    """Surroundings in which everything is as it was."""

    def __init__(self, scenarios: list[Scenario]) -> None:
        states = [step.data["state"] for scenario in scenarios for step in scenario.steps if step.kind == "state"]
        self._states = iter([recorded_state(data) for state in states for data in state.values()])

    def perform(self, _step: Step, _variables: Variables) -> bool:
        return True

    def state(self, _name: str) -> View | None:
        return next(self._states)


@pytest.fixture
def make_parrot() -> Iterator[Callable[..., Parrot]]:
    made: list[Parrot] = []

    def make(change: Change = lambda _step, _data: None, scenario: str = "") -> Parrot:
        made.append(Parrot(change, scenario))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Plays everything; all peers are held to be known, since the parrot shows those of missing scenarios, too."""
    known = tmp_path / "known"
    known.mkdir()
    (known / "keys").write_text(RECORDING.read_text())

    def played(parrot: Parrot, scenario: str = "", declared: Deviations | None = None) -> list[Verdict]:
        scenarios = [each for each in SCENARIOS if scenario in ("", each.name)]
        around = AsRecorded(scenarios)
        player = Player(parrot.url, around, declared or Deviations(()), known, now=parrot.now)
        return [verdict for each in scenarios for verdict in player.play(each)]

    return played


def found(verdicts: list[Verdict]) -> dict[str, list[str]]:
    return {each.step.id: [str(one) for one in each.undeclared] for each in verdicts if each.undeclared}


def test_a_server_that_answers_as_recorded_passes(make_parrot: Callable[..., Parrot], play: Play) -> None:
    parrot = make_parrot()
    assert found(play(parrot)) == {}
    sent = [(step.data["method"], step.data["path"]) for step in EXCHANGES]
    assert [(method, path.partition("?")[0]) for method, path, _ in parrot.asked] == sent


@pytest.mark.parametrize(
    ("id", "change", "difference"),
    [
        ("auth-046", lambda data: data.update(status=201), "status: expected 200, got 201"),
        (
            "auth-047",
            lambda data: data["response"].update(message="Hello"),
            "response.message: expected None, got 'Hello'",
        ),
        ("peers-124", lambda data: _peer(data).update(mtu="1380"), "mtu: expected 1380, got '1380'"),
        ("peers-124", lambda data: _peer(data).pop("DNS"), "DNS: expected '9.9.9.9', got nothing"),
        ("peers-124", lambda data: _peer(data).update(id="x"), "configurationPeers.c_pub: expected {"),
        ("peers-124", lambda data: _peer(data).update(total_data=1.5), "total_data: expected 0.0, got 1.5"),
        ("peers-003", lambda data: data["response"]["data"].reverse(), "response.data: expected ["),
        ("share-012", lambda data: data["response"]["data"][0].update(ExpireDate="2099-01-01 00:00:00"), "Expire"),
        ("share-005", lambda data: data["response"]["data"][0].update(ExpireDate="2099-01-01 00:00:00"), "Expire"),
        (
            "auth-096",
            lambda data: data.update(response_headers=[["content-type", "application/json"]]),
            "headers.access-control-allow-origin: expected 'http://other.example', got nothing",
        ),
        (
            "auth-098",
            lambda data: data["response_headers"].pop(1),
            "headers.set-cookie.authToken: expected",
        ),
    ],
)
def test_what_is_said_otherwise_is_found(
    make_parrot: Callable[..., Parrot],
    play: Play,
    id: str,
    change: Callable[[dict[str, Any]], Any],
    difference: str,
) -> None:
    def at_one(step: Step, data: dict[str, Any]) -> None:
        if step.id == id:
            change(data)

    scenario = id.partition("-")[0]
    wrong = found(play(make_parrot(at_one, scenario), scenario))
    assert id in wrong, wrong
    assert any(difference in line for line in wrong[id]), wrong[id]


def _peer(data: dict[str, Any]) -> dict[str, Any]:
    peers = data["response"]["data"]["configurationPeers"]
    return next(each for each in peers if each["name"] == "phone c2")


def test_order_of_peers_and_fields_does_not_matter(make_parrot: Callable[..., Parrot], play: Play) -> None:
    def turn(_step: Step, data: dict[str, Any]) -> None:
        inside = (data.get("response") or {}).get("data")
        if isinstance(inside, dict) and "configurationPeers" in inside:
            inside["configurationPeers"] = [
                dict(reversed(each.items())) for each in reversed(inside["configurationPeers"])
            ]

    assert found(play(make_parrot(turn, "peers"), "peers")) == {}


def test_a_declared_deviation_is_none(make_parrot: Callable[..., Parrot], play: Play, tmp_path: Path) -> None:
    def politely(step: Step, data: dict[str, Any]) -> None:
        if step.id == "auth-046":
            data["response"]["message"] = "Hello"

    path = tmp_path / "deviations.yaml"
    path.write_text("- {exchanges: 'auth-0*', differs: {response.message: Hello}, bug: '2.3: v4.0 is impolite'}\n")
    declared = deviations.read(path)
    assert found(play(make_parrot(politely, "auth"), "auth", declared)) == {}
    assert declared.needless() == []
    assert deviations.read(path).needless() == ["auth-0*: response.message (bug: 2.3: v4.0 is impolite)"]


def test_command_line(make_parrot: Callable[..., Parrot], capsys: pytest.CaptureFixture[str]) -> None:
    first = [RECORDING.as_posix(), "--scenario", "first_run", "--longest-wait", "0"]
    empty = ["--deviations", "/dev/null"]
    assert main([*first, *empty, "--base-url", make_parrot().url]) == 0
    assert "first_run: 30 compared: 30 match" in capsys.readouterr().out

    def fail(step: Step, data: dict[str, Any]) -> None:
        data["status"] = 500 if step.id == "first_run-011" else data["status"]

    assert main([*first, *empty, "--base-url", make_parrot(fail).url]) == 1
    out = capsys.readouterr().out
    assert "first_run-011: GET /api/handshake\n    status: expected 401, got 500\n" in out
    assert "first_run: 30 compared: 29 match, 1 differ" in out
