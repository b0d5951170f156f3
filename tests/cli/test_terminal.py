"""What a terminal shows while work takes long, and what nobody else gets."""

from __future__ import annotations

import io

import pytest

from wgreconcile.cli.terminal import progress, working


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_one_line_shows_what_is_done_and_for_whom(terminal: Terminal) -> None:
    show = progress(terminal)
    show("", "reading the state")
    show("wg0", "verifying")
    show("", "")
    assert terminal.getvalue() == "\r\033[Kreading the state …\r\033[Kwg0: verifying …\r\033[K"


def test_it_is_cleared_when_that_fails(terminal: Terminal) -> None:
    with pytest.raises(RuntimeError), working(terminal, "reading the state"):
        raise RuntimeError
    assert terminal.getvalue() == "\r\033[Kreading the state …\r\033[K"


def test_a_pipe_and_a_simple_terminal_get_none(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with working(pipe := io.StringIO(), "reading the state"):
        pass
    monkeypatch.setenv("TERM", "dumb")
    with working(terminal, "reading the state"):
        pass
    assert pipe.getvalue() == terminal.getvalue() == ""
