"""Errors that people read: each says where and what to do, and ends the program with its own status."""

from __future__ import annotations

import inspect

import pytest

from wgreconcile import errors
from wgreconcile.errors import CommandError, Fault, StateError, UsageError, WgreconcileError, masked

EVERY = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, WgreconcileError)]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("a.yaml", 3, "mtu", "is odd", "make it even"), "a.yaml:3: mtu: is odd; make it even"),
        (Fault("a.yaml", 0, "mtu", "is odd"), "a.yaml: mtu: is odd"),
        (Fault("a.yaml", 3, "", "is empty", "write something"), "a.yaml:3: is empty; write something"),
        (Fault("a.yaml", 0, "", "is empty"), "a.yaml: is empty"),
    ],
)
def test_a_fault_leaves_out_what_it_does_not_know(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_faults_are_told_once_and_in_the_order_of_the_files() -> None:
    late, early, other = Fault("a", 10, "", "x"), Fault("a", 9, "", "x"), Fault("b", 1, "", "x")
    error = StateError([other, late, early, late])
    assert error.faults == (early, late, other)
    assert str(error) == "a:9: x\na:10: x\nb:1: x"


KEY = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="


def test_no_fault_quotes_a_key() -> None:
    fault = Fault("a.yaml", 3, f"peers.{KEY}", f"/secrets/{KEY} does not exist, nor {KEY}", f"write {KEY}")
    told = "a.yaml:3: peers.(key): /secrets/(key) does not exist, nor (key); write (key)"
    assert (str(fault), str(StateError([fault]))) == (told, told)
    assert KEY not in repr(fault)
    assert str(UsageError(f"no interface {KEY}")) == "no interface (key)"


@pytest.mark.parametrize("text", ["a" * 44, "a" * 43, f"{'a' * 42}=", "/etc/wireguard/wg0.conf", f"{'-' * 43}="])
def test_what_is_no_key_is_quoted(text: str) -> None:
    assert masked(text) == text


def test_a_failed_command_is_told_with_its_words() -> None:
    error = CommandError(["wg", "show"], 3, "  no such device\n")
    assert (error.argv, error.status, error.stderr) == (("wg", "show"), 3, "no such device")
    assert str(error) == "`wg show` ended with status 3: no such device"
    assert str(CommandError(["wg"], 1, " \n")) == "`wg` ended with status 1: no message"


def test_exit_statuses() -> None:
    """The table of the manual."""
    special = {each.__name__: each.exit_status for each in EVERY if each.exit_status != 1}
    assert special == {"BusyError": 75, "StateError": 78}


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_says_who_must_act(kind: type[WgreconcileError]) -> None:
    assert kind.__doc__
    assert issubclass(kind, WgreconcileError)
    assert not issubclass(kind, OSError | ValueError)
