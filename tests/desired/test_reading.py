from __future__ import annotations

from wgreconcile.desired.model import Interface, Peer
from wgreconcile.desired.reading import read

from .samples import SECRET, key, shows_secret


def faults(kind: str, text: str) -> list[str]:
    return [str(each) for each in read(kind, text, "f", name="wg0", origin="wg0.yaml").faults]


def test_a_sound_document_is_its_value() -> None:
    reading = read("interface", "listen_port: 51820\n", "f", name="wg0", origin="wg0.yaml")
    assert reading.value == Interface("wg0", listen_port=51820)
    assert reading.faults == ()
    reading = read("peer", f"public_key: {key(1)}\n", "f", name="alice", origin="wg0/alice.yaml")
    assert isinstance(reading.value, Peer)
    assert reading.value.name == "alice"


def test_a_document_that_is_no_yaml_has_no_value() -> None:
    reading = read("interface", "a: [", "f", name="wg0", origin="wg0.yaml")
    assert reading.value is None
    assert len(reading.faults) == 1


def test_faults_of_schema_and_of_values_are_told_together_with_their_lines() -> None:
    text = f"""mtu: x
address: [10.0.0.300, 5, 10.0.0.1/24]
peers:
- public_key: {key(1)}
  nam: a
  endpoint: x
- 7
- public_key: {key(2)}
  allowed_ips: [10.0.0.400]
"""
    assert [each.partition(";")[0] for each in faults("interface", text)] == [
        "f:2: address[1]: 5 is not text",
        "f:1: mtu: 'x' is not an MTU from 576 to 65535",
        "f:5: peers[0].nam: unknown field",
        "f:7: peers[1]: 7 is not a peer",
        "f:2: address[0]: '10.0.0.300' is not an IPv4 or IPv6 address",
        "f:6: peers[0].endpoint: 'x' is not an endpoint",
        "f:9: peers[2].allowed_ips[0]: '10.0.0.400' is not an IPv4 or IPv6 network",
    ]


def test_of_a_faulty_document_the_sound_part_is_the_value() -> None:
    text = f"mtu: x\nlisten_port: 5\npeers:\n- public_key: {key(1)}\n  endpoint: x\n"
    value = read("interface", text, "f", name="wg0", origin="wg0.yaml").value
    assert isinstance(value, Interface)
    assert (value.listen_port, value.mtu, len(value.peers)) == (5, None, 1)


def test_a_missing_public_key_is_one_fault() -> None:
    (fault,) = faults("peer", "name: alice\n")
    assert fault.startswith("f:1: public_key: is missing")


def test_a_text_that_was_checked_before_skips_the_schema_only() -> None:
    reading = read("interface", "address: x\n", "f", name="wg0", origin="wg0.yaml", checked=True)
    assert [each.field for each in reading.faults] == ["address[0]"]


def test_no_fault_shows_a_key() -> None:
    text = f"private_key: {SECRET}x\nclient_defaults:\n  private_key: [{SECRET}]\n  dns: {SECRET}!\n{SECRET}: 1\n"
    assert len(faults("interface", text)) == 4
    assert not shows_secret("".join(faults("interface", text)))
