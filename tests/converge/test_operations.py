"""Each step as commands: word for word, with what is given to read, and nothing of it left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wgreconcile.converge import operations
from wgreconcile.converge.operations import PEERS_PER_CALL, Host, brought_up_with, command_of, perform
from wgreconcile.errors import CommandError
from wgreconcile.observed.conf import NO_KEY, Conf
from wgreconcile.observed.model import Route, Rule
from wgreconcile.planning.model import (
    Adjust,
    BringUp,
    RemoveFile,
    RemovePeers,
    SetPeers,
    Step,
    SyncConf,
    TakeDown,
    WriteFile,
)
from wgreconcile.values import Address, Network

from ..observed.strategies import public_key, secret_key
from ..planning.builders import conf, many, peer
from .conftest import Programs

SECRET, ANN = secret_key("wg0").reveal(), public_key("ann")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "conf")


def test_the_file_is_written_for_its_owner_alone(host: Host, no_programs: Callable[[], None]) -> None:
    no_programs()
    perform(WriteFile("text"), "wg0", host)
    path = host.conf_path("wg0")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("text", 0o600)
    assert host.conf_dir.stat().st_mode & 0o777 == 0o700


def test_the_file_is_removed(host: Host, no_programs: Callable[[], None]) -> None:
    no_programs()
    perform(WriteFile("text"), "wg0", host)
    perform(RemoveFile(), "wg0", host)
    perform(RemoveFile(), "wg0", host)
    assert list(host.conf_dir.iterdir()) == []


def test_a_sync_is_fed_the_complete_configuration(host: Host, programs: Programs) -> None:
    perform(SyncConf(conf(peer("ann", "10.7.0.2/32"), listen_port=7, post_up=("x",))), "wg0", host)
    assert (
        programs.asked
        == f"""\
$ wg syncconf wg0 /dev/stdin
[Interface]
PrivateKey = {SECRET}
ListenPort = 7
FwMark = off

[Peer]
PublicKey = {ANN}
PresharedKey = {NO_KEY.reveal()}
AllowedIPs = 10.7.0.2/32
PersistentKeepalive = off
"""
    )


def test_a_sync_that_would_wipe_the_interface_is_never_begun(host: Host, no_programs: Callable[[], None]) -> None:
    no_programs()
    with pytest.raises(ValueError, match="wipe"):
        perform(SyncConf(Conf()), "wg0", host)


def test_peers_are_set_by_name_of_their_key_alone(host: Host, programs: Programs) -> None:
    perform(SetPeers((peer("ann", endpoint="192.0.2.1:1", preshared_key=secret_key("psk")),)), "wg0", host)
    assert programs.asked.splitlines()[:2] == ["$ wg addconf wg0 /dev/stdin", ""]
    assert f"PresharedKey = {secret_key('psk').reveal()}\n" in programs.asked
    assert "[Interface]" not in programs.asked


def test_many_peers_are_removed_in_as_many_calls_as_it_takes(host: Host, programs: Programs) -> None:
    keys = tuple(public_key(str(number)) for number in range(PEERS_PER_CALL + 1))
    perform(RemovePeers(keys), "wg0", host)
    first, second = programs.commands
    assert first.split() == ["wg", "set", "wg0", *(word for key in keys[:-1] for word in ("peer", key, "remove"))]
    assert second == f"wg set wg0 peer {keys[-1]} remove"


def test_wg_quick_is_given_a_private_file_of_the_interfaces_name(host: Host, programs: Programs) -> None:
    perform(BringUp(conf(peer("ann", "10.7.0.2/32"), post_up=("up %i",), table="off")), "wg0", host)
    assert (
        programs.asked
        == f"""\
$ wg-quick up {host.conf_dir}/.wgreconcile/wg0.conf
# Managed by wgreconcile: change the desired state, not this file.
[Interface]
PrivateKey = {SECRET}
Table = off
PostUp = up %i

