"""Sessions live on while an interface changes under them: no ping lost, no handshake made anew, roaming kept."""

from __future__ import annotations

import pytest

from .pinger import Pinger
from .scenario import Document, Scenario, eventually, interface, peer, private_key, public_key
from .testhost import Host

CLIENT_KEY = public_key("client")
CLIENT = peer("client", "10.9.0.2/32", "fd09::2/128", "10.20.0.0/24")
OTHER = peer("other", "10.9.0.3/32", endpoint="192.0.2.77:7777")


def configure_client(client: Host, port: int = 51820) -> None:
    """Plain wg-quick on the other side: 10.9.0.2, fd09::2 and 10.20.0.2."""
    client.write(
        "/etc/wireguard/wg0.conf",
        f"""\
[Interface]
PrivateKey = {private_key("client")}
Address = 10.9.0.2/24, fd09::2/64, 10.20.0.2/24
ListenPort = {port}

[Peer]
PublicKey = {public_key("wg0")}
AllowedIPs = 10.9.0.0/16, fd09::/64, 10.8.0.0/24
Endpoint = 192.0.2.1:51820
PersistentKeepalive = 1
""",
    )
    client.run(["wg-quick", "up", "wg0"])


@pytest.fixture
def server(pair: tuple[Host, Host]) -> Scenario:
    """A managed host with a session to a client."""
    scenario = Scenario(pair[0])
    scenario.apply(wg0=interface(CLIENT, OTHER))
    configure_client(pair[1])
    assert eventually(lambda: handshake(scenario) > 0)
    return scenario


@pytest.fixture
def client(pair: tuple[Host, Host]) -> Host:
    return pair[1]


def handshake(server: Scenario) -> int:
    """When the session with the client was made, in seconds since 1970."""
    return int(server.peers("latest-handshakes")[CLIENT_KEY])


def received(server: Scenario) -> int:
    """How many bytes came from the client."""
    return int(server.wg("transfer").split(f"{CLIENT_KEY}\t")[1].split()[0])


CROWD = [peer(f"c{number}", f"10.60.{number}.0/24") for number in range(20)]


def steps() -> list[Document]:
    """Changes in a row, of peers, routes, addresses and MTU, none of which is a restart."""
    third, many = (
        peer("third", "10.9.0.4/32", "10.30.0.0/24"),
        [peer(f"p{n}", f"10.40.{n}.0/24") for n in range(10)],
    )
    more = ["10.9.0.1/24", "fd09::1/64", "10.8.0.1/24"]
    dressed = third | {"preshared_key": private_key("psk"), "persistent_keepalive": 20}
    return [
        interface(CLIENT, OTHER, third, *CROWD),
        interface(CLIENT, dressed, *CROWD),
        interface(CLIENT, third | {"allowed_ips": ["10.31.0.0/24", "fd31::/64"]}, *CROWD, address=more),
        interface(CLIENT, OTHER, *CROWD, mtu=1300),
        interface(CLIENT, OTHER | {"endpoint": "192.0.2.78:7777"}, *CROWD, mtu=1400),
        interface(CLIENT, OTHER, *CROWD, *many),
        interface(CLIENT, OTHER, *CROWD, *many[:3]),
        interface(CLIENT, OTHER, *CROWD[2:], *many[2:], address=["10.9.0.1/24", "fd09::1/64", "fd08::1/64"]),
        interface(CLIENT, dressed, *CROWD, *many[5:], address=["10.9.0.1/24", "10.9.0.9/24", "fd09::1/64"]),
        interface(CLIENT, OTHER, *CROWD[:18], third, mtu=1280, address=more),
        interface(CLIENT, OTHER, third | {"name": "renamed"}, *CROWD, listen_port=None),
        interface(CLIENT, OTHER, *CROWD),
    ]


def test_no_ping_is_lost_while_peers_routes_addresses_and_mtu_change(server: Scenario, client: Host) -> None:
    server.apply(wg0=interface(CLIENT, OTHER, *CROWD))
    made, count = handshake(server), received(server)
    with (
        Pinger(client, "10.9.0.1") as old_family,
        Pinger(client, "fd09::1") as new_family,
        Pinger(server.host, "10.20.0.2") as routed,
    ):
        for document in steps():
            server.desire(wg0=document)
            run = server.run("apply", "--force")
            assert run.wg_quick == []
            assert run.changed["wg0"] > 0
            assert received(server) > count, "the counters of the client's session began anew"
            count = received(server)
    server.check_settled()
    assert old_family.sent > 100
    assert (old_family.lost, new_family.lost, routed.lost) == ((), (), ())
    assert handshake(server) == made


def test_a_session_goes_on_while_most_peers_and_the_mark_change(server: Scenario, client: Host) -> None:
    """These go by `wg syncconf`, which takes each peer's allowed IPs away for a moment: a ping may be lost."""
    made = handshake(server)
    with Pinger(client, "10.9.0.1") as pings:
        for document in (
            interface(CLIENT, OTHER, *CROWD),
            interface(CLIENT, OTHER, *CROWD, fwmark=9),
            interface(CLIENT, mtu=1300),
        ):
            server.apply("--force", wg0=document)
    assert len(pings.lost) <= 0.02 * pings.sent
    assert handshake(server) == made


