"""Requests that schemathesis makes up from the OpenAPI document: whatever comes, the answer is an envelope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance

from wgreconcile.api.route import Route
from wgreconcile.api.routes import ROUTES

from ..replay.owner import Owner
from ..replay.served import Served
from .conftest import Serve

pytestmark = pytest.mark.hosts

EXAMPLES = 8
"""Requests of each kind for each endpoint."""

ENVELOPE = {"data", "message", "status"}
ALLOWED = {200, 401, 404, 405}
"""What a client of v4.0 may meet: unknown paths come about where a made-up name holds a slash."""

TRIED = [
    *((route, GenerationMode.POSITIVE) for route in ROUTES),
    *((route, GenerationMode.NEGATIVE) for route in ROUTES if route.body or route.query),
]
"""Endpoints with requests that fit their description, and with such that do not where anything can misfit."""


@pytest.fixture(scope="module")
def served(serve: Serve) -> Served:
    return serve("v4.0")


@pytest.fixture(scope="module")
def owner(served: Served) -> Owner:
    return Owner(served)


@pytest.fixture(scope="module")
def document(served: Served, owner: Owner) -> Any:
    """The document that the server itself gives out."""
    return schemathesis.openapi.from_url(f"{served.base_url}/api/openapi.json")


def test_the_document_holds_every_endpoint(document: Any) -> None:
    described = {
        (operation.ok().method.upper(), operation.ok().path) for operation in document.get_all_operations()
    }
    assert {(route.method, route.path.rstrip("/")) for route in ROUTES} == {
        (method, path.rstrip("/")) for method, path in described
    }


@pytest.mark.parametrize(
    ("route", "mode"), [pytest.param(*each, id=f"{each[0].path}-{each[1].value}") for each in TRIED]
)
def test_every_answer_is_an_envelope(
    document: Any, served: Served, owner: Owner, route: Route, mode: GenerationMode
) -> None:
    operation = document[route.path][route.method]
    # A made-up name never is that of an interface.
    known = {"config": "wg0"} if "{config}" in route.path and mode is GenerationMode.POSITIVE else None

    @seed(4)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known))
    def ask(case: Case) -> None:
        check(case, served, owner.key)

    run: Callable[[], None] = ask
    run()
    assert owner.get("handshake")["status"] is True, "the key is good no more"


def check(case: Case, served: Served, key: str) -> None:
    response = case.call(base_url=served.base_url, headers={"wg-dashboard-apikey": key}, timeout=60)
    described = f"{case.as_curl_command()}\n{response.status_code} {response.text[:500]}"
    assert response.status_code in ALLOWED, described
    answer = response.json()
    assert set(answer) == ENVELOPE and isinstance(answer["status"], bool), described
    assert answer["status"] or answer["message"] != "Internal server error.", described
    if response.status_code == 200:
        case.validate_response(response, checks=[response_schema_conformance])


def test_the_server_had_nothing_to_complain_about(served: Served) -> None:
    assert "unexpected" not in served.log(), served.log()