[Peer]
# ann
PublicKey = {ANN}
AllowedIPs = 10.7.0.2/32
({host.conf_dir}/.wgreconcile holds: wg0.conf 600 )
"""
    )
    assert host.staging.stat().st_mode & 0o777 == 0o700
    assert list(host.staging.iterdir()) == []


def test_of_many_peers_wg_quick_sees_none_and_two_commands_bring_them(host: Host, programs: Programs) -> None:
    perform(BringUp(conf(*many(100), mtu=1400, post_up=("mine",))), "wg0", host)
    assert programs.commands == [f"wg-quick up {host.staging}/wg0.conf"]
    given, _, rest = programs.asked.partition("(")
    assert "[Peer]" not in given
    assert [line for line in given.splitlines() if line.startswith("PostUp")] == [
        f"PostUp = wg addconf wg0 {host.staging}/wg0.peers",
        f"PostUp = ip -batch {host.staging}/wg0.routes",
        "PostUp = mine",
    ]
    assert "holds: wg0.conf 600 wg0.peers 600 wg0.routes 600" in rest
    assert rest.count("[Peer]\n") == 100
    routes = [line for line in rest.splitlines() if line.startswith("route add")]
    assert len(routes) == 100
    assert "route add 10.64.0.99/32 dev wg0" in routes
    assert list(host.staging.iterdir()) == []


def test_the_folder_of_the_files_may_have_any_name(tmp_path: Path, programs: Programs) -> None:
    host = Host(tmp_path / "it's a folder")
    perform(BringUp(conf(*many(100), table="1234")), "wg0", host)
    hooks = [line.partition(" = ")[2] for line in programs.asked.splitlines() if line.startswith("PostUp")]
    assert hooks[0] == f"""wg addconf wg0 '{tmp_path}/it'"'"'s a folder/.wgreconcile/wg0.peers'"""
    assert "route add 10.64.0.99/32 dev wg0 table 1234" in programs.asked


def test_the_configuration_that_is_in_force_takes_down(host: Host, programs: Programs) -> None:
    old = conf(*many(3), dns=("10.7.0.1",), pre_down=("bye",), post_down=("gone",), save_config=True)
    perform(TakeDown(old), "wg0", host)
    assert (
        programs.asked
        == f"""\
$ wg-quick down {host.staging}/wg0.conf
# Managed by wgreconcile: change the desired state, not this file.
[Interface]
PrivateKey = {SECRET}
DNS = 10.7.0.1
PreDown = bye
PostDown = gone
({host.staging} holds: wg0.conf 600 )
"""
    )


def test_an_interface_with_many_peers_is_emptied_after_its_own_hooks(host: Host, programs: Programs) -> None:
    left = conf(peer("gate", "0.0.0.0/0"), listen_port=7, fwmark=51820)
    perform(TakeDown(conf(pre_down=("bye",)), left), "wg0", host)
    hooks = [line for line in programs.asked.splitlines() if line.startswith("PreDown")]
    assert hooks == ["PreDown = bye", f"PreDown = wg syncconf wg0 {host.staging}/wg0.emptied"]
    emptied = programs.asked.partition(".emptied)\n")[2]
    assert f"PrivateKey = {SECRET}\nListenPort = 7\nFwMark = 0xca6c\n" in emptied
    assert public_key("gate") in emptied


@pytest.mark.parametrize("step", [BringUp(conf(*many(100))), TakeDown(conf(), conf())])
def test_nothing_staged_is_left_when_wg_quick_fails(host: Host, programs: Programs, step: Step) -> None:
    programs.fails("wg-quick")
    with pytest.raises(CommandError, match="status 7: no, not now"):
        perform(step, "wg0", host)
    assert list(host.staging.iterdir()) == []
    assert len(programs.commands) == 1


def test_what_came_up_half_goes_all_the_same(host: Host, programs: Programs) -> None:
    programs.fails("wg-quick")
    perform(TakeDown(conf(), force=True), "wg0", host)
    assert programs.commands[1:] == ["ip link delete dev wg0"]


def batch(programs: Programs, step: Adjust) -> str:
    perform(step, "wg0", Host(Path("/nowhere")))
    return programs.asked


def test_in_place_everything_is_one_batch(programs: Programs) -> None:
    routes = (Route(Network("10.8.0.0/16")), Route(Network("::/0"), "51820"))
    step = Adjust(True, 1380, add_routes=routes, remove_routes=(Route(Network("10.9.0.0/16"), "7"),))
    assert (
        batch(programs, step)
        == """\
