"""The settings' document: read, checked, written."""

from __future__ import annotations

import json
import logging
import os
import threading
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wgreconcile.api.settings import endpoint
from wgreconcile.api.settings import settings as settings_module
from wgreconcile.api.settings.codec import decode, schema
from wgreconcile.api.settings.document import InMemory, YamlFile
from wgreconcile.api.settings.model import Dashboard, PeerDefaults, Server
from wgreconcile.api.settings.settings import DashboardSettings
from wgreconcile.desired.store import Store
from wgreconcile.errors import StateError

from ..killing import is_killed_at


def test_empty_document_is_all_defaults() -> None:
    assert decode({}) == Dashboard()


def test_defaults_are_those_of_the_schema() -> None:
    settings = Dashboard()
    parts = {"server": settings.server, "page": settings.page, "peers": settings.peers}
    for name, part in parts.items():
        for field, its in schema()["properties"][name]["properties"].items():
            if "default" in its:
                value = getattr(part, field)
                assert (list(value) if isinstance(value, tuple) else value) == its["default"], field
    for field in ("compat", "adopt", "api_hooks"):
        assert getattr(settings, field) == schema()["properties"][field]["default"]


def test_schema_is_described_and_its_examples_are_good() -> None:
    text = (resources.files("wgreconcile.schemas") / "dashboard.schema.json").read_text()
    Draft202012Validator.check_schema(json.loads(text))
    assert all(Draft202012Validator(schema()).is_valid(each) for each in schema()["examples"])
    for group in [schema(), *(schema()["properties"][name] for name in ("server", "page", "peers"))]:
        for field, its in group["properties"].items():
            assert its["title"] and its["description"] and its["examples"], field


def test_values() -> None:
    data = {"server": {"api_keys": True, "x-note": 1}, "peers": {"dns": ["9.9.9.9"]}, "x-mine": {"a": "b\n"}}
    assert decode(data) == Dashboard(server=Server(api_keys=True), peers=PeerDefaults(dns=("9.9.9.9",)))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (
            {"compat": "v5"},
            "settings.yaml: compat: 'v5' is not one of v4.0, v4.1, v4.2, v4.3; write it like 'v4.0'",
        ),
        ({"theme": "dark"}, "settings.yaml: theme: unknown field; remove it, or begin its name with x-"),
        (
            {"server": {"prot": 1}},
            "settings.yaml: server.prot: unknown field; remove it, or begin its name with x-",
        ),
        ({"server": []}, "settings.yaml: server: a list is not a mapping; write it like {api_keys: true}"),
        (
            {"peers": {"endpoint": "vpn.example.com\n"}},
            "settings.yaml: peers.endpoint: contains a control character; remove it",
        ),
        ({"peers": {"dns": ["x"]}}, "settings.yaml: peers.dns: 'x' does not appear to be an IPv4 or IPv6 address"),
        (
            {"server": {"trusted_proxies": ["proxy"]}},
            "settings.yaml: server.trusted_proxies: 'proxy' does not appear to be an IPv4 or IPv6 network",
        ),
    ],
)
def test_faults(data: dict[str, Any], fault: str) -> None:
    with pytest.raises(StateError) as error:
        decode(data)
    assert str(error.value) == fault


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


