"""An interface as WGDashboard's clients see it (API.md 3.1)."""

from __future__ import annotations

from typing import Any

from wgreconcile.api.runtime.usage import Usage
from wgreconcile.api.wgdashboard.views import View

GIB = 1024**3

_NOTHING = Usage("", "")


def configuration_object(view: View) -> dict[str, Any]:
    """The object of a configuration; amounts are in GiB."""
    interface, keyring = view.interface, view.keyring
    found = {
        "Name": interface.name,
        "Status": view.is_up,
        "PrivateKey": keyring.private_key(interface),
        "PublicKey": keyring.public_key(interface),
        "Address": ", ".join(interface.address),
        "ListenPort": str(interface.listen_port or ""),
        "PreUp": "; ".join(interface.hooks.pre_up),
        "PreDown": "; ".join(interface.hooks.pre_down),
        "PostUp": "; ".join(interface.hooks.post_up),
        "PostDown": "; ".join(interface.hooks.post_down),
        # v4.0 says true of a file that has no such line, and a managed file never has one.
        "SaveConfig": True,
        "DataUsage": _data_usage(view),
        "ConnectedPeers": _connected(view),
    }
    return found if view.settings.compat == "v4.0" else {**found, "TotalPeers": len(interface.peers)}


def _data_usage(view: View) -> dict[str, float]:
    received = sent = 0
    for peer in view.peers():
        usage = view.usage.get(peer.public_key, _NOTHING)
        received += usage.current_rx + usage.earlier_rx
        sent += usage.current_tx + usage.earlier_tx
    return {"Receive": received / GIB, "Sent": sent / GIB, "Total": (received + sent) / GIB}


def _connected(view: View) -> int:
    live = view.live.peers if view.live else ()
    return sum(view.is_connected(each.latest_handshake) for each in live)