$ ip -batch -
link set dev wg0 mtu 1380
link set dev wg0 up
route add 10.8.0.0/16 dev wg0
route add ::/0 dev wg0 table 51820
route delete 10.9.0.0/16 dev wg0 table 7
"""
    )


def test_an_mtu_too_small_for_ipv6_comes_when_ipv6_is_gone(programs: Programs, kernel: Kernel) -> None:
    step = Adjust(
        mtu=1279,
        remove_address=(Address("fd00:7::1/64"),),
        remove_routes=(Route(Network("fd00:8::/64")),),
        add_routes=(Route(Network("10.8.0.0/16")),),
    )
    assert batch(programs, step).splitlines()[1:] == [
        "route delete fd00:8::/64 dev wg0",
        "address delete fd00:7::1/64 dev wg0",
        "route add 10.8.0.0/16 dev wg0",
        "link set dev wg0 mtu 1279",
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("busy\nCommand failed -:2", "busy\nCommand failed -:2: ip route add 10.8.0.0/16 dev wg0"),
        ("Command failed -:9", "Command failed -:9"),
        ("no, not now", "no, not now"),
    ],
)
def test_of_a_batch_the_line_that_failed_is_told(programs: Programs, said: str, told: str) -> None:
    programs.fails("ip", said)
    with pytest.raises(CommandError) as error:
        batch(programs, Adjust(mtu=1300, add_routes=(Route(Network("10.8.0.0/16")),)))
    assert error.value.stderr == told
    assert str(error.value) == f"`ip -batch -` ended with status 7: {told}"


def test_rules_come_by_ip_version_and_at_their_place(programs: Programs) -> None:
    rules = (Rule(4, 51820), Rule(4, 0), Rule(6, 51820, 32763))
    assert (
        batch(programs, Adjust(add_rules=rules))
        == """\
$ ip -4 -batch -
rule add not fwmark 51820 table 51820
rule add table main suppress_prefixlength 0
$ ip -6 -batch -
rule add not fwmark 51820 table 51820 priority 32763
"""
    )


def test_nothing_to_adjust_is_no_command(no_programs: Callable[[], None]) -> None:
    no_programs()
    perform(Adjust(), "wg0", Host(Path("/nowhere")))


class Kernel:
    """Stands in for /proc/sys: the setting is one of an interface that does not exist here."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []
        self.is_read_only = False

    def __call__(self, path: str) -> Kernel:
        self.path = path
        return self

    def write_text(self, text: str) -> None:
        if self.is_read_only:
            raise OSError(30, "Read-only file system")
        self.written.append((self.path, text))


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(operations, "Path", made)
    return made


def test_addresses_come_before_others_go_and_routes_after_them(programs: Programs, kernel: Kernel) -> None:
    step = Adjust(
        add_address=(Address("10.9.0.1/24"),),
        remove_address=(Address("10.7.0.1/24"),),
        add_routes=(Route(Network("10.7.0.2/32")),),
        remove_routes=(Route(Network("10.9.0.2/32")),),
    )
    assert (
        batch(programs, step)
        == """\
$ ip -batch -
route delete 10.9.0.2/32 dev wg0
address add 10.9.0.1/24 dev wg0
address delete 10.7.0.1/24 dev wg0
route add 10.7.0.2/32 dev wg0
"""
    )
    assert kernel.written == [("/proc/sys/net/ipv4/conf/wg0/promote_secondaries", "1")]


