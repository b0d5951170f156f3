"""What the verbs print that need the state alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgreconcile.cli.main import main
from wgreconcile.values import SecretKey, public_key_of

from ..desired.samples import key

STATE = f"""\
address: 10.7.0.1/24
listen_port: 51820
client_defaults: {{endpoint: vpn.example.com:51820}}
peers:
  - name: ann
    public_key: {key(1)}
    allowed_ips: 10.7.0.2/32
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state with one interface, which all verbs take."""
    (tmp_path / "state").mkdir()
    for each in ("state", "var", "secrets"):
        monkeypatch.setenv(f"WGRECONCILE_{each.upper()}", str(tmp_path / each))
    (tmp_path / "state" / "wg0.yaml").write_text(STATE)
    return tmp_path / "state"


class TestClientFile:
    def shown(self, capsys: pytest.CaptureFixture[str]) -> list[str]:
        assert main(["render", "--client", "ann"]) == 0
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("PublicKey")]

    def test_it_has_the_public_key_of_the_interface(self, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["genkey", "wg0.key"]) == 0
        public_key = capsys.readouterr().out.strip()
        assert self.shown(capsys) == [f"PublicKey = {public_key}"]

    def test_a_key_that_is_written_out_has_one_too(self, state: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (state / "wg0.yaml").write_text(f"{STATE}private_key: {key(5)}\n")
        assert self.shown(capsys) == [f"PublicKey = {public_key_of(SecretKey(key(5)))}"]

    def test_without_a_private_key_nobody_knows_it_yet(
        self, state: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.shown(capsys) == ["PublicKey = (public key)"]
        assert not (state.parent / "secrets").exists()


def test_peers_of_one_name_are_told_apart(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / "wg1.yaml").write_text(
        STATE.replace("10.7.0", "10.8.0").replace(key(1), key(2)).replace("51820\nclient", "51821\nclient")
    )
    assert main(["render", "--client", "ann"]) == 1
    where = f"{key(1)[:8]}… of wg0, {key(2)[:8]}… of wg1"
    said = f"wgreconcile: ann names 2 peers: {where}; give the public key and the interface\n"
    assert capsys.readouterr().err == said
    assert main(["render", "wg1", "--client", "ann"]) == 0


def test_a_fault_of_a_public_key_says_where_one_comes_from(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (state / "wg0.yaml").write_text("peers: [{public_key: AAAA}]\n")
    assert main(["validate"]) == 78
    assert "'AAAA' is not a public key (32 bytes in base64: 44 characters that end in '='); " in (
        said := capsys.readouterr().err
    )
    assert "; copy it whole, as `wg pubkey` prints it\n" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("allowed_ips: [a b\n", "did not find expected ',' or ']'"),
        (f"preshared_key: '{key(3)}' {key(4)}\n", "did not find expected key"),
    ],
)
def test_yaml_that_is_none_is_told_in_the_words_of_its_parser(
    state: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (state / "wg0.yaml").write_text(text)
    assert main(["validate"]) == 78
    assert said in capsys.readouterr().err