def test_drift_is_healed_without_losing_a_ping(server: Scenario, client: Host) -> None:
    made = handshake(server)
    with Pinger(client, "10.9.0.1") as pings:
        server.by_hand(f"wg set wg0 peer {public_key('other')} remove; wg set wg0 peer {public_key('x')}")
        server.by_hand("ip route del 10.20.0.0/24; ip link set wg0 mtu 1300; ip address del fd09::1/64 dev wg0")
        assert server.run("apply").changed == {"wg0": 4}
    server.check_settled()
    assert pings.lost == ()
    assert handshake(server) == made


def test_a_peer_that_roamed_is_no_drift_and_keeps_its_endpoint_while_others_change(
    server: Scenario, client: Host
) -> None:
    client.run(["ip", "address", "add", "192.0.2.3/24", "dev", "eth0"])
    client.run(["ip", "route", "replace", "192.0.2.1/32", "dev", "eth0", "src", "192.0.2.3"])
    client.run(["wg", "set", "wg0", "listen-port", "4444"])
    client.run(["ping", "-c", "3", "-i", "0.1", "-W", "5", "10.9.0.1"])
    roamed = "192.0.2.3:4444"
    assert eventually(lambda: server.peers("endpoints")[CLIENT_KEY] == roamed)
    server.check_settled()
    changed = interface(CLIENT, OTHER | {"preshared_key": private_key("psk")})
    for document in (
        changed,
        changed | {"listen_port": 51820, "fwmark": 7},  # by syncconf, which sends every endpoint
        interface(CLIENT | {"persistent_keepalive": 9}, peer("third", "10.9.0.4/32")),
    ):
        server.apply(wg0=document)
        assert server.peers("endpoints")[CLIENT_KEY] == roamed
    client.run(["ping", "-c", "1", "-W", "5", "10.9.0.1"])


def test_an_endpoint_in_the_state_gives_way_to_roaming_until_it_is_changed_itself(
    server: Scenario, client: Host
) -> None:
    fixed = CLIENT | {"endpoint": "192.0.2.2:51820"}
    server.apply(wg0=interface(fixed, OTHER))
    client.run(["wg", "set", "wg0", "listen-port", "4445"])
    assert eventually(lambda: server.peers("endpoints")[CLIENT_KEY] == "192.0.2.2:4445")
    server.check_settled()
    server.apply(wg0=interface(fixed | {"preshared_key": private_key("psk")}, OTHER))
    assert server.peers("endpoints")[CLIENT_KEY] == "192.0.2.2:4445"
    server.desire(wg0=interface(fixed | {"endpoint": "192.0.2.2:4446"}, OTHER))
    client.run(["ip", "link", "del", "wg0"])
    server.apply()
    assert server.peers("endpoints")[CLIENT_KEY] == "192.0.2.2:4446"


def test_the_session_of_a_changed_peer_goes_on(server: Scenario, client: Host) -> None:
    made = handshake(server)
    with Pinger(client, "10.9.0.1") as pings:
        for fields in ({"persistent_keepalive": 3}, {"allowed_ips": [*CLIENT["allowed_ips"], "10.50.0.0/24"]}, {}):
            server.desire(wg0=interface(CLIENT | fields, OTHER))
            assert server.run("apply").changed == {"wg0": 1}
    assert pings.lost == ()
    assert handshake(server) == made


def test_a_new_private_key_and_a_new_port_reach_the_client_again(server: Scenario, client: Host) -> None:
    server.apply(wg0=interface(CLIENT, OTHER, private_key=private_key("new"), listen_port=51999))
    client.run(["wg", "set", "wg0", "peer", public_key("wg0"), "remove"])
    allowed = ["allowed-ips", "10.9.0.0/16", "endpoint", "192.0.2.1:51999"]
    client.run(["wg", "set", "wg0", "peer", public_key("new"), *allowed])
    client.run(["ping", "-c", "1", "-W", "5", "10.9.0.1"])


def test_an_ipv6_only_tunnel_over_ipv6(pair: tuple[Host, Host]) -> None:
    server, client = (Scenario(each) for each in pair)
    near, far = ["fd00:6::1/64"], ["fd00:6::2/64"]
    to_client = peer("client", "fd00:6::2/128", "fd00:60::/48", endpoint="[2001:db8::2]:51820")
    to_server = peer("wg0", "fd00:6::/64", endpoint="[2001:db8::1]:51820")
    server.apply(wg0=interface(to_client, address=near))
    client.apply(wg0=interface(to_server, label="client", address=far))
    pair[1].run(["ping", "-c", "1", "-W", "5", "fd00:6::1"])
    assert server.routes() == {"fd00:60::/48"}
    assert server.addresses() == near
    with Pinger(pair[1], "fd00:6::1") as pings:
        server.apply(
            wg0=interface(to_client, peer("x", "fd00:61::/48"), address=[*near, "fd00:7::1/64"], mtu=1300)
        )
    assert pings.lost == ()
    assert server.routes() == {"fd00:60::/48", "fd00:61::/48"}
