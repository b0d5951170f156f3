"""Which hook failed on the way down, told from what wg-quick says."""

from __future__ import annotations

import pytest

from wgreconcile.converge.hooks import hook_error
from wgreconcile.errors import CommandError

from ..observed.strategies import secret_key
from ..planning.builders import conf

KEY = secret_key("hook").reveal()
DOWN = conf(pre_down=("first", "logger %i"), post_down=(f"wipe {KEY}", "last"))


def said(*lines: str) -> str:
    error = hook_error(CommandError(["wg-quick", "down"], 3, "\n".join(lines)), DOWN, "wg0")
    return str(error) if error else ""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["[#] first", "no luck"], ["its pre_down hook failed: first", "repair the hook in the state"]),
        (
            ["[#] first", "[#] logger wg0"],
            ["its pre_down hook failed: logger wg0", "1 pre_down hook before it has run already"],
        ),
        (["[#] ip link delete dev wg0", "[#] wipe (key)"], ["its post_down hook failed: wipe (key)", "repair"]),
        (["[#] wipe (key)", "[#] last"], ["its post_down hook failed: last", "repair"]),
    ],
)
def test_a_hook_that_fails_is_named(lines: list[str], expected: list[str]) -> None:
    for line, begin in zip(said(*lines).splitlines(), expected, strict=False):
        assert line.startswith(begin)
    assert said(*lines).endswith("`wg-quick down` ended with status 3: " + "\n".join(lines))


@pytest.mark.parametrize("lines", [["[#] first", "[#] ip link delete dev wg0", "busy"], ["wg0 is not one"], []])
def test_what_is_no_hook_is_told_as_it_is(lines: list[str]) -> None:
    assert said(*lines) == ""
