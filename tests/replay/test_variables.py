"""Values of our run in the place of recorded ones."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
import pytest

from .variables import DATE, Variables

NOW = datetime(2031, 5, 6, 7, 8, 9)
CLOCK = datetime(2026, 11, 23, 3, 12, 48)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
RECORDED_SECRET = "QU476O6FCX6AKPVXTICGR73MWBXJF533"
LINK = "otpauth://totp/WGDashboard:Secret?secret={}&issuer=WGDashboard"


@pytest.fixture
def variables() -> Variables:
    return Variables(lambda: NOW)


@pytest.mark.parametrize(
    ("name", "recorded", "ours"),
    [
        ("t_soon", "2026-11-23 03:12:51", NOW + timedelta(seconds=3)),
        ("t_week", "2026-11-30 03:12:47", NOW + timedelta(days=7)),
        ("t_hour", "2026-11-23 04:12:48", NOW + timedelta(hours=1)),
        ("t_past", "2020-01-01 00:00:00", datetime(2020, 1, 1)),
        ("t_never", "2099-01-01 00:00:00", datetime(2099, 1, 1)),
    ],
)
def test_dates(variables: Variables, name: str, recorded: str, ours: datetime) -> None:
    variables.set(name, recorded, CLOCK)
    assert variables.ours[name] == ours.strftime(DATE)


def test_templates_and_answers(variables: Variables) -> None:
    variables.capture("share", "recorded-share", "our-share")
    variables.set("key", "same-in-both", CLOCK)
    assert variables.fill({"a": ["${share}", "x ${key} y ${share}", 5]}) == {
        "a": ["our-share", "x same-in-both y our-share", 5]
    }
    assert variables.translate({"recorded-share": ["at recorded-share"]}) == {"our-share": ["at our-share"]}
    assert variables.name_of("our-share") == "share" and variables.name_of("other") == "other"


def test_what_an_answer_lacks_goes_on_as_recorded(variables: Variables) -> None:
    variables.capture("share", "recorded-share", None)
    assert variables.fill("${share}") == "recorded-share"


def test_a_scenario_alone_begins_with_recorded_values(variables: Variables) -> None:
    variables.capture("key", "recorded-key", "our-key")
    variables.begin({"key": "recorded-key", "user": "operator"})
    assert (variables.ours["key"], variables.ours["user"]) == ("our-key", "operator")


def test_codes_come_from_our_own_secret_and_none_comes_twice(variables: Variables) -> None:
    variables.capture("totp_link", LINK.format(RECORDED_SECRET), LINK.format(SECRET))
    variables.set("totp_secret", RECORDED_SECRET, CLOCK)
    assert variables.ours["totp_secret"] == SECRET
    variables.set("otp", "123456", CLOCK)
    assert variables.ours["otp"] == pyotp.TOTP(SECRET).at(NOW)
    variables.set("otp2", "123456", CLOCK)
    assert variables.ours["otp2"] == pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=30))
