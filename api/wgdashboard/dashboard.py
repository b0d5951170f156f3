"""The dashboard's settings in the sections and keys of WGDashboard's ini file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wgreconcile.api.auth.confirm import require_fresh
from wgreconcile.api.refusal import Refusal
from wgreconcile.api.request import Request
from wgreconcile.api.services import Services
from wgreconcile.api.wgdashboard import account
from wgreconcile.api.wgdashboard.setting_items import ITEMS, boolean
from wgreconcile.desired.wording import show
from wgreconcile.errors import StateError

_LONGEST_VERSION = 32


def configuration(services: Services, _request: Request) -> dict[str, dict[str, str | bool]]:
    """All settings. The password's hash is nobody's business, its place is kept."""
    settings, its = services.settings.get(), services.runtime.accounts.require()
    sections: dict[str, dict[str, str | bool]] = {
        "Account": {
            "username": its.username,
            "password": account.HIDDEN_PASSWORD,
            "enable_totp": its.totp_enabled,
            "totp_verified": its.totp_verified,
        },
        "Server": {
            "wg_conf_path": services.conf_dir,
            "auth_req": settings.server.auth_required,
            "version": services.settings.version,
            "dashboard_api_key": settings.server.api_keys,
        },
        "Peers": {},
        "Other": {"welcome_session": its.is_new},
        "Database": {"type": "sqlite"},
    }
    for item in ITEMS:
        sections[item.section][item.key] = item.shown(settings)
    return sections


def theme(services: Services, _request: Request) -> str:
    """Colours of the page."""
    return services.settings.get().page.theme


def version(services: Services, _request: Request) -> str:
    """The version of WGDashboard whose shapes the API answers in."""
    return services.settings.version


def update_item(services: Services, request: Request) -> None:
    """Change one setting. The order of the checks is v4.0's."""
    section, key, value = (request.body[name] for name in ("section", "key", "value"))
    if key == "totp_key":
        raise Refusal(None)
    if value == "":
        raise Refusal("Field cannot be empty!")
    if (section, key) == ("Account", "password"):
        account.change_password(services, request, value)
        return
    _changer(section, key)(services, request, _text(value))


Changer = Callable[[Services, Request, str], None]


def _changer(section: str, key: str) -> Changer:
    known = {**_SPECIAL, **{(item.section, item.key): _to_document(item.key) for item in ITEMS}}
    if not any(section == each for each, _ in known):
        raise Refusal("Section does not exist")
    if (section, key) not in known:
        raise Refusal(f"{show(key)[1:-1]} does not exist under {section}")
    return known[section, key]


def _to_document(key: str) -> Changer:
    item = next(each for each in ITEMS if each.key == key)

    def change(services: Services, _request: Request, text: str) -> None:
        try:
            services.settings.set(item.field, item.parse(text))
        except StateError as error:
            fault = next((each for each in error.faults if each.field.startswith(item.field)), error.faults[0])
            raise Refusal(f"{key}: {fault.problem}") from None

    return change


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise Refusal("value: an object is not text, true or false")


def _set_auth_required(services: Services, request: Request, text: str) -> None:
    required = boolean("auth_req", text)
    if not required:
        if not request.remote.is_local:
            raise Refusal("auth_req: can be switched off from this host only, or in settings.yaml")
        require_fresh(services, request)
    services.settings.set("server.auth_required", required)


def _set_api_keys(services: Services, request: Request, text: str) -> None:
    enabled = boolean("dashboard_api_key", text)
    if request.caller.key is None:
        require_fresh(services, request)
    services.settings.set("server.api_keys", enabled)


def _announce_version(services: Services, _request: Request, text: str) -> None:
    if len(text) > _LONGEST_VERSION:
        raise Refusal("version: is longer than 32 characters")
    services.settings.announce_version(text)


def _keep_conf_dir(services: Services, _request: Request, text: str) -> None:
    # Where root writes files is not for the network to say: the command line names the folder.
    if text.rstrip("/") != services.conf_dir.rstrip("/"):
        raise Refusal(f"{text} is not a valid path")


def _keep_database(_services: Services, _request: Request, text: str) -> None:
    if text != "sqlite":
        raise Refusal(f"type: {show(text)} is not sqlite")


_SPECIAL: dict[tuple[str, str], Changer] = {
    ("Account", "username"): account.rename,
    ("Account", "enable_totp"): account.set_totp_enabled,
    ("Account", "totp_verified"): account.set_totp_verified,
    ("Server", "wg_conf_path"): _keep_conf_dir,
    ("Server", "auth_req"): _set_auth_required,
    ("Server", "version"): _announce_version,
    ("Server", "dashboard_api_key"): _set_api_keys,
    ("Other", "welcome_session"): account.set_new,
    ("Database", "type"): _keep_database,
}
