"""Looking at few peers, or at none, changes the price alone: files, records, host and words are the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.errors import CommandError, WgreconcileError
from wgreconcile.observed.model import LiveInterface, LivePeer, ObservedInterface, Route
from wgreconcile.planning.model import Disruption
from wgreconcile.values import Endpoint, Network, PublicKey

from ..observed.strategies import public_key, secret_key
from ..planning.model_host import ModelHost
from .twins import Event, Killed, Twin, Twins

INTERFACES = ("wg0", "wg1")
LABELS = tuple(f"p{number}" for number in range(9))

Happening = tuple[Event, str]


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Twins:
    twins = Twins(tmp_path, monkeypatch)
    for each in (twins.some, twins.every):
        for number, name in enumerate(INTERFACES):
            each.write(f"state/{name}.yaml", head(number))
            each.write(f"secrets/{name}.key", secret_key(name).reveal())
        for number in range(3):
            each.write(f"secrets/psk{number}", secret_key(f"psk{number}").reveal())
    twins.run()
    return twins


def head(number: int, more: str = "") -> str:
    return f"address: [10.{7 + number}.0.1/24, 'fd0{7 + number}::1/64']\nlisten_port: {51820 + number}\n{more}"


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens(twins: Twins, seed: int) -> None:
    random_ = random.Random(seed)
    for _ in range(30):
        if (is_simple := random_.random() < 0.7) and "Error" in twins.run():
            twins.do(mend, "mend")
            twins.run(force=True)
            twins.run()
        for _ in range(random_.choice([1, 1, 1, 2, 3])):
            twins.do(*random_.choice([put, put, put, drop] if is_simple else EVENTS)(twins, random_))
        is_alone = random_.random() > 0.2 or in_the_course(twins, random_)
        names = () if is_simple or random_.random() < 0.8 else (random_.choice(INTERFACES),)
        options: dict[str, Any] = {"force": random_.random() < 0.7}
        if random_.random() < 0.1:
            options["max_disruption"] = random_.choice([Disruption.NONE, Disruption.PEER])
        if not is_simple and random_.random() < 0.05:
            options["prune"] = True
        twins.run(*names, compared=is_alone, **options)
        if not is_alone:  # one may heal sooner than the other
            twins.run(compared=False)
            twins.run()
    assert twins.wholes < 0.9 * twins.runs, "it hardly looked at less than all"


def mend(twin: Twin) -> None:
    """Write documents that nothing is wrong with."""
    for path in (twin.folder / "state").glob("*/*.yaml"):
        path.unlink()
    for number, name in enumerate(INTERFACES):
        twin.write(f"state/{name}.yaml", head(number))


def in_the_course(twins: Twins, random_: random.Random) -> bool:
    """Let something happen in the middle of the next run; whether that ends a run and does nothing else."""
    kind = random_.choice(["fail", "kill", "drift", "file"])
    event, text = IN_THE_COURSE[kind](twins, random_)
    moment = random_.randrange(1, 4)
    twins.do(lambda twin: twin.meanwhile.update({moment: event}), f"after step {moment}: {text}")
    return kind in ("fail", "kill")


def fail(twins: Twins, random_: random.Random) -> Happening:
    def event(twin: Twin) -> None:
        raise CommandError(["wg"], 1, "boom")

    return event, "boom"


def kill(twins: Twins, random_: random.Random) -> Happening:
    def event(twin: Twin) -> None:
        raise Killed

    return event, "kill"


def put(twins: Twins, random_: random.Random) -> Happening:
    number, interface = random_.randrange(len(LABELS)), random_.randrange(len(INTERFACES))
    networks = [f"10.{7 + interface}.0.{number + 10}/32"]
    networks += random_.sample([f"10.40.{number * 2 + each}.0/24" for each in range(3)], random_.randrange(3))
    rare = {"10.40.0.0/16": 0.02, "fd99::/64": 0.02, "192.0.2.9/32": 0.02, "0.0.0.0/0": 0.01}
    networks += [network for network, chance in rare.items() if random_.random() < chance]
    lines = [f"public_key: {public_key(LABELS[number])}", f"allowed_ips: {json.dumps(networks)}"]
    moment = twins.now + timedelta(hours=random_.randrange(-2, 4))
    fields = {
        f"persistent_keepalive: {random_.choice([15, 25])}": 0.3,
        "enabled: false": 0.2,
        f"endpoint: 192.0.2.{random_.randrange(1, 5)}:51820": 0.3,
        f"name: somebody {random_.randrange(3)}": 0.2,
        f"preshared_key: {{file: psk{random_.randrange(4)}}}": 0.2,
        f"expires: '{moment.isoformat()}'": 0.15,
        "nonsense: 1": 0.02,
    }
    lines += [line for line, chance in fields.items() if random_.random() < chance]
    path, text = f"state/{INTERFACES[interface]}/{LABELS[number]}.yaml", "\n".join(lines) + "\n"
    return lambda twin: twin.write(path, text), f"{path}: {text!r}"


def drop(twins: Twins, random_: random.Random) -> Happening:
    files = sorted((twins.some.folder / "state").glob("*/*.yaml"))
    if not files:
        return put(twins, random_)
    path = random_.choice(files).relative_to(twins.some.folder)
    return lambda twin: (twin.folder / path).unlink(), f"remove {path}"


Drift = Callable[[ModelHost, LiveInterface, PublicKey], object]
DRIFTS: dict[str, Drift] = {
    "gone": lambda model, live, key: model.change(peers=[each for each in live.peers if each.public_key != key]),
    "allowed IPs": lambda model, live, key: model.change_peer(key, allowed_ips=()),
    "preshared key": lambda model, live, key: model.change_peer(key, preshared_key=secret_key("x")),
    "stranger": lambda model, live, key: model.change(
        peers=[
            *(each for each in live.peers if each.public_key != public_key("stranger")),
            LivePeer(public_key("stranger"), None, (), None, None),
        ]
    ),
    "mtu": lambda model, live, key: model.set_mtu(1300),
    "port": lambda model, live, key: model.change(listen_port=7),
    "link": lambda model, live, key: model.set_link_down(),
    "routes": lambda model, live, key: model.change(routes=frozenset()),
    "address": lambda model, live, key: model.change(address=live.address[1:]),
    "route": lambda model, live, key: model.change(routes=live.routes | {Route(Network("10.40.1.0/24"))}),
    "roams": lambda model, live, key: model.change_peer(key, endpoint=Endpoint("198.51.100.7:7"), rx_bytes=7),
}


def drift(twins: Twins, random_: random.Random) -> Happening:
    name = random_.choice(INTERFACES)
    found = twins.some.model(name).observed.live
    if found is None:
        return put(twins, random_)
    kind = random_.choice(sorted(DRIFTS))
    key = random_.choice([each.public_key for each in found.peers] or [public_key("nobody")])

    def event(twin: Twin) -> None:
        model = twin.model(name)
        if live := model.observed.live:
            DRIFTS[kind](model, live, key)
            model.change(peers=tuple(sorted(model.live.peers, key=lambda each: each.public_key)))

    return event, f"drift of {name}: {kind} {key}"


def drift_of_file(twins: Twins, random_: random.Random) -> Happening:
    name, kind = random_.choice(INTERFACES), random_.choice(["mode", "comment", "text", "gone", "names"])

    def event(twin: Twin) -> None:
        path = twin.site.conf_dir / f"{name}.conf"
        text = path.read_text() if path.exists() else ""
        if kind == "gone" or not text:
            path.unlink(missing_ok=True)
        elif kind == "mode":
            path.chmod(0o644)
        else:
            wrong = {"comment": f"{text}# by hand\n", "text": text.replace("/32", "/31")}
            path.write_text(wrong.get(kind, text.replace("[Peer]\n# ", "[Peer]\n# by hand ")))

    return event, f"drift of {name}.conf: {kind}"


def secret(twins: Twins, random_: random.Random) -> Happening:
    name = random_.choice(["psk0", "psk1", "psk2", "psk0", "psk1", "psk2", "wg0.key"])
    key = secret_key(f"key {random_.randrange(3)}").reveal()
    return lambda twin: twin.write(f"secrets/{name}", key), f"another {name}"


def resettle(twins: Twins, random_: random.Random) -> Happening:
    number = random_.randrange(2)
    more = random_.choice(["mtu: 1400\n", "", "enabled: false\n", "description: x\n", "dns: [10.7.0.1]\n"])
    if random_.random() < 0.3:
        more += f"peers:\n- {{public_key: {public_key('inline')}, allowed_ips: [10.50.{number}.0/24]}}\n"
    path = f"state/{INTERFACES[number]}.yaml"
    return lambda twin: twin.write(path, head(number, more)), f"{path}: {more!r}"


def time_goes_by(twins: Twins, random_: random.Random) -> Happening:
    hours = random_.choice([1, 1, 1, 2, -1, -2])
    twins.now += timedelta(hours=hours)
    return lambda twin: None, f"{hours} hours go by"


def stranger(twins: Twins, random_: random.Random) -> Happening:
    """A file and a live interface of somebody else come and go."""
    kind = random_.choice(["file", "no file", "live", "not live"])

    def event(twin: Twin) -> None:
        if kind == "file":
            twin.write("conf/wg8.conf", "[Interface]\n")
        elif kind == "no file":
            (twin.folder / "conf" / "wg8.conf").unlink(missing_ok=True)
        else:
            live = LiveInterface("wg9", None, None, 0, 0, ()) if kind == "live" else None
            twin.fleet.hosts["wg9"] = ModelHost(ObservedInterface("wg9", None, live))

    return event, f"stranger: {kind}"


def load(twins: Twins, random_: random.Random) -> Happening:
    """As `wgreconcile validate` does."""

    def event(twin: Twin) -> None:
        with suppress(WgreconcileError):
            twin.site.store.load()

    return event, "load"


def spoil(twins: Twins, random_: random.Random) -> Happening:
    name = random_.choice(INTERFACES)

    def event(twin: Twin) -> None:
        path = twin.site.var / "interfaces" / f"{name}.json"
        if path.exists():
            path.write_text(path.read_text().replace("10.40", "10.41"))

    return event, f"spoil the record of {name}"


EVENTS = (put, put, put, drop, drift, drift_of_file, secret, resettle, time_goes_by, stranger, load, spoil)
IN_THE_COURSE = {"fail": fail, "kill": kill, "drift": drift, "file": drift_of_file}
