"""The one account of the dashboard: name, password, second factor."""

from __future__ import annotations

from dataclasses import dataclass

from wgreconcile.api.auth import passwords, totp
from wgreconcile.api.runtime.database import Database
from wgreconcile.api.runtime.seal import Seal

_COLUMNS = "username, password_hash, has_default_password, is_initial, is_new, totp_enabled, totp_verified"
_OWN_PASSWORD = "has_default_password = 0, is_initial = 0, is_new = 0"
_TOTP = "totp secret"


@dataclass(frozen=True, slots=True)
class Account:
    """The account as it is now.

    ``is_initial``: nobody has chosen a password yet. ``has_default_password``: admin/admin is taken as well, from
    this host only. ``is_new``: sign-in leads to the welcome page.
    """

    username: str
    password_hash: str
    has_default_password: bool
    is_initial: bool
    is_new: bool
    totp_enabled: bool
    totp_verified: bool


class Accounts:
    """The account's row. :meth:`create` comes before everything else."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    def get(self) -> Account | None:
        """The account, None before the first run."""
        row = self._database.read_one(f"SELECT {_COLUMNS} FROM account")
        return Account(row[0], row[1], *map(bool, row[2:])) if row else None

    def require(self) -> Account:
        """The account, which exists once the server runs."""
        account = self.get()
        if account is None:
            raise RuntimeError("the account was not created before the first request")
        return account

    def create(self, username: str, password: str, *, has_default_password: bool) -> None:
        """Make the account, or give one whose password nobody chose another one."""
        values = (username, passwords.hash_password(password), has_default_password, self._new_totp())
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO account (id, username, password_hash, has_default_password, is_new, totp_sealed)"
                " VALUES (1, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash,"
                " has_default_password = excluded.has_default_password WHERE is_initial",
                values,
            )

    def rename(self, username: str) -> None:
        self._set("username = ?", username)

    def set_password(self, password: str) -> None:
        """Change the password; admin/admin is never taken again."""
        self._set(f"password_hash = ?, {_OWN_PASSWORD}", passwords.hash_password(password))

    def adopt(self, username: str, password_hash: str) -> bool:
        """Take over an account of WGDashboard with its bcrypt hash. False when somebody has set one up already."""
        return self._take_over(username, password_hash)

    def adopt_totp(self, secret: str, *, verified: bool) -> None:
        """Take over the second factor of an account, which sign-in asks for from now on."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE account SET totp_sealed = ?, totp_enabled = 1, totp_verified = ?, totp_last_step = 0",
                (self._seal.seal(_TOTP, secret), verified),
            )

    def renew_hash(self, account: Account, password: str) -> None:
        """Hash the same password in today's way, unless it was changed in the meantime."""
        values = (passwords.hash_password(password), account.password_hash)
        with self._database.write() as connection:
            connection.execute("UPDATE account SET password_hash = ? WHERE password_hash = ?", values)

    def set_up(self, username: str, password: str) -> bool:
        """Name and password as the owner chose them, once. False when that was done before."""
        return self._take_over(username, passwords.hash_password(password))

    def set_new(self, is_new: bool) -> None:
        """Whether sign-in leads to the welcome page."""
        self._set("is_new = ?", is_new)

    def totp_secret(self) -> str:
        """The secret of the second factor, in base32."""
        (sealed,) = self._database.read_one("SELECT totp_sealed FROM account")
        return self._seal.open(_TOTP, sealed)

    def enable_totp(self, enabled: bool) -> None:
        """Whether sign-in asks for a code."""
        self._set("totp_enabled = ?", enabled)

    def verify_totp(self) -> None:
        """The owner has shown a good code: sign-in asks for one from now on."""
        self._set("totp_verified = 1, totp_enabled = ?", True)

    def forget_totp(self) -> None:
        """Take the verified secret out of use. It is good for sign-in until the next enrolment begins."""
        self._set("totp_verified = 0, totp_spent = ?", True)

    def enrolment_secret(self) -> str:
        """The secret to enrol with: the same until it is verified, and never one that was verified before."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE account SET totp_sealed = ?, totp_last_step = 0, totp_spent = 0 WHERE totp_spent",
                (self._new_totp(),),
            )
        return self.totp_secret()

    def use_totp_step(self, step: int) -> bool:
        """Mark a code as used. False when it, or a later one, was used before, even a moment ago elsewhere.

        A later one that nobody can have had by now is from before the clock was set back, and is no reason.
        """
        with self._database.write() as connection:
            done = connection.execute(
                "UPDATE account SET totp_last_step = ? WHERE totp_last_step < ? OR totp_last_step > ?",
                (step, step, step + totp.STEPS_AROUND),
            )
        return done.rowcount == 1

    def _take_over(self, username: str, password_hash: str) -> bool:
        with self._database.write() as connection:
            done = connection.execute(
                f"UPDATE account SET username = ?, password_hash = ?, {_OWN_PASSWORD} WHERE is_initial",
                (username, password_hash),
            )
        return done.rowcount == 1

    def _set(self, assignment: str, value: str | bool) -> None:
        with self._database.write() as connection:
            connection.execute(f"UPDATE account SET {assignment}", (value,))

    def _new_totp(self) -> bytes:
        return self._seal.seal(_TOTP, totp.new_secret())