def test_an_ipv6_address_with_another_length_goes_first(programs: Programs, kernel: Kernel) -> None:
    old, new = (
        (Address("fd00:7::1/64"), Address("fd00:8::1/64")),
        (Address("fd00:7::1/48"), Address("fd00:9::1/64")),
    )
    assert batch(programs, Adjust(add_address=new, remove_address=old)).splitlines()[1:] == [
        "address delete fd00:7::1/64 dev wg0",
        "address add fd00:7::1/48 dev wg0",
        "address add fd00:9::1/64 dev wg0",
        "address delete fd00:8::1/64 dev wg0",
    ]
    assert kernel.written == []


def test_an_address_that_moves_goes_and_comes_back_last(programs: Programs, kernel: Kernel) -> None:
    first, new = Address("10.7.0.1/24"), Address("10.7.0.9/24")
    step = Adjust(add_address=(new, first), remove_address=(first,))
    assert batch(programs, step).splitlines()[1:] == [
        "address add 10.7.0.9/24 dev wg0",
        "address delete 10.7.0.1/24 dev wg0",
        "address add 10.7.0.1/24 dev wg0",
    ]


def test_where_other_addresses_would_go_along_all_that_go_go_first(programs: Programs, kernel: Kernel) -> None:
    kernel.is_read_only = True
    first, second, new = Address("10.7.0.1/24"), Address("10.7.0.2/24"), Address("10.7.0.9/24")
    step = Adjust(add_address=(new, first), remove_address=(first, second))
    assert batch(programs, step).splitlines()[1:] == [
        "address delete 10.7.0.2/24 dev wg0",
        "address delete 10.7.0.1/24 dev wg0",
        "address add 10.7.0.9/24 dev wg0",
        "address add 10.7.0.1/24 dev wg0",
    ]


def test_an_mtu_that_is_left_open_is_worked_out(programs: Programs) -> None:
    programs.answers("ip -json route show default", '[{"dst":"default","dev":"eth0"}]')
    programs.answers("ip -json link show dev eth0", '[{"ifname":"eth0","mtu":9000}]')
    assert "link set dev wg0 mtu 8920" in batch(programs, Adjust(mtu=0))


@pytest.mark.parametrize(
    ("step", "verb"), [(BringUp(conf()), "up"), (TakeDown(conf()), "down"), (WriteFile(""), ""), (Adjust(), "")]
)
def test_commands_for_the_journal(step: Step, verb: str) -> None:
    staged = "/etc/wireguard/.wgreconcile/wg0.conf"
    assert command_of(step, "wg0", Host(Path("/etc/wireguard"))) == (("wg-quick", verb, staged) if verb else ())


def test_no_key_is_ever_an_argument(host: Host, programs: Programs, kernel: Kernel) -> None:
    wanted = conf(peer("ann", "10.7.0.2/32", preshared_key=secret_key("psk")), *many(100))
    for step in (BringUp(wanted), SyncConf(wanted), SetPeers(wanted.peers), TakeDown(wanted, wanted)):
        perform(step, "wg0", host)
    words = "\n".join(programs.commands)
    assert SECRET in programs.asked
    assert SECRET not in words
    assert secret_key("psk").reveal() not in words


def test_what_only_a_restart_changes() -> None:
    old = conf(dns=("a",), table="7", pre_up=("a",), post_up=("b",), pre_down=("c",), post_down=("d",), mtu=1)
    new = conf(*many(1), listen_port=7, mtu=2, dns=("z",), post_up=("z",))
    assert brought_up_with(new, old) == conf(
        *many(1),
        listen_port=7,
        mtu=2,
        dns=("a",),
        table="7",
        pre_up=("a",),
        post_up=("b",),
        pre_down=("c",),
        post_down=("d",),
    )
