"""What one interface gives up and another takes, in one apply."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from .scenario import Document, Scenario, Shared, interface, peer
from .testhost import STATE_FOLDER, Host

ALICE, BOB = peer("alice", "10.20.0.0/24"), peer("bob", "10.30.0.0/24")


def two(zero: list[Document], one: list[Document], ports: tuple[int, int] = (51820, 51821)) -> dict[str, Document]:
    """wg0 and wg1 with these peers on these ports."""
    other = interface(*one, label="wg1", address=["10.8.0.1/24"], listen_port=ports[1])
    return {"wg0": interface(*zero, listen_port=ports[0]), "wg1": other}


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with Shared(**two([BOB], [ALICE])) as shared:
        yield shared


@pytest.fixture
def base(shared: Shared) -> Scenario:
    """Bob on wg0, alice on wg1."""
    return shared.scenario()


def test_a_peer_moves_to_another_interface_and_back(base: Scenario) -> None:
    run = base.apply(**two([ALICE, BOB], []))
    assert (run.changed, run.wg_quick) == ({"wg0": 1, "wg1": 1}, [])
    assert (base.routes("wg0"), base.routes("wg1")) == ({"10.20.0.0/24", "10.30.0.0/24"}, set())
    base.apply(**two([BOB], [ALICE]))


def test_a_peer_whose_document_moves_is_all_that_is_looked_at(host: Host) -> None:
    scenario = Scenario(host)
    scenario.trust_young_files()
    for name in ("wg0", "wg1"):
        host.path(f"{STATE_FOLDER}/{name}").mkdir()
    host.write(f"{STATE_FOLDER}/wg1/alice.yaml", yaml.safe_dump(ALICE))
    host.write(f"{STATE_FOLDER}/wg1/carol.yaml", yaml.safe_dump(peer("carol", "10.40.0.0/24")))
    scenario.apply(**two([BOB], []))
    for one, other in (("wg1", "wg0"), ("wg0", "wg1")):
        scenario.by_hand(f"mv {STATE_FOLDER}/{one}/alice.yaml {STATE_FOLDER}/{other}/alice.yaml")
        assert scenario.apply().wg_quick == []
        assert "10.20.0.0/24" in scenario.routes(other)


def test_a_listen_port_moves_on(base: Scenario) -> None:
    base.apply(**two([BOB], [ALICE], (51821, 51822)))
    assert [base.wg("listen-port", name=name) for name in ("wg0", "wg1")] == ["51821", "51822"]
    base.apply(**two([BOB], [ALICE]))


def test_a_restart_takes_what_another_one_gives_up(base: Scenario) -> None:
    wanted = two([ALICE, BOB], [], (51821, 51822))
    base.apply(**wanted | {"wg0": wanted["wg0"] | {"post_up": ["true"]}})
    base.apply(**two([BOB], [ALICE]))
