"""What holds for the schema of every request: documented, with examples that the server takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wgreconcile.api.routes import ROUTES
from wgreconcile.api.web.schema import check_body, request_schema

NAMES = sorted({each.body for each in ROUTES if each.body})


def fields(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All fields of a schema with their places, also those of objects and lists in it."""
    for name, its in schema.get("properties", {}).items():
        yield f"{at}{name}", its
        yield from fields(its, f"{at}{name}.")
        if "items" in its:
            yield f"{at}{name}[]", its["items"]


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_taken(name: str) -> None:
    schema = request_schema(name)
    assert schema["title"]
    assert schema["description"]
    assert schema["examples"]
    for example in schema["examples"]:
        assert check_body(name, example) == example


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_documented(name: str) -> None:
    for where, its in fields(request_schema(name)):
        assert its["title"], where
        assert its.get("description") or where.endswith("[]"), where
        assert its["examples"], where
        assert all(map(Draft202012Validator(its).is_valid, its["examples"])), where


def test_every_schema_belongs_to_a_route() -> None:
    from importlib import resources

    files = resources.files("wgreconcile.schemas").joinpath("requests").iterdir()
    assert sorted(each.name.removesuffix(".json") for each in files if each.name.endswith(".json")) == NAMES


def test_all_endpoints_of_v4_0_are_there() -> None:
    assert len({(each.method, each.path) for each in ROUTES}) == len(ROUTES)
    expected = """
        handshake validateAuthentication authenticate signout isTotpEnabled Welcome_GetTotpLink
        Welcome_VerifyTotpLink Welcome_Finish getDashboardAPIKeys newDashboardAPIKey deleteDashboardAPIKey
        getDashboardConfiguration updateDashboardConfigurationItem getDashboardTheme getDashboardVersion
        getDashboardUpdate getWireguardConfigurations addWireguardConfiguration toggleWireguardConfiguration/
        getWireguardConfigurationInfo getAvailableIPs/{config} addPeers/{config} updatePeerSettings/{config}
        resetPeerData/{config} deletePeers/{config} restrictPeers/{config} allowAccessPeers/{config}
        downloadPeer/{config} downloadAllPeers/{config} savePeerScheduleJob/ deletePeerScheduleJob/
        getPeerScheduleJobLogs/{config} sharePeer/create sharePeer/update sharePeer/get
        ping/getAllPeersIpAddress ping/execute traceroute/execute
    """
    names = expected.split()
    assert len(names) == 38
    assert {f"/api/{each}" for each in names} <= {each.path for each in ROUTES}
