"""The first account."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgreconcile.api.auth.first_run import prepare_account
from wgreconcile.api.auth.passwords import verify_password
from wgreconcile.api.runtime.runtime import Runtime
from wgreconcile.errors import UsageError


def test_a_one_time_password_is_announced_until_it_is_replaced(runtime: Runtime) -> None:
    said: list[str] = []
    prepare_account(runtime.accounts, {}, said.append)
    prepare_account(runtime.accounts, {}, said.append)
    account = runtime.accounts.require()
    assert (account.username, account.is_new, account.has_default_password) == ("admin", True, True)
    passwords = [text.partition("one-time password ")[2].split()[0] for text in said]
    assert [verify_password(account.password_hash, each) for each in passwords] == [False, True]
    runtime.accounts.set_up("operator", "correct-horse-1")
    prepare_account(runtime.accounts, {"WGRECONCILE_PASSWORD": "too late to matter"}, pytest.fail)
    assert runtime.accounts.require().username == "operator"


def test_password_from_the_environment(runtime: Runtime) -> None:
    prepare_account(runtime.accounts, {"WGRECONCILE_PASSWORD": "given-password"}, pytest.fail)
    prepare_account(runtime.accounts, {}, pytest.fail)
    account = runtime.accounts.require()
    assert verify_password(account.password_hash, "given-password")
    assert not account.has_default_password


def test_password_from_a_file(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-a-file\n")
    environ = {"WGRECONCILE_PASSWORD_FILE": str(tmp_path / "password")}
    prepare_account(runtime.accounts, environ, pytest.fail)
    assert verify_password(runtime.accounts.require().password_hash, "from-a-file")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"WGRECONCILE_PASSWORD": "short"}, "fewer than 8 characters"),
        ({"WGRECONCILE_PASSWORD": ""}, "fewer than 8 characters"),
        ({"WGRECONCILE_PASSWORD_FILE": "/no/such/file"}, "cannot be read"),
        ({"WGRECONCILE_PASSWORD": "x" * 1025}, "more than 1024 characters"),
        ({"WGRECONCILE_PASSWORD": "two\nlines-of-it"}, "such as a line break"),
        ({"WGRECONCILE_PASSWORD": "b\udcffytes-of-it"}, "one that cannot be typed"),
    ],
)
def test_bad_password_is_no_reason_to_take_another(
    runtime: Runtime, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        prepare_account(runtime.accounts, environ, pytest.fail)
    assert runtime.accounts.get() is None
