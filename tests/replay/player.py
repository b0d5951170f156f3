"""Plays scenarios against a server and says, exchange by exchange, what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from . import exchange
from .client import Client
from .compare import Comparison, Difference
from .deviations import Deviation, Deviations
from .peers import KnownPeers
from .recording import Scenario, Step
from .rules import Clocks
from .states import View, recorded_state
from .variables import Variables


class Surroundings(Protocol):
    """What is around the server under test: the host, its files, its WireGuard clients."""

    def perform(self, step: Step, variables: Variables) -> bool:
        """Do what a step of kind action did; False when it cannot be done here."""
        ...

    def state(self, name: str) -> View | None:
        """File and live state of a configuration; None when they cannot be seen from here."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What became of a step: each difference, with the deviation that declares it."""

    step: Step
    differences: tuple[tuple[Difference, Deviation | None], ...] = ()
    done: bool = True

    @property
    def undeclared(self) -> list[Difference]:
        return [difference for difference, deviation in self.differences if deviation is None]


class Player:
    """Plays scenarios of one transcript, one after the other, against the server at ``base_url``."""

    def __init__(
        self,
        base_url: str,
        surroundings: Surroundings,
        deviations: Deviations,
        fixtures: Path | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.variables = Variables(now)
        self._now = now
        self._client = Client(base_url, self.variables)
        self._surroundings = surroundings
        self._deviations = deviations
        self._peers = KnownPeers()
        self._clock = datetime.now()
        for path in sorted(fixtures.iterdir()) if fixtures and fixtures.is_dir() else ():
            self._peers.learn(path.read_text(encoding="utf-8"))

    def play(self, scenario: Scenario) -> Iterator[Verdict]:
        """The verdicts on the exchanges, actions and states of a scenario, as they come."""
        self._set(scenario.variables)
        self.variables.begin(scenario.variables)
        if "password" in scenario.variables:
            self._client.sign_in()
        for step in scenario.steps:
            self._clock = step.clock or self._clock
            if step.kind == "http":
                yield self._exchange(step)
            elif step.kind == "action":
                self._peers.learn(step.data)
                yield Verdict(step, done=self._surroundings.perform(step, self.variables))
            elif step.kind == "state":
                yield self._state(step)
            elif step.kind == "vars":
                self._set(step.data["vars"])
                for name, value in step.data["vars"].items():
                    self.variables.set(name, value, self._clock)

    def _set(self, variables: Mapping[str, Any]) -> None:
        self._peers.learn([*variables.values()])

    def _exchange(self, step: Step) -> Verdict:
        self._peers.learn_request(step)
        answer = self._client.send(step)
        for name, place in (step.data.get("capture") or {}).items():
            recorded = step.data["captured"].get(name)
            # A place in a list without an order leads elsewhere in ours; what was there is found by itself.
            ours = recorded if str(recorded) in answer.text else _at(answer.body, place)
            self.variables.capture(name, recorded, ours)
        expected = self._peers.expected(exchange.recorded(step, self.variables))
        verdict = self._judge(step, expected, exchange.received(answer, self._client.base_url))
        return replace(verdict, differences=(*verdict.differences, *self._make_up(verdict)))

    def _make_up(self, verdict: Verdict) -> Iterator[tuple[Difference, None]]:
        """Do by other requests what the recorded server has done here, so that what follows can be compared."""
        found = [deviation for _, deviation in verdict.differences if deviation]
        for path, body in self._deviations.make_up(verdict.step, found):
            answer = self._client.post(path, body)
            if not (isinstance(answer.body, Mapping) and answer.body["status"]):
                yield Difference(f"afterwards.{path}", True, answer.body), None

    def _state(self, step: Step) -> Verdict:
        expected, got = {}, {}
        for name, recorded in step.data["state"].items():
            found = self._surroundings.state(name)
            if found is None:
                return Verdict(step, done=False)
            expected[name] = recorded_state(recorded).shown(self.variables, self._peers)
            got[name] = found.shown(self.variables, self._peers)
        return self._judge(step, expected, got)

    def _judge(self, step: Step, expected: Mapping[str, Any], got: Mapping[str, Any]) -> Verdict:
        comparison = Comparison(Clocks(self._clock, self._now()), self.variables.name_of)
        found = [
            Difference(each.path.removeprefix("."), each.expected, each.got)
            for each in comparison.differences("", expected, got)
        ]
        return Verdict(step, tuple((each, self._deviations.find(step, each)) for each in found))


def _at(value: Any, place: str) -> Any:
    """What a dotted path leads to; None when there is nothing."""
    for name in place.split("."):
        if isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, Mapping):
            value = value.get(name)
        else:
            return None
    return value
