"""Where everything is: from the command line, else the environment, else the settings file, else the default."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import wgreconcile
from wgreconcile import files
from wgreconcile.errors import Fault, StateError

SETTINGS_FILE = Path("/etc/wgreconcile/settings.yaml")
KEYS = ("state", "secrets", "conf_dir", "var")


@dataclass(frozen=True, slots=True)
class Settings:
    """The folders of a host: desired state, secrets, configuration files, and wgreconcile's own memory."""

    state: Path
    secrets: Path
    conf_dir: Path
    var: Path


def resolve(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Find each folder. Raise StateError when the settings file has faults."""
    explicit = arguments.settings or environment.get("WGRECONCILE_SETTINGS")
    in_file = _read(Path(explicit) if explicit else SETTINGS_FILE, required=bool(explicit))

    def find(key: str, default: Path) -> Path:
        given = getattr(arguments, key) or environment.get(f"WGRECONCILE_{key.upper()}") or in_file.get(key)
        return Path(given) if given else default

    state = find("state", _default_state())
    conf_dir = find("conf_dir", Path("/etc/wireguard"))
    if set(str(conf_dir)) & set("#\n"):
        raise StateError(
            [Fault(str(conf_dir), 0, "conf_dir", "has a '#' or a line break, which wg-quick cannot read")]
        )
    return Settings(
        state=state,
        secrets=find("secrets", state.absolute().parent / "secrets"),
        conf_dir=conf_dir.absolute(),
        var=find("var", Path("/var/lib/wgreconcile")),
    )


def _default_state() -> Path:
    """``state/`` of the checkout that this program runs from, else the host's."""
    checkout = Path(wgreconcile.__file__).parents[1]
    if (checkout / "setup.cfg").is_file() and (checkout / "state").is_dir():
        return checkout / "state"
    return Path("/etc/wgreconcile/state")


def _read(path: Path, *, required: bool) -> dict[str, str]:
    try:
        text = files.read(path).decode()
    except FileNotFoundError:
        if required:
            raise StateError([Fault(str(path), 0, "", "no such file", "name an existing settings file")]) from None
        return {}
    except UnicodeDecodeError:
        raise StateError([Fault(str(path), 0, "", "is not UTF-8", "save it as UTF-8")]) from None
    # Imported only here: a run without such a file is over sooner.
    from wgreconcile.desired.documents import parse
    from wgreconcile.desired.schema import check_settings

    data = parse(text, str(path))
    check_settings(data, text, str(path))
    return {key: str(path.parent / value) for key, value in data.items() if key in KEYS}
