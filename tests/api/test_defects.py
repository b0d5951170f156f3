"""WGDashboard's defects (API.md 10): none is here, and each number has tests that hold it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from wgreconcile.api.routes import ROUTES

from .dashboard import Caller, refused

TESTS = Path(__file__).parents[1]

HELD = {
    1: (
        "hosts/test_api_injection.py::test_nothing_that_a_client_writes_is_a_command_a_path_or_a_document",
        "api/test_configurations.py::TestAdd::test_names_the_field",
    ),
    2: ("api/test_dashboard.py::TestConfiguration::test_is_for_those_who_signed_in",),
    3: ("api/test_transport.py::TestRoutes::test_exactly_these_are_public", "::test_public_words_open_nothing"),
    4: (
        "api/test_transport.py::TestAccessLog::test_holds_no_secret",
        "hosts/test_api_injection.py::test_no_secret_is_in_a_log_or_in_the_runtime_database",
    ),
    5: (
        "api/test_sign_in.py::TestSession::test_sign_out_ends_it",
        "api/test_sign_in.py::TestAuthenticate::test_cookies",
        "api/test_transport.py::TestCrossSite::test_is_refused",
        "api/test_configurations.py::TestToggle::test_another_site_cannot_do_it",
        "api/test_sign_in.py::TestThrottle::test_delay_grows_and_ends",
        "api/test_sign_in.py::TestDefaultPassword::test_from_anywhere_else",
        "api/test_serve.py::test_listens_on_this_host_by_default",
    ),
    6: ("hosts/test_api_injection.py::test_files_with_keys_are_for_their_owner_alone",),
    7: (
        "api/test_hook_policy.py::test_nothing_else_is",
        "api/test_configurations.py::TestAdd::test_hooks_can_be_denied",
    ),
    8: (
        "api/test_dashboard.py::TestWhatNeedsARecentSignIn::test_is_refused_to_an_old_session",
        "api/test_api_keys.py::TestCreate::test_asks_for_a_recent_sign_in_or_the_password",
    ),
    9: (
        "api/test_api_keys.py::TestUse::test_expired_key_stops_at_once",
        "api/test_api_keys.py::TestSwitchedOff::test_keys_are_not_managed",
    ),
    10: (
        "api/test_tools.py::TestPing::test_refuses",
        "api/test_serve.py::test_who_waits_long_holds_up_nobody_else",
        "api/test_addresses.py::TestLargeNetworks::test_the_first_of_a_slash_8_and_of_a_slash_64",
    ),
    11: (
        "api/test_add_peers.py::TestOne::test_nothing_is_left_when_it_cannot_be_applied",
        "api/test_add_peers.py::TestMany::test_bad_settings_add_nobody",
        "api/test_access.py::TestAll::test_nothing_is_done_when_it_cannot_be_applied",
        "api/test_welcome.py::TestFinish::test_refuses_and_changes_nothing",
        "hosts/test_api_bad_luck.py::test_a_full_disk_is_told_and_nothing_is_half_done",
        "hosts/test_api_mixes.py::test_killed_while_everybody_wants_something_else",
    ),
    12: (
        "api/test_peer_settings.py::TestUpdate::test_preshared_key_comes_and_goes_live_and_in_the_folder",
        "api/test_peer_settings.py::TestUpdate::test_the_answer_after_it_is_up_to_date",
        "api/test_access.py::TestAllow::test_back_on_the_interface_with_all_addresses",
        "hosts/test_api_writers.py::test_eight_writers",
    ),
    13: (
        "api/test_job_runner.py::TestRunner::test_one_that_cannot_be_carried_out_stops_none_of_the_others",
        "api/test_access.py::TestDelete::test_usage_links_and_jobs_go_with_it",
    ),
    14: ("api/test_api_keys.py::TestUse::test_good_key_of_one_request_is_none_of_another",),
    15: ("api/test_dashboard.py::TestAuthentication::test_cannot_be_switched_off_from_elsewhere",),
    16: ("::test_no_file_can_be_named",),
    17: (
        "api/test_access.py::TestDelete::test_unknown_keys_count_neither_way",
        "api/test_share.py::TestCreate::test_without_one_it_never_ends",
        "api/test_job_runner.py::TestRunner::test_restricts_and_deletes",
        "::test_what_later_versions_added_does_nothing_here",
    ),
}
"""By the number of the point. What is left out of a name is this file."""


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    classes = [(f"{each.name}::", each.body) for each in tree.body if isinstance(each, ast.ClassDef)]
    return frozenset(
        prefix + each.name
        for prefix, body in [("", tree.body), *classes]
        for each in body
        if isinstance(each, ast.FunctionDef)
    )


@pytest.mark.parametrize("number", range(1, 18))
def test_is_held(number: int) -> None:
    for name in HELD[number]:
        file, _, test = name.partition("::")
        found = names_in(TESTS / file if file else Path(__file__))
        close = [each for each in found if each.endswith(test.rpartition("::")[2])]
        assert test in found, f"{name}: perhaps {close}"


@pytest.mark.parametrize(
    "path",
    [
        "/api/getAvailableIPs/authenticate",
        "/api/getAvailableIPs/sharePeer",
        "/api/authenticate/handshake",
        "/api/handshake/authenticate",
        "/api/handshake/static/",
        "/api/static/handshake",
        "/api/handshake;authenticate",
        "/api/getDashboardConfiguration/getDashboardTheme",
        "/getDashboardTheme",
    ],
)
def test_public_words_open_nothing(stranger: Caller, path: str) -> None:
    result = stranger.send("GET", path, query_string="x=/static/&y=authenticate&z=sharePeer/get")
    assert (result.status_code, result.json) == (401, refused("Unauthorized access."))


@pytest.mark.parametrize("file", ["../../../../etc/passwd", "/etc/passwd", "wg0.conf"])
def test_no_file_can_be_named(stranger: Caller, owner: Caller, file: str) -> None:
    assert stranger.send("GET", "/fileDownload", params={"file": file}).status_code == 401
    assert owner.send("GET", "/fileDownload", params={"file": file}).status_code == 404


@pytest.mark.parametrize("path", ["updateWireguardConfiguration", "updateWireguardConfigurationRawFile"])
def test_what_later_versions_added_does_nothing_here(owner: Caller, path: str) -> None:
    assert not any(path in route.path for route in ROUTES)
    assert owner.send("POST", f"/api/{path}", json={"Name": "wg0"}).status_code == 404
