"""Which hooks may be set over HTTP (API.md 10.7)."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wgreconcile.api.hook_policy import checked_hook, is_allowed
from wgreconcile.api.refusal import Refusal

RECIPES = [
    "iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
    "iptables -A FORWARD -i wg0 -j ACCEPT && iptables -A FORWARD -o wg0 -j ACCEPT;",
    "iptables -t nat -I POSTROUTING 1 -s 10.7.0.0/24 -o ens3 -j MASQUERADE",
    "/usr/sbin/iptables -t nat -D POSTROUTING -s 10.7.0.0/24 ! -d 10.7.0.0/24 -j SNAT --to-source 192.0.2.1",
    "iptables -t nat -A POSTROUTING -o ! wg0 -j MASQUERADE",
    "iptables -w -I INPUT -p udp -m udp --dport 51820 -j ACCEPT",
    "iptables -w 5 -A FORWARD -i %i -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
    "iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.7.0.2:80 -m comment --comment wg",
    "ip6tables -t nat -A POSTROUTING -s fd00:7::/64 -o eth0 -j MASQUERADE",
    "ip route add 10.0.0.0/8 dev %i",
    "ip -4 route replace default via 192.0.2.1 dev eth0 table 200 metric 10",
    "ip route add blackhole 10.9.0.0/16",
    "ip rule add from 10.7.0.0/24 table 200 priority 100; ip rule del not fwmark 51820 lookup 200",
    "ip link set %i mtu 1380",
    "ip link set dev wg0 up txqueuelen 1000",
    "nft add rule ip nat postrouting oifname eth0 ip saddr 10.7.0.0/24 masquerade",
    "nft insert rule inet filter forward iifname %i counter accept; nft delete table inet wg0",
    "nft add rule inet filter forward iifname != eth0 drop",
]

REFUSED = [
    "echo hi",
    "bash /tmp/x",
    "iptables -A FORWARD -j ACCEPT | tee /etc/passwd",
    "iptables -A FORWARD -j ACCEPT > /etc/passwd",
    "iptables -A FORWARD -j ACCEPT & reboot",
    "iptables -A FORWARD -j ACCEPT || reboot",
    "iptables -A FORWARD -j ACCEPT; reboot",
    "iptables -A FORWARD -s $(id) -j ACCEPT",
    "iptables -A FORWARD -s `id` -j ACCEPT",
    "iptables -A FORWARD -s ${X} -j ACCEPT",
    "iptables -A {FORWARD,INPUT} -j ACCEPT",
    "iptables -A FORWARD -s ~root -j ACCEPT",
    "iptables -A FORWARD -i /* -j ACCEPT",
    "iptables -A FORWARD -m comment --comment 'a b' -j ACCEPT",
    "iptables -A FORWARD -j ACCEPT \\",
    "X=1 iptables -A FORWARD -j ACCEPT",
    "./iptables -A FORWARD -j ACCEPT",
    "/tmp/iptables -A FORWARD -j ACCEPT",
    "iptables",
    "iptables -F",
    "iptables -P INPUT ACCEPT",
    "iptables -M /tmp/x -A FORWARD -j ACCEPT",
    "iptables --modprobe /tmp/x -A FORWARD -j ACCEPT",
    "iptables --modprobe=/tmp/x -A FORWARD -j ACCEPT",
    "iptables --modp /tmp/x -A FORWARD -j ACCEPT",
    "iptables -A FORWARD -M/tmp/x -j ACCEPT",
    "iptables -A FORWARD -m bpf --object-pinned /tmp/x -j ACCEPT",
    "iptables -A FORWARD -j NFQUEUE",
    "iptables -A FORWARD -j",
    "iptables -A -j ACCEPT",
    "iptables -A FORWARD --tcp-flags SYN",
    "iptables -A FORWARD -A INPUT -j ACCEPT",
    "iptables -t nat",
    "iptables -t security -A FORWARD -j ACCEPT",
    "iptables-restore /tmp/x",
    "ip -batch /tmp/x",
    "ip -b /tmp/x",
    "ip netns exec x bash",
    "ip",
    "ip route",
    "ip route flush table main",
    "ip route add",
    "ip route add dev eth0",
    "ip route add 10.0.0.0/8 encap bpf in obj /tmp/x",
    "ip route add 10.0.0.0/8 dev",
    "ip route add 10.0.0.0/8 dev encap bpf in obj /tmp/x",
    "ip rule add",
    "ip rule flush",
    "ip link add x type vcan",
    "ip link set wg0 xdp obj /tmp/x",
    "ip link set wg0 xdpgeneric obj /tmp/x",
    "ip link set wg0 netns 1",
    "ip link set",
    "ip address add 10.0.0.1/8 dev eth0",
    "nft -f /tmp/x",
    "nft --file /tmp/x",
    "nft flush ruleset",
    "nft include /tmp/x",
    "nft add rule include /tmp/x",
    "nft add rule ip nat -f /tmp/x",
    "nft add chain ip nat postrouting { type nat hook postrouting priority 100 ; }",
    "nft add rule",
    "modprobe wireguard",
    "sysctl -w kernel.core_pattern=x",
    ";",
    "; iptables -A FORWARD -j ACCEPT",
    "iptables -A FORWARD -j ACCEPT &&",
    "iptables -A FORWARD -j ACCEPT;;",
    "iptables -A FORWARD -j ACCEPT; ; iptables -A FORWARD -j ACCEPT",
    "iptables -A FORWARD -j ACCEPT;\N{NO-BREAK SPACE}iptables -A FORWARD -j ACCEPT",
    "iptables -A FORWARD -j ACCEPT\N{IDEOGRAPHIC SPACE}; iptables -A FORWARD -j ACCEPT",
    "iptables\N{EN SPACE}-A FORWARD -j ACCEPT",
    "iptables -A FORWARD -m set --match-set x src -j ACCEPT",
    "iptables -A FORWARD -j custom",
    "iptables -A FORWARD -g custom",
    "iptables -A FORWARD -j SET --add-set x src",
    "iptables -A FORWARD -m string --string x --algo bm -j ACCEPT",
    "iptables -A FORWARD -m owner --uid-owner 0 -j ACCEPT",
    "ip6tables-restore x",
    "xtables-multi iptables -A FORWARD -j ACCEPT",
    "env iptables -A FORWARD -j ACCEPT",
    "LD_PRELOAD=/tmp/x iptables -A FORWARD -j ACCEPT",
    "sudo iptables -A FORWARD -j ACCEPT",
    "exec iptables -A FORWARD -j ACCEPT",
    "iptables -A FORWARD -j ACCEPT -- x",
    "/usr/sbin/../../tmp/iptables -A FORWARD -j ACCEPT",
    "//usr/sbin/iptables -A FORWARD -j ACCEPT",
    "ip -n x route add 10.0.0.0/8 dev eth0",
    "ip -all netns exec bash",
    "ip vrf exec x bash",
    "ip -force -batch x",
    "ip route restore",
    "ip route save",
    "ip link set wg0 alias x",
    "ip tuntap add x mode tun",
    "nft -i",
    "nft -I /tmp add rule ip nat postrouting masquerade",
    "nft add rule ip nat postrouting log prefix x ; include /tmp/x",
    "nft add rule ip nat postrouting @set",
    "nft list ruleset",
    "nft add map ip nat x",
    "! iptables -A FORWARD -j ACCEPT",
]


@pytest.mark.parametrize("hook", RECIPES)
def test_usual_recipes_are_allowed(hook: str) -> None:
    assert is_allowed(hook)
    assert checked_hook("PostUp", f" {hook} ", "allowlist") == (hook.strip(),)


@pytest.mark.parametrize("hook", REFUSED)
def test_nothing_else_is(hook: str) -> None:
    assert not is_allowed(hook)
    with pytest.raises(Refusal, match="PostUp: only plain iptables"):
        checked_hook("PostUp", hook, "allowlist")


def test_deny_takes_none_and_allow_takes_all() -> None:
    with pytest.raises(Refusal, match="PreUp: hooks cannot be set over HTTP"):
        checked_hook("PreUp", RECIPES[0], "deny")
    assert checked_hook("PreUp", "bash /tmp/x", "allow") == ("bash /tmp/x",)


@pytest.mark.parametrize("policy", ["deny", "allowlist", "allow"])
@pytest.mark.parametrize("text", ["", "   "])
def test_no_hook_is_always_allowed(policy: Any, text: str) -> None:
    assert checked_hook("PostDown", text, policy) == ()


@pytest.mark.parametrize("text", ["a\nb", "a # b", "a\x01b"])
def test_what_a_file_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="PostUp: "):
        checked_hook("PostUp", text, "allow")


def mutations(seed: int, number: int) -> Iterator[str]:
    """Recipes with words and characters put in, taken out and put after one another."""
    random_ = random.Random(seed)
    words = sorted({word for each in (*RECIPES, *REFUSED) for word in each.split()})
    odd = " ;&|!%=@~+,:./-_[]{}()<>*?#$`'\"\\^\t\n\r\v0aZ\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
    for _ in range(number):
        hook = random_.choice(RECIPES)
        for _ in range(random_.randrange(1, 4)):
            at, kind = random_.randrange(len(hook) + 1), random_.randrange(3)
            if kind == 0:
                hook = hook[:at] + random_.choice(odd) + hook[at + random_.randrange(2) :]
            elif kind == 1:
                split = hook.split(" ")
                split[random_.randrange(len(split))] = random_.choice(words)
                hook = " ".join(split)
            else:
                hook += random_.choice(["; ", "&& ", ";", " ", "&&"]) + random_.choice(RECIPES)
        yield hook


BASH = """
cd "$1" || exit 1
show() { printf '%s\\0' "$@"; printf ';\\0'; }
for program in iptables ip6tables ip nft; do
    for path in "" /sbin/ /usr/sbin/ /bin/ /usr/bin/; do
        eval "function $path$program { show $path$program \\"\\$@\\"; }"
    done
done
command_not_found_handle() { printf 'another program: %s\\0' "$@"; }
while IFS= read -r -d '' hook; do (eval "$hook") 2>&1; printf '\\n\\0'; done
"""
"""As wg-quick runs hooks, with functions in the place of the programs, that show what they are called with."""


def test_bash_takes_what_is_allowed_as_it_was_read(tmp_path: Path) -> None:
    allowed = sorted({each for each in mutations(1, 20_000) if is_allowed(each)})
    assert len(allowed) > 1000
    done = subprocess.run(
        ["bash", "-c", BASH, "bash", str(tmp_path)], input="\0".join([*allowed, ""]).encode(), capture_output=True
    )
    shown = done.stdout.decode().split("\n\0")
    for hook, found in zip(allowed, shown, strict=False):
        commands = [each.split(" ") for each in hook.replace("&&", ";").split(";")]
        expected = [word for each in commands if any(each) for word in [*filter(None, each), ";"]]
        assert found.split("\0")[:-1] == expected, hook
    assert len(shown) == len(allowed) + 1
    assert list(tmp_path.iterdir()) == [], "a file came about"
