"""What ``wgreconcile import`` prints, and how it ends."""

from __future__ import annotations

import io

import pytest

from wgreconcile.cli import import_verb
from wgreconcile.cli.import_verb import live_interfaces, run_import
from wgreconcile.errors import CommandError, DependencyError

from .samples import Place, key, shown_secrets

CONF = """\
[Interface]
PrivateKey = @SECRET0@
[Peer]
# ann
PublicKey = @KEY1@
PresharedKey = @SECRET1@
"""


def run(place: Place, *arguments: str, live: tuple[str, ...] = ("wg0",)) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = run_import(place.site, arguments, out=out, err=err, live=live)
    said, told = (each.getvalue().replace(f"{place.root}/", "") for each in (out, err))
    return status, said, told


def test_success(place: Place) -> None:
    place.write("wg0.conf", CONF)
    assert run(place) == (
        0,
        "wg0: 1 peer in state/wg0.yaml, 2 keys in secrets\n"
        "imported 1, refused 0; look at the state, then at `wgreconcile plan`\n",
        "",
    )


def test_notes_stand_below_the_interface(place: Place) -> None:
    place.write("wg1.conf", CONF, 0o644)
    status, out, _ = run(place, "wg1")
    assert status == 0
    assert out.splitlines()[1:3] == [
        "  conf/wg1.conf holds keys: its mode was 0644 and is 0600 now",
        "  not up now, so its document says `enabled: false`; take that out to bring it up",
    ]


def test_many_peers_are_told_by_their_number(place: Place) -> None:
    place.write("wg0.conf", CONF + "".join(f"[Peer]\nPublicKey = {key(each)}\n" for each in range(2, 30)))
    assert run(place)[1].startswith(
        "wg0: 29 peers in state/wg0.yaml and 29 files in state/wg0, 2 keys in secrets\n"
    )


def test_a_terminal_shows_what_is_being_done(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    place.write("wg0.conf", CONF)
    monkeypatch.setenv("TERM", "xterm")
    err = Terminal()
    run_import(place.site, (), out=io.StringIO(), err=err, live=())
    assert err.getvalue() == "\r\033[Kreading the state …\r\033[Kwg0: writing 3 files …\r\033[K"


def test_faults_end_with_1_and_the_others_are_imported(place: Place) -> None:
    place.write("wg0.conf", CONF)
    place.write("wg1.conf", "[Interface]\nPrivateKey @SECRET2@\n")
    status, out, err = run(place)
    assert (status, err) == (
        1,
        "conf/wg1.conf:2: neither `Key = value` nor a section; "
        "correct the line or take it out, then import again\n",
    )
    assert out.splitlines() == [
        "wg0: 1 peer in state/wg0.yaml, 2 keys in secrets",
        "imported 1, refused 1, of which nothing was changed; look at the state, then at `wgreconcile plan`",
    ]
    assert shown_secrets(out + err) == []


def test_nothing_imported_has_nothing_to_look_at(place: Place) -> None:
    assert run(place, "wg7")[:2] == (1, "imported 0, refused 1, of which nothing was changed\n")


def test_nothing_to_import(place: Place) -> None:
    place.write("wg0.conf", CONF)
    run(place)
    assert run(place) == (0, "nothing to import: no file in conf that is not in the state already\n", "")


def test_interfaces_that_are_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        import_verb, "run", lambda argv: "wg0 wg1\n" if argv == ["wg", "show", "interfaces"] else ""
    )
    assert live_interfaces() == {"wg0", "wg1"}
    place.write("wg0.conf", CONF)
    assert run_import(place.site, (), out=io.StringIO()) == 0
    assert "enabled" not in place.documents()["wg0.yaml"]


def test_without_wireguard_no_interface_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> str:
        raise DependencyError("`wg` is not installed")

    monkeypatch.setattr(import_verb, "run", missing)
    assert live_interfaces() == frozenset()


def test_a_look_that_fails_is_no_look(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argv: list[str]) -> str:
        raise CommandError(argv, 1, "denied")

    monkeypatch.setattr(import_verb, "run", fail)
    place.write("wg0.conf", CONF)
    with pytest.raises(CommandError, match="denied"):
        run_import(place.site, (), out=io.StringIO())
    assert place.documents() == place.kept() == {}
