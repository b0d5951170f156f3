"""Which hook made ``wg-quick down`` fail, and what its user can do about it."""

from __future__ import annotations

from wgreconcile.errors import CommandError, HookError, masked
from wgreconcile.observed.conf import Conf

_REMEDY = (
    "repair the hook in the state, with pre_up and post_up as they are, and apply again: it goes down with the "
    "hooks that belong to those it came up with (one that was removed has to be put back into the state for this)"
)


def hook_error(error: CommandError, conf: Conf, name: str) -> HookError | None:
    """The same error in the words of the state; None when it was no hook that failed.

    wg-quick names each hook before it runs it, and ends with the first one that fails.
    """
    begun = [line[4:] for line in error.stderr.splitlines() if line.startswith("[#] ")]
    for field in ("pre_down", "post_down"):
        hooks = [masked(each.replace("%i", name)) for each in getattr(conf, field)]
        if begun and begun[-1] in hooks:
            number = hooks.index(begun[-1])
            # The way back brings up what is down, with all its hooks; what is still up it has no reason to touch.
            done = f"{_already(number)}\n" if number and field == "pre_down" else ""
            return HookError(f"its {field} hook failed: {begun[-1]}\n{done}{_REMEDY}\n{error}")
    return None


def _already(number: int) -> str:
    hooks = "1 pre_down hook before it has" if number == 1 else f"{number} pre_down hooks before it have"
    return f"{hooks} run already, and nothing takes that back"
