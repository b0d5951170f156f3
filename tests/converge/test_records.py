"""The memory of each interface: what it survives, who may read it, and what it says."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from wgreconcile.converge.records import Record, Records
from wgreconcile.observed.conf import Conf
from wgreconcile.planning.render import render_conf

from ..observed.strategies import secret_key
from ..planning.builders import conf, many

WG0 = conf(*many(3), post_up=("true",))
RECORD = Record(render_conf(WG0), False, ("wg-quick", "up", "/etc/wireguard/.wgreconcile/wg0.conf"))


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "var")


@pytest.mark.parametrize("record", [RECORD, Record(""), Record("# caf\udce9 é \x00\n", True)])
def test_what_is_saved_is_loaded(records: Records, record: Record) -> None:
    records.save("wg0", record)
    assert records.load("wg0") == record
    assert records.names() == {"wg0"}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_room_for_what_is_no_longer(
    records: Records, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    records.save("wg0", RECORD)

    def full(path: Path, text: str) -> None:
        raise OSError(code, "full", f"{path}.draft")

    monkeypatch.setattr("wgreconcile.converge.records.write_atomic", full)
    records.save("wg0", replace(RECORD, running=()))
    assert records.load("wg0") == replace(RECORD, running=())
    for name, record in (("wg0", RECORD), ("wg1", RECORD)):
        with pytest.raises(OSError, match="full") as error:
            records.save(name, record)
        assert error.value.filename.endswith(f"/interfaces/{name}.json")
    assert records.load("wg0") == replace(RECORD, running=())


def test_other_failures_of_a_disk_are_told(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    records.save("wg0", RECORD)

    def broken(path: Path, text: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", f"{path}.draft")

    monkeypatch.setattr("wgreconcile.converge.records.write_atomic", broken)
    with pytest.raises(OSError, match="Read-only"):
        records.save("wg0", Record(""))
    assert records.load("wg0") == RECORD


def test_what_was_never_remembered_is_forgotten_easily(records: Records) -> None:
    records.forget("wg0")


def test_what_is_no_file_holds_nobody_up(tmp_path: Path, records: Records) -> None:
    records.save("wg0", RECORD)
    (tmp_path / "var/interfaces/wg0.json").unlink()
    os.mkfifo(tmp_path / "var/interfaces/wg0.json")
    with pytest.raises(OSError, match="is not a regular file"):
        records.load("wg0")


def test_only_the_owner_may_read_it(tmp_path: Path, records: Records) -> None:
    before = os.umask(0)
    try:
        records.save("wg0", RECORD)
    finally:
        os.umask(before)
    folder = tmp_path / "var" / "interfaces"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "wg0.json").stat().st_mode & 0o777 == 0o600


def test_nothing_is_managed_at_first(records: Records) -> None:
    assert records.load("wg0") is None
    assert records.names() == set()


def test_what_is_forgotten_is_not_managed(records: Records) -> None:
    records.save("wg0", RECORD)
    records.save("wg1", RECORD)
    records.forget("wg0")
    records.forget("wg0")
    assert (records.load("wg0"), records.names()) == (None, {"wg1"})


def test_names_with_dots_and_half_written_files(tmp_path: Path, records: Records) -> None:
    records.save("wg.json", RECORD)
    (tmp_path / "var" / "interfaces" / ".wg0.json.abcd1234").write_text("half")
    assert records.names() == {"wg.json"}
    assert records.load("wg.json") == RECORD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"text": "", "up": true}',
        '{"text": "", "up": true, "running": null}',
        '{"text": 1, "up": true, "running": []}',
        '{"text": null, "up": true, "running": []}',
        '{"text": "", "up": "yes", "running": []}',
        '{"text": "", "up": true, "running": "wg-quick up"}',
    ],
)
def test_a_spoilt_record_is_still_one_of_a_managed_interface(tmp_path: Path, records: Records, text: str) -> None:
    """It says nothing more than that, and the next run makes it whole."""
    records.save("wg0", RECORD)
    (tmp_path / "var" / "interfaces" / "wg0.json").write_text(text)
    found = records.load("wg0")
    assert found == Record("")
    assert found.conf == Conf()
    assert not found.was_coming_up


def test_a_disk_that_fails_keeps_the_record_of_before(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    records.save("wg0", RECORD)

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output error"):
        records.save("wg0", Record("new"))
    monkeypatch.undo()
    assert records.load("wg0") == RECORD


def test_what_a_record_means() -> None:
    assert RECORD.conf == WG0
    assert Record("<html>").conf == Conf()
    assert RECORD.conf_like(RECORD.text, WG0) is WG0
    assert RECORD.conf_like(render_conf(conf(*many(4))), conf(*many(4))) == WG0
    assert Record("<html>").conf_like(RECORD.text, WG0) == Conf()


@pytest.mark.parametrize(
    ("running", "coming_up"),
    [
        ((), False),
        (("wg-quick", "up", "/x/up.conf"), True),
        (("wg-quick", "down", "/x/wg0.conf"), False),
    ],
)
def test_whether_a_run_ended_while_the_interface_came_up(running: tuple[str, ...], coming_up: bool) -> None:
    assert Record("", True, running).was_coming_up is coming_up


def test_no_key_shows() -> None:
    assert secret_key("wg0").reveal() not in repr(RECORD)


def test_the_format_is_plain_json(tmp_path: Path, records: Records) -> None:
    records.save("wg0", RECORD)
    data = json.loads((tmp_path / "var" / "interfaces" / "wg0.json").read_text())
    assert data == {"text": RECORD.text, "up": False, "running": list(RECORD.running)}