class TestFile:
    def test_missing_and_empty(self, path: Path) -> None:
        assert DashboardSettings(YamlFile(path)).get() == Dashboard()
        path.write_text("\n")
        assert DashboardSettings(YamlFile(path)).get() == Dashboard()

    def test_write_keeps_what_it_does_not_mean(self, path: Path) -> None:
        path.write_text("# ours\nx-mine: [1, 2]  # kept\nserver: {api_keys: false, x-note: why}\n\n# end\n")
        settings = DashboardSettings(YamlFile(path))
        settings.set("server.api_keys", True)
        assert settings.get().server.api_keys
        expected = "# ours\nx-mine: [1, 2]  # kept\nserver: {api_keys: true, x-note: why}\n\n# end\n"
        assert path.read_text() == expected
        assert [each.name for each in path.parent.iterdir()] == ["settings.yaml"]

    def test_write_keeps_who_may_read_it(self, path: Path) -> None:
        path.write_text("adopt: true\n")
        path.chmod(0o640)
        DashboardSettings(YamlFile(path)).set("adopt", False)
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("adopt: false\n", 0o640)

    def test_a_killed_write_is_finished_as_that_of_documents_is(self, tmp_path: Path) -> None:
        for step in count(1):
            path = tmp_path / str(step) / "settings.yaml"
            path.parent.mkdir()
            if not is_killed_at(step, DashboardSettings(YamlFile(path)).set, "adopt", False):
                break
            Store(path.parent).load()
            assert {each.name for each in path.parent.iterdir()} <= {path.name}
            assert YamlFile(path).load() == ({"adopt": False} if path.exists() else {})
        assert step > 5

    def test_first_write(self, path: Path) -> None:
        path.write_text("# to be filled\n")
        settings = DashboardSettings(YamlFile(path))
        settings.set("peers.dns", ["9.9.9.9"])
        assert path.read_text().startswith("# to be filled\npeers:")
        assert YamlFile(path).load() == {"peers": {"dns": ["9.9.9.9"]}}

    def test_not_utf_8(self, path: Path) -> None:
        path.write_bytes(b"x-mine: \xff\n")
        with pytest.raises(StateError, match="is not UTF-8"):
            DashboardSettings(YamlFile(path))

    def test_no_regular_file(self, path: Path) -> None:
        os.mkfifo(path)
        with pytest.raises(StateError, match=r"settings.yaml: is not a regular file; put one in its place"):
            DashboardSettings(YamlFile(path))

    def test_two_writers_lose_nothing(self, path: Path) -> None:
        settings = DashboardSettings(YamlFile(path))
        fields = {"page.theme": "light", "page.sort": "name", "server.port": 1, "adopt": False}
        threads = [threading.Thread(target=settings.set, args=each) for each in fields.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        data = YamlFile(path).load()
        assert data == {"page": {"theme": "light", "sort": "name"}, "server": {"port": 1}, "adopt": False}

    def test_edit_by_hand_shows(self, path: Path) -> None:
        settings = DashboardSettings(YamlFile(path))
        path.write_text("server: {api_keys: true}\n")
        assert settings.get().server.api_keys

    def test_fault_at_the_start_is_raised(self, path: Path) -> None:
        path.write_text("server: {port: 0}\n")
        with pytest.raises(StateError, match="port"):
            DashboardSettings(YamlFile(path))

    def test_fault_later_leaves_the_last_good_settings(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path.write_text("server: {api_keys: true}\n")
        settings = DashboardSettings(YamlFile(path))
        path.write_text("server: {api_keys: perhaps}\n")
        with caplog.at_level(logging.ERROR):
            assert settings.get().server.api_keys
            assert settings.get().server.api_keys
        assert caplog.text.count("last good ones") == 1
        with pytest.raises(StateError):
            settings.set("server.port", 1)
        path.write_text("server: {api_keys: false}\n")
        os.utime(path, ns=(1, 1))
        assert not settings.get().server.api_keys


@pytest.mark.parametrize("text", ["server:\n", "server: 5\n", "server: [api_keys]\n"])
def test_nothing_is_set_in_what_is_no_mapping(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    settings = DashboardSettings(YamlFile(path))
    path.write_text(text)
    with pytest.raises(StateError, match=r"settings\.yaml: server: .* is not a mapping"):
        settings.set("server.port", 1)
    assert path.read_text() == text


def test_settings_that_are_gone_for_a_moment_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("server: {api_keys: true}\n")
    settings = DashboardSettings(YamlFile(path))
    for gone in (path.unlink, path.touch):
        gone()
        assert settings.get().server.api_keys, "Git is about to write another"
    path.write_text("server: {api_keys: true, port: 1}\n")
    assert settings.get().server == Server(api_keys=True, port=1)
    path.unlink()
    assert settings.get().server.api_keys
    monkeypatch.setattr(settings_module, "SETTLED_AFTER", 0.0)
    assert settings.get() == Dashboard(), "it is meant so"


def test_settings_stay_while_the_whole_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "SETTLED_AFTER", 0.0)
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / "settings.yaml"
    path.write_text("server: {api_keys: true}\n")
    settings = DashboardSettings(YamlFile(path))
    (tmp_path / "state").rename(tmp_path / "elsewhere")
    assert settings.get().server.api_keys
    with pytest.raises(StateError, match=r"settings\.yaml: is gone with its folder"):
        settings.set("adopt", False)


def test_bad_value_is_not_written() -> None:
    document = InMemory({"server": {"port": 1}})
    settings = DashboardSettings(document)
    with pytest.raises(StateError):
        settings.set("server.port", "x")
    assert document.load() == {"server": {"port": 1}}


def test_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint.peer_endpoint(Dashboard(peers=PeerDefaults(endpoint="vpn.example"))) == "vpn.example"
    monkeypatch.setattr(endpoint, "_default_route_address", lambda: "192.0.2.10")
    assert endpoint.peer_endpoint(Dashboard()) == "192.0.2.10"


def test_endpoint_without_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoRoute:
        def __init__(self, *_: Any) -> None: ...

        def __enter__(self) -> NoRoute:
            return self

        def __exit__(self, *_: Any) -> None: ...

        def connect(self, _: Any) -> None:
            raise OSError

    monkeypatch.setattr(endpoint.socket, "socket", NoRoute)
    assert endpoint._default_route_address.__wrapped__() == ""


class TestWaitFor:
    """What is asked for may be on its way."""

    def test_comes_back_once_it_holds(self) -> None:
        settings = DashboardSettings(InMemory())
        waiting = threading.Thread(target=settings.wait_for, args=(lambda now: now.server.api_keys, 60.0))
        waiting.start()
        settings.set("page.theme", "light")
        settings.set("server.api_keys", True)
        waiting.join(30)
        assert not waiting.is_alive()

    def test_comes_back_at_once_when_it_holds_already(self) -> None:
        DashboardSettings(InMemory()).wait_for(lambda now: not now.server.api_keys, 60.0)

    def test_comes_back_when_nobody_makes_it_so(self) -> None:
        DashboardSettings(InMemory()).wait_for(lambda now: now.server.api_keys, 0.01)
