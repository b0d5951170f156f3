"""The endpoints of interfaces and peers: lines of the route table."""

from __future__ import annotations

from wgreconcile.api.route import Query, Route
from wgreconcile.api.wgdashboard import access, configurations, downloads, jobs, peers, peers_ping, share

_NAME = Query("configurationName", "The name of an interface.", "wg0")

CONFIGURATION_ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/getWireguardConfigurations",
        configurations.list_all,
        "List the interfaces. Files that nobody manages yet become managed, if the settings say so.",
        data="a list of configurations",
    ),
    Route(
        "POST",
        "/api/addWireguardConfiguration",
        configurations.add,
        "Add an interface, which stays down until it is toggled.",
        data="null, or the name of the field that is wrong",
        body="addWireguardConfiguration",
    ),
    Route(
        "GET",
        "/api/toggleWireguardConfiguration/",
        configurations.toggle,
        "Bring an interface up or down.",
        data="whether it is up now",
        query=(_NAME,),
        changes_state=True,
    ),
    Route(
        "GET",
        "/api/getWireguardConfigurationInfo",
        configurations.info,
        "An interface with all of its peers.",
        data="an object of the configuration, its peers and its restricted peers",
        query=(_NAME,),
        is_shared=True,
    ),
)

PEER_ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/getAvailableIPs/{config}",
        peers.available_ips,
        "Addresses that no peer has; of an IPv4 network larger than a /16 the first 65,534.",
        data="a list of addresses; from v4.2 on, an object of lists by network",
        is_shared=True,
    ),
    Route(
        "POST",
        "/api/addPeers/{config}",
        peers.add,
        "Add a peer, or many with keys and addresses made here. Brings the interface up.",
        data="null; from v4.1 on, a list of the new peers",
        body="addPeers",
    ),
    Route(
        "POST",
        "/api/updatePeerSettings/{config}",
        peers.update,
        "Change the settings of a peer. Brings the interface up.",
        body="updatePeerSettings",
    ),
    Route(
        "POST",
        "/api/resetPeerData/{config}",
        peers.reset,
        "Put the usage of a peer back to zero.",
        body="resetPeerData",
    ),
    Route(
        "POST",
        "/api/deletePeers/{config}",
        access.delete,
        "Delete peers, restricted ones among them. Brings the interface up.",
        body="deletePeers",
    ),
    Route(
        "POST",
        "/api/restrictPeers/{config}",
        access.restrict,
        "Keep peers off the interface. Brings the interface up.",
        body="restrictPeers",
    ),
    Route(
        "POST",
        "/api/allowAccessPeers/{config}",
        access.allow,
        "Put restricted peers back on the interface. Brings the interface up.",
        body="allowAccessPeers",
    ),
    Route(
        "GET",
        "/api/downloadPeer/{config}",
        downloads.download,
        "The file for a peer's own device.",
        data="an object of fileName and file",
        query=(Query("id", "The peer's public key.", "VyJeoQLVuOoorbtn04/tOSEJRvG/44+WMkNngvFXKCU="),),
    ),
    Route(
        "GET",
        "/api/downloadAllPeers/{config}",
        downloads.download_all,
        "The files of all peers that are not restricted.",
        data="a list of objects of fileName and file",
        is_shared=True,
    ),
    Route(
        "POST",
        "/api/savePeerScheduleJob/",
        jobs.save,
        "Save what is to be done to a peer when a condition is met.",
        data="a list of the job",
        body="savePeerScheduleJob",
    ),
    Route(
        "POST",
        "/api/deletePeerScheduleJob/",
        jobs.delete,
        "End a job.",
        data="an empty list",
        body="deletePeerScheduleJob",
    ),
    Route(
        "GET",
        "/api/getPeerScheduleJobLogs/{config}",
        jobs.logs,
        "What became of the jobs of an interface, the newest first.",
        data="a list of lines",
    ),
    Route(
        "POST",
        "/api/sharePeer/create",
        share.create,
        "Make a link to the file of a peer.",
        data="a list of the link",
        body="sharePeer_create",
    ),
    Route(
        "POST",
        "/api/sharePeer/update",
        share.update,
        "Change when a link ends.",
        data="a list of the link; an empty one when it has ended",
        body="sharePeer_update",
    ),
    Route(
        "GET",
        "/api/sharePeer/get",
        share.get,
        "The file behind a link.",
        data="an object of fileName and file",
        query=(Query("ShareID", "The id of a link.", "e82f2a38-7996-4905-8dc7-b57b00f605cf"),),
        public=True,
    ),
    Route(
        "GET",
        "/api/ping/getAllPeersIpAddress",
        peers_ping.addresses,
        "Addresses and endpoints of all peers that are not restricted.",
        data="an object of interfaces and their peers",
    ),
)
