"""Whatever a configuration file says in whatever style, the imported state says the same."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wgreconcile.observed.conf import Conf, ConfPeer, parse_conf
from wgreconcile.planning.goal import conf_of
from wgreconcile.values import Address, Endpoint, Network, PublicKey, SecretKey

from .samples import NOW, Place

keys = st.binary(min_size=32, max_size=32).map(lambda raw: base64.b64encode(raw).decode())
secret_keys = keys.map(SecretKey).filter(lambda each: each.reveal() != "A" * 43 + "=")
ports = st.integers(1, 65535)
words = st.text("abcXYZ $%\"'`;|&<>()[]{}=,:/\\éЖ", min_size=1, max_size=20).map(str.strip).filter(bool)
hooks = st.lists(words, max_size=3).map(tuple)
networks = st.one_of(
    st.builds(lambda raw, length: f"{raw}/{length}", st.ip_addresses(v=4), st.integers(0, 32)),
    st.builds(lambda raw, length: f"{raw}/{length}", st.ip_addresses(v=6), st.integers(0, 128)),
)
endpoints = st.one_of(
    st.builds(lambda host, port: f"{host}:{port}", st.ip_addresses(v=4), ports),
    st.builds(lambda host, port: f"[{host}]:{port}", st.ip_addresses(v=6), ports),
    st.builds(lambda port: f"vpn.example.com:{port}", ports),
)
names = st.text("abc 12-ü", max_size=12).map(lambda text: " ".join(text.strip("- ").split()))
peers = st.builds(
    ConfPeer,
    keys.map(PublicKey),
    st.none() | secret_keys,
    st.just(()),
    st.none() | endpoints.map(Endpoint.parse),
    st.none() | st.integers(1, 65535),
    names,
)
confs = st.builds(
    Conf,
    private_key=secret_keys,
    address=st.lists(networks.map(Address.parse), max_size=3, unique=True).map(tuple),
    listen_port=st.none() | ports,
    mtu=st.none() | st.integers(1280, 65535),  # with less there must be no IPv6
    dns=st.lists(st.sampled_from(["10.7.0.1", "fd00::1", "example.com"]), max_size=2, unique=True).map(tuple),
    table=st.sampled_from(["auto", "off", "main", "51820"]),
    fwmark=st.none() | st.integers(1, 2**32 - 1),
    pre_up=hooks,
    post_up=hooks,
    pre_down=hooks,
    post_down=hooks,
    peers=st.lists(peers, max_size=25, unique_by=lambda each: each.public_key).map(tuple),
)


@st.composite
def described(draw: st.DrawFn) -> Conf:
    """A configuration in which an allowed IP has one owner, as the desired state wants it."""
    conf = draw(confs)
    owned = draw(st.lists(networks.map(Network.parse), max_size=2 * len(conf.peers), unique=True))
    shares = [owned[index :: len(conf.peers)] for index in range(len(conf.peers))]
    return replace(
        conf,
        peers=tuple(
            replace(each, allowed_ips=tuple(sorted(share))) for each, share in zip(conf.peers, shares, strict=True)
        ),
    )


@st.composite
def written(draw: st.DrawFn, conf: Conf) -> str:
    """The text of a configuration in one of the many ways that people write it."""
    lines = ["[Interface]", *_fields(draw, conf, dns=conf.dns, address=conf.address)]
    for each in draw(st.permutations(conf.peers)):
        lines += draw(st.sampled_from([[], [""], ["", "  "]]))
        style = draw(st.sampled_from(["above", "#Name# = ", "# friendly_name=", "# "]))
        lines += [f"# {each.name}"] if each.name and style == "above" else []
        lines.append(draw(st.sampled_from(["[Peer]", "[peer]", "  [PEER]"])))
        lines += [f"{style}{each.name}"] if each.name and style != "above" else []
        lines += _fields(draw, each, allowed_ips=each.allowed_ips)
    return draw(st.sampled_from(["\n", "\r\n"])).join([*lines, ""])


def _fields(draw: st.DrawFn, value: Conf | ConfPeer, **lists: tuple[str, ...]) -> list[str]:
    values = {
        "PrivateKey": getattr(value, "private_key", None),
        "ListenPort": getattr(value, "listen_port", None),
        "MTU": getattr(value, "mtu", None),
        "FwMark": getattr(value, "fwmark", None),
        "Table": getattr(value, "table", None),
        "PublicKey": getattr(value, "public_key", None),
        "PresharedKey": getattr(value, "preshared_key", None),
        "Endpoint": getattr(value, "endpoint", None),
        "PersistentKeepalive": getattr(value, "persistent_keepalive", None),
    }
    pairs = [
        (key, each.reveal() if isinstance(each, SecretKey) else str(each))
        for key, each in values.items()
        if each is not None
    ]
    for key in ("pre_up", "post_up", "pre_down", "post_down"):
        pairs += [(key.replace("_", ""), each) for each in getattr(value, key, ())]
    for key, items in lists.items():
        one_line = draw(st.booleans())
        joined = [", ".join(items)] if one_line and items else items
        pairs += [(key.replace("_", ""), each) for each in joined]
    case = draw(st.sampled_from(["", "lower", "upper"]))
    equals = draw(st.sampled_from(["=", " = ", "\t=  "]))
    return [f"{getattr(key, case)() if case else key}{equals}{each}" for key, each in pairs]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_import_keeps_the_meaning(data: st.DataObject) -> None:
    conf = data.draw(described())
    text = data.draw(written(conf))
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        path = place.write("wg0.conf", text)
        (result,) = place.run(path).results
        assert result.faults == ()
        (interface,) = place.store.load().interfaces
        found = conf_of(place.secrets.resolve_interface(interface, now=NOW), NOW)
        assert found == conf == parse_conf(path.read_text(), "wg0.conf")
        inline = len(conf.peers) <= 20
        assert [each.name for each in found.peers] == [
            each.name or (Path(origin).stem if not inline else "")
            for each, origin in zip(conf.peers, (each.origin for each in interface.peers), strict=True)
        ]
        assert place.plan().is_empty
