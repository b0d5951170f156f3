"""The Python SDK `wgdashboard` from the package registry, which was written for WGDashboard v4.2 and v4.3.

It is pointed at a server that answers as v4.3, and at one that answers as v4.0, which most of it takes as well.
What the SDK asks of the file of an interface (`getWireguardConfigurationRawFile`) is later than v4.0 and left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from wgdashboard import WGDashboardClient
from wgdashboard.exceptions import WGDashboardAPIError, WGDashboardAuthError, WGDashboardNotFoundError
from wgdashboard.models import Peer, PeerJob

from ..hosts import testhost
from ..hosts.testhost import Host
from ..replay.owner import Owner
from ..replay.served import Served
from .conftest import Serve

pytestmark = pytest.mark.hosts

Story = Callable[[WGDashboardClient], Awaitable[None]]
Tell = Callable[[Story], None]

ANN = testhost.key_pair("ann")[1]


@pytest.fixture(scope="module", params=["v4.0", "v4.3"])
def compat(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def served(serve: Serve, compat: str) -> Served:
    return serve(compat)


@pytest.fixture(scope="module")
def owner(served: Served) -> Owner:
    return Owner(served)


@pytest.fixture
def host(served: Served) -> Host:
    return served.host


@pytest.fixture
def tell(served: Served, owner: Owner) -> Tell:
    """Runs a story with a client that has a good key."""

    def run(story: Story) -> None:
        async def with_client() -> None:
            async with WGDashboardClient(served.base_url, owner.key) as client:
                await story(client)

        asyncio.run(with_client())

    return run


async def peers(client: WGDashboardClient) -> dict[str, Peer]:
    """The peers of wg0 by name, restricted ones too."""
    found = await client.peers.list("wg0", include_restricted=True, repair_allowed_ip=False)
    return {each.name: each for each in found}


async def added(client: WGDashboardClient, name: str, **options: object) -> Peer:
    """A new peer of wg0."""
    await client.peers.add("wg0", name=name, **options)
    return (await peers(client))[name]


def test_handshake(tell: Tell, served: Served) -> None:
    async def story(client: WGDashboardClient) -> None:
        assert await client.handshake() is True
        async with WGDashboardClient(served.base_url, "not-a-key") as stranger:
            with pytest.raises(WGDashboardAuthError, match="API Key does not exist"):
                await stranger.handshake()

    tell(story)


def test_configurations(tell: Tell, compat: str) -> None:
    async def story(client: WGDashboardClient) -> None:
        (wg0,) = [each for each in await client.configurations.list() if each.name == "wg0"]
        assert wg0 == await client.configurations.get("wg0")
        assert (wg0.address, wg0.listen_port) == ("10.7.0.1/24, fd00:7::1/64", "51820")
        assert (wg0.private_key, wg0.public_key) == testhost.key_pair("wg0")
        assert wg0.total_peers >= (compat != "v4.0")
        info = await client.configurations.get_info("wg0")
        assert ANN in [each.id for each in info.configuration_peers]
        with pytest.raises(WGDashboardNotFoundError):
            await client.configurations.get("nope")

    tell(story)


def test_toggle(tell: Tell, host: Host) -> None:
    async def story(client: WGDashboardClient) -> None:
        before = (await client.configurations.get("wg0")).status
        for expected in (not before, before):
            assert await client.configurations.toggle("wg0") is expected
            assert host.infra.interface("wg0").exists is expected
        with pytest.raises(WGDashboardAPIError, match="valid configuration name"):
            await client.configurations.toggle("nope")

    tell(story)


def test_create(tell: Tell, host: Host, compat: str) -> None:
    private, public = testhost.key_pair("wg1")

    async def story(client: WGDashboardClient) -> None:
        create = client.configurations.create
        if compat == "v4.0":  # which asks for two fields more than the SDK sends
            with pytest.raises(WGDashboardAPIError, match="all required parameters"):
                await create("wg1", address="10.8.0.1/24", listen_port=51821, private_key=private)
            return
        await create("wg1", address="10.8.0.1/24", listen_port=51821, private_key=private)
        made = await client.configurations.get("wg1")
        assert (made.public_key, made.status) == (public, False)
        assert await client.configurations.toggle("wg1") is True
        assert "10.8.0.1" in host.infra.interface("wg1").addresses
        with pytest.raises(WGDashboardAPIError, match='port "51820"') as refused:
            await create("wg2", address="10.9.0.1/24", listen_port=51820, private_key=private)
        assert refused.value.data == "ListenPort"

    tell(story)


def test_add_and_download(tell: Tell, host: Host, compat: str) -> None:
    async def story(client: WGDashboardClient) -> None:
        free = await client.configurations.get_available_ips("wg0")
        first = (free if isinstance(free, list) else free["10.7.0.1/24"])[0]
        made = await client.peers.add("wg0", name="phone", keep_alive=25, dns_addresses="9.9.9.9", mtu=1380)
        phone = (await peers(client))["phone"]
        assert [each.id for each in made] == ([] if compat == "v4.0" else [phone.id])
        assert (phone.allowed_ip, phone.keepalive, phone.dns, phone.mtu) == (first, 25, "9.9.9.9", 1380)
        assert phone.id in host.run(["wg", "show", "wg0", "peers"]).stdout
        file = await client.peers.download("wg0", phone.id)
        assert file.file_name == ("phone_wg0" if compat == "v4.0" else "phone")
        assert "Endpoint = vpn.example.com:51820" in file.file and f"PrivateKey = {phone.private_key}" in file.file
        assert file in await client.peers.download_all("wg0")
        with pytest.raises(WGDashboardNotFoundError):
            await client.peers.download("wg0", testhost.key_pair("nobody")[1])

    tell(story)


def test_refusals_of_peers(tell: Tell) -> None:
    async def story(client: WGDashboardClient) -> None:
        for options in (
            {"public_key": ANN, "allowed_ips": ["10.7.0.99/32"]},
            {"allowed_ips": ["10.7.0.2/32"]},
            {"allowed_ips": ["10.99.0.2/32"]},
            {"mtu": 9000},
            {"dns_addresses": "no dns"},
            {"private_key": "short"},
            {"endpoint_allowed_ip": "everywhere"},
        ):
            before = await peers(client)
            with pytest.raises(WGDashboardAPIError):
                await client.peers.add("wg0", name="refused", **options)
            assert await peers(client) == before, options
        with pytest.raises(WGDashboardNotFoundError):
            await client.peers.add("nope")

    tell(story)


def test_bulk(tell: Tell, compat: str) -> None:
    async def story(client: WGDashboardClient) -> None:
        before = await peers(client)
        made = await client.peers.add_bulk("wg0", 5, preshared_keys=True)
        assert len(made) == (0 if compat == "v4.0" else 5)
        new = {name: each for name, each in (await peers(client)).items() if name not in before}
        assert len({each.allowed_ip for each in new.values()}) == 5
        assert all(name.startswith("BulkPeer") for name in new)
        assert all(each.preshared_key and each.private_key for each in new.values())
        with pytest.raises(WGDashboardAPIError, match="maximum number of peers"):
            await client.peers.add_bulk("wg0", 100_000)
        await client.peers.delete("wg0", [each.id for each in new.values()], verify=False)
        assert await peers(client) == before

    tell(story)


def test_restrict_allow_delete(tell: Tell, host: Host) -> None:
    def live() -> str:
        return host.run(["wg", "show", "wg0", "peers"]).stdout

    async def story(client: WGDashboardClient) -> None:
        guest = await added(client, "guest")
        await client.peers.restrict("wg0", guest.id)
        assert guest.id not in live()
        assert guest.id not in [each.id for each in await client.peers.list("wg0", repair_allowed_ip=False)]
        with pytest.raises(WGDashboardNotFoundError):
            await client.peers.restrict("wg0", guest.id)
        await client.peers.allow_access("wg0", guest.id)
        assert guest.id in live()
        await client.peers.reset_data("wg0", guest.id)
        with pytest.raises(WGDashboardNotFoundError):
            await client.peers.reset_data("wg0", "nobody")
        await client.peers.delete("wg0", guest.id, verify=False)
        assert guest.id not in live()
        assert "guest" not in await peers(client)

    tell(story)


def test_jobs(tell: Tell, compat: str) -> None:
    async def story(client: WGDashboardClient) -> None:
        worker = await added(client, "worker")
        job = PeerJob(
            Configuration="wg0",
            Peer=worker.id,
            Field="total_data",
            Operator="lgt",
            Value="22",
            Action="restrict",
            CreationDate="",
        )
        (saved,) = await client.jobs.save(job)
        assert saved.job_id and saved.creation_date
        (shown,) = (await peers(client))["worker"].jobs
        assert shown == saved
        (changed,) = await client.jobs.save(saved.model_copy(update={"value": "23"}))
        assert (changed.job_id, changed.value) == (saved.job_id, "23")
        await client.jobs.delete(changed)
        assert (await peers(client))["worker"].jobs == []
        logs = [each.message for each in await client.jobs.get_logs("wg0") if each.job_id == saved.job_id]
        assert len(logs) == 3 and "Job is created if total_data lgt 22 then restrict" in logs
        with pytest.raises(WGDashboardAPIError, match="Field"):
            await client.jobs.save(job.model_copy(update={"field": "nofield"}))

    tell(story)


def test_share_links(tell: Tell, compat: str) -> None:
    week = (datetime.now() + timedelta(days=7)).strftime("%Y-%m-%d %H:%M:%S")

    async def story(client: WGDashboardClient) -> None:
        friend = await added(client, "friend")
        link = await client.peers.create_share_link("wg0", friend.id, week)
        assert (link.peer, link.configuration, link.expire_date) == (friend.id, "wg0", week)
        assert link.share_id
        shared = await client.peers.get_shared_peer(link.share_id)
        assert shared == await client.peers.download("wg0", friend.id)
        assert (await peers(client))["friend"].share_link[0].share_id == link.share_id
        if compat == "v4.3":
            assert (await client.peers.create_share_link("wg0", friend.id, week)).share_id == link.share_id
        with pytest.raises(WGDashboardAPIError, match="no share link"):
            await client.peers.update_share_link(link.share_id, "2020-01-01 00:00:00")
        with pytest.raises(WGDashboardAPIError):
            await client.peers.get_shared_peer(link.share_id)

    tell(story)


def test_dashboard(tell: Tell, compat: str) -> None:
    async def story(client: WGDashboardClient) -> None:
        dashboard = client.dashboard
        assert (await dashboard.get_version()).startswith(compat)
        assert await dashboard.get_theme() == "dark"
        assert await dashboard.is_totp_enabled() is False
        await dashboard.update_configuration_item("Peers", "peer_mtu", "1300")
        assert (await dashboard.get_configuration()).peers["peer_mtu"] == "1300"
        await dashboard.update_configuration_item("Peers", "peer_mtu", "1420")
        with pytest.raises(WGDashboardAPIError):
            await dashboard.update_configuration_item("Peers", "peer_mtu", "many")

    tell(story)


def test_api_keys(tell: Tell, served: Served) -> None:
    async def story(client: WGDashboardClient) -> None:
        before = {each.key for each in await client.dashboard.list_api_keys()}
        made = {each.key for each in await client.dashboard.create_api_key(never_expire=True)} - before
        (key,) = made
        async with WGDashboardClient(served.base_url, key) as other:
            assert await other.handshake()
            left = await client.dashboard.delete_api_key(key)
            assert {each.key for each in left} == before
            with pytest.raises(WGDashboardAuthError):
                await other.handshake()

    tell(story)


def test_tools(tell: Tell) -> None:
    async def story(client: WGDashboardClient) -> None:
        ping = await client.system.ping("127.0.0.1", 1)
        assert ping.is_alive and ping.package_received == 1
        assert (await client.system.traceroute("127.0.0.1"))[0].ip == "127.0.0.1"
        addresses = await client.system.get_all_peers_ip_address()
        assert addresses["wg0"][f"ann - {ANN}"].allowed_ips == ["10.7.0.2"]

    tell(story)
