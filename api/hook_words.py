"""Firewall and routing commands that may be set over HTTP, word by word.

Every option is named here with the number of its values, because these programs take shortened options
(``--modp``) and some options load a file, a kernel module or another program. What is not named is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

Check = Callable[[Sequence[str]], bool]
"""Whether the words after the program are allowed."""

_VALUE = re.compile(r"[A-Za-z0-9%.:/_,+][A-Za-z0-9%.:/_,+=@-]*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERATIONS = _words("-A --append -I --insert -D --delete -C --check")
_TABLES = _words("filter nat mangle raw")
_MATCHES = _words(
    "addrtype comment conntrack icmp iprange limit mac mark multiport policy state tcp tcpmss udp icmp6 ipv6-icmp"
)
_TARGETS = _words("ACCEPT DROP REJECT RETURN MASQUERADE SNAT DNAT REDIRECT TCPMSS MARK LOG")
_NAMED = {
    **dict.fromkeys(("-t", "--table"), _TABLES),
    **dict.fromkeys(("-m", "--match"), _MATCHES),
    **dict.fromkeys(("-j", "--jump"), _TARGETS),
}
_ONE_VALUE = _words("""
    -i --in-interface -o --out-interface -s --source --src -d --destination --dst -p --protocol
    --sport --source-port --dport --destination-port --sports --dports --ports --state --ctstate --comment
    --src-type --dst-type --src-range --dst-range --limit --limit-burst --mark --set-mark --set-xmark --set-mss
    --mss --to-source --to-destination --to-ports --reject-with --icmp-type --icmpv6-type --dir --pol
    --log-prefix --mac-source
""")
_NO_VALUE = _words("--clamp-mss-to-pmtu --syn --random -4 --ipv4 -6 --ipv6")

_ROUTE_VERBS = _words("add append change del delete replace")
_ROUTE_KINDS = _words("unicast local blackhole unreachable prohibit throw")
_ROUTE_KEYS = dict.fromkeys(_words("to via dev src table metric proto protocol scope mtu"), 1) | {"onlink": 0}
_RULE_VERBS = _words("add del delete")
_RULE_KEYS = dict.fromkeys(
    _words("from to table lookup priority preference pref order fwmark iif oif suppress_prefixlength"), 1
) | {"not": 0}
_LINK_KEYS = {"dev": 1, "mtu": 1, "txqueuelen": 1, "up": 0, "down": 0}

_NFT_VERBS = _words("add insert delete")
_NFT_OBJECTS = _words("rule table chain")
_NFT_WORD = re.compile(r"[A-Za-z0-9%][A-Za-z0-9%.:/_,+-]*|[!=]=|-[0-9]+")


def is_iptables(words: Sequence[str]) -> bool:
    """``-t nat -A POSTROUTING -s 10.7.0.0/24 -o eth0 -j MASQUERADE`` and the like: one rule more or less."""
    rest = list(words)
    operations = 0
    while rest:
        word = rest.pop(0)
        if word in _OPERATIONS:
            operations += 1
            if not _takes(rest, _VALUE.fullmatch):
                return False
            _take_number(rest)
        elif not _is_option(word, rest):
            return False
    return operations == 1


def is_ip(words: Sequence[str]) -> bool:
    """``route``, ``rule`` and ``link set``, with one of ``-4`` and ``-6`` before it at most."""
    rest = words[1:] if words[:1] in (["-4"], ["-6"]) else words
    kind, verb, arguments = (*rest[:2], "", "")[0], (*rest[:2], "", "")[1], rest[2:]
    if kind == "route":
        if arguments[:1] and arguments[0] in _ROUTE_KINDS:
            arguments = arguments[1:]
        return verb in _ROUTE_VERBS and _is_target(arguments) and _are_pairs(arguments[1:], _ROUTE_KEYS)
    if kind == "rule":
        return verb in _RULE_VERBS and bool(arguments) and _are_pairs(arguments, _RULE_KEYS)
    if kind == "link" and verb == "set" and arguments:
        named = arguments[0] not in _LINK_KEYS and _VALUE.fullmatch(arguments[0]) is not None
        return _are_pairs(arguments[1:] if named else arguments, _LINK_KEYS)
    return False


def is_nft(words: Sequence[str]) -> bool:
    """``add rule ip nat postrouting oifname eth0 masquerade`` and the like; options and braces are none of it."""
    if len(words) < 3 or words[0] not in _NFT_VERBS or words[1] not in _NFT_OBJECTS or "include" in words:
        return False
    return all(map(_NFT_WORD.fullmatch, words[2:]))


PROGRAMS: Mapping[str, Check] = {
    **dict.fromkeys(("iptables", "iptables-legacy", "iptables-nft"), is_iptables),
    **dict.fromkeys(("ip6tables", "ip6tables-legacy", "ip6tables-nft"), is_iptables),
    "ip": is_ip,
    "nft": is_nft,
}


def _is_option(word: str, rest: list[str]) -> bool:
    """Whether ``word`` is an option of iptables with its values, which are taken from ``rest``."""
    if word == "!" or word in _NO_VALUE:
        return True
    if word in ("-w", "--wait"):
        _take_number(rest)
        return True
    if word == "--tcp-flags":
        return _takes(rest, _VALUE.fullmatch) and _takes(rest, _VALUE.fullmatch)
    if word in _NAMED:
        return _takes(rest, _NAMED[word].__contains__)
    if rest[:1] == ["!"]:
        rest.pop(0)
    return word in _ONE_VALUE and _takes(rest, _VALUE.fullmatch)


def _take_number(rest: list[str]) -> None:
    if rest and rest[0].isdigit():
        rest.pop(0)


def _takes(rest: list[str], is_good: Callable[[str], object]) -> bool:
    return bool(rest) and bool(is_good(rest.pop(0)))


def _is_target(arguments: Sequence[str]) -> bool:
    return bool(arguments) and _VALUE.fullmatch(arguments[0]) is not None and arguments[0] not in _ROUTE_KEYS


def _are_pairs(words: Iterable[str], keys: Mapping[str, int]) -> bool:
    """Whether ``words`` are nothing but keys, each with as many values as it takes."""
    rest = list(words)
    while rest:
        key = rest.pop(0)
        if key not in keys or len(rest) < keys[key]:
            return False
        if keys[key] and not _VALUE.fullmatch(rest.pop(0)):
            return False
    return True
