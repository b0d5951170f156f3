"""What a client sends for a new interface."""

from __future__ import annotations

from .testhost import key_pair

TUNNEL = "10.9.0.1"
INTERFACE = {
    "ConfigurationName": "wg0",
    "Address": f"{TUNNEL}/24, fd09::1/64",
    "ListenPort": "51820",
    "PrivateKey": key_pair("wg0")[0],
    **dict.fromkeys(("PublicKey", "PresharedKey", "PreUp", "PreDown", "PostUp", "PostDown"), ""),
}
