"""The first account. There is no default password, except on this very host until one has been chosen."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from wgreconcile.api.runtime.accounts import Accounts
from wgreconcile.errors import UsageError

USERNAME = "admin"
DEFAULT_PASSWORD = "admin"

PASSWORD_VARIABLE = "WGRECONCILE_PASSWORD"
PASSWORD_FILE_VARIABLE = "WGRECONCILE_PASSWORD_FILE"

_SHORTEST = 8
_LONGEST = 1024
_UNTYPABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def prepare_account(accounts: Accounts, environ: Mapping[str, str], announce: Callable[[str], None]) -> None:
    """Make the account on the first run, with a password from the environment or a file it names, else a new one.

    A new one is announced, and once more with every start until name and password have been chosen, since only
    its hash is kept. Raise UsageError when the given password cannot be read or is too short.
    """
    account = accounts.get()
    if account is not None and not account.is_initial:
        return
    given = _given_password(environ)
    if given is not None:
        accounts.create(USERNAME, given, has_default_password=False)
        return
    if account is not None and not account.has_default_password:
        return
    password = secrets.token_urlsafe(12)
    accounts.create(USERNAME, password, has_default_password=True)
    announce(
        f"First run. Sign in as {USERNAME} with the one-time password {password}\n"
        f"(from this host {USERNAME}/{DEFAULT_PASSWORD} works too), then choose your own."
    )


def _given_password(environ: Mapping[str, str]) -> str | None:
    password = environ.get(PASSWORD_VARIABLE)
    path = environ.get(PASSWORD_FILE_VARIABLE)
    if password is None and path:
        try:
            password = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise UsageError(f"{PASSWORD_FILE_VARIABLE}: {path} cannot be read ({type(error).__name__})") from None
    if password is not None and len(password) < _SHORTEST:
        raise UsageError(f"the first password has fewer than {_SHORTEST} characters; give a longer one")
    if password is not None and (len(password) > _LONGEST or _UNTYPABLE.search(password)):
        reason = f"has more than {_LONGEST} characters, or one that cannot be typed, such as a line break"
        raise UsageError(f"the first password {reason}; give one that sign-in takes")
    return password
