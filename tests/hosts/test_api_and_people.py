"""API clients, people who edit documents and people who type `wg set`, all at once: it ends as documents say."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import yaml

from wgreconcile.values import generate_secret_key, public_key_of

from ..replay.owner import Owner
from ..replay.served import Served
from .test_api_writers import Writers, agree, desired
from .testhost import STATE_FOLDER, Host

WRITERS = 4
SECONDS = 6.0
APPLIES = 8


class Person(threading.Thread):
    """Does something again and again, with a pause as a quick typist has one."""

    def __init__(self, do: Callable[[], None], stop: threading.Event) -> None:
        super().__init__(name=do.__name__)
        self._do = do
        self._stop_typing = stop
        self.errors: list[Exception] = []

    def run(self) -> None:
        while not self._stop_typing.wait(0.05):
            try:
                self._do()
            except Exception as error:
                self.errors.append(error)


class Editor:
    """Writes, changes, renames and removes documents of peers of its own."""

    def __init__(self, host: Host) -> None:
        self._folder = host.path(STATE_FOLDER) / "wg0"
        self._random = random.Random(1)
        self._addresses = iter(f"10.64.200.{number}/32" for number in range(1, 255))
        self._made = 0

    def edit(self) -> None:
        self._folder.mkdir(exist_ok=True)
        own = sorted(self._folder.glob("by hand *.yaml"))
        choice = self._random.random()
        if choice < 0.5 or not own:
            self._made += 1
            key = str(public_key_of(generate_secret_key()))
            self._write(f"by hand {self._made}", {"public_key": key, "allowed_ips": [next(self._addresses)]})
            return
        path = self._random.choice(own)
        if choice < 0.7:
            document = yaml.safe_load(path.read_text())
            self._write(path.stem, document | {"persistent_keepalive": self._random.randrange(1, 99)})
        elif choice < 0.85:
            path.rename(path.with_name(f"{path.stem}+.yaml"))
        else:
            path.unlink()

    def _write(self, stem: str, document: object) -> None:
        draft = self._folder / f".{stem}"
        draft.write_text(yaml.safe_dump(document))
        draft.rename(self._folder / f"{stem}.yaml")


class Typist:
    """Changes peers of the live interface, whosever they are."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._random = random.Random(2)

    def type(self) -> None:
        keys = self._host.run(["wg", "show", "wg0", "peers"]).stdout.split()
        if not keys:
            return
        key = self._random.choice(keys)
        what = self._random.choice(
            ["remove", "allowed-ips 10.64.9.9/32", "persistent-keepalive 7", "stranger", "route"]
        )
        if what == "stranger":
            key, what = str(public_key_of(generate_secret_key())), "allowed-ips 10.77.0.0/24"
        if what == "route":
            self._host.run(["ip", "route", "flush", "dev", "wg0", "proto", "boot"], check=False)
            return
        self._host.run(["wg", "set", "wg0", "peer", key, *what.split()], check=False)


def test_it_ends_as_documents_say(owner: Owner, served: Served) -> None:
    host = served.host
    writers, stop = Writers(owner), threading.Event()
    started = writers.write(range(WRITERS), stop)
    people = [Person(Editor(host).edit, stop), Person(Typist(host).type, stop)]
    for each in people:
        each.start()
    time.sleep(SECONDS)
    stop.set()
    for thread in (*started, *people):
        thread.join()
    assert [each.errors for each in people] == [[], []]
    host.wgreconcile("apply")
    assert agree(host), served.log()
    by_api = {key: each for key, each in desired(host).items() if not each.name.startswith("by hand")}
    writers.check(by_api)
    assert writers.acknowledged >= WRITERS, "hardly anything was written"
    host.wgreconcile("plan", "--detailed-exitcode")
    owner.post("addPeers/wg0", {"name": "last", "allowed_ips": ["10.64.250.1/32"]})
    assert agree(host), served.log()
    host.wgreconcile("plan", "--detailed-exitcode")


def test_who_types_apply_gets_a_turn_however_much_is_written(owner: Owner, served: Served) -> None:
    host = served.host
    writers, stop = Writers(owner), threading.Event()
    started = writers.write(range(WRITERS), stop)
    editor = Editor(host)
    for _ in range(APPLIES):
        time.sleep(0.3)
        editor.edit()
        host.wgreconcile("apply")
    stop.set()
    for each in started:
        each.join()
    assert agree(host), served.log()
    assert writers.acknowledged >= WRITERS, "hardly anything was written"
