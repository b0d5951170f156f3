"""What would make a plan fail half way, found before its first step."""

from __future__ import annotations

from collections.abc import Iterator

from wgreconcile.command import lacked_by_wg_quick
from wgreconcile.converge.mtu import automatic_mtu, foreseen_mtu
from wgreconcile.errors import ConvergenceError, WgreconcileError
from wgreconcile.observed.conf import Conf
from wgreconcile.planning.model import Adjust, BringUp, InterfacePlan, TakeDown
from wgreconcile.planning.routes import carries_ipv6, default_routes
from wgreconcile.values import IPV6_MTU


def obstacles(plan: InterfacePlan) -> Iterator[WgreconcileError]:
    """All reasons why a plan would fail, as far as they can be told beforehand."""
    for programs in _called(plan):
        if error := lacked_by_wg_quick(*programs):
            yield error
    mtu = _mtu(plan)
    if mtu is not None and mtu < IPV6_MTU:
        problem = f"was not begun, because the paths to its peers leave it an MTU of {mtu}, too small for IPv6"
        yield ConvergenceError(f"{problem}; set an mtu of {IPV6_MTU} or more, or leave IPv6 out, and apply again")


def _called(plan: InterfacePlan) -> Iterator[tuple[str, ...]]:
    """The programs that wg-quick will call, each with those that it takes instead."""
    if _hands_over_dns(plan):
        yield ("resolvconf",)
    tunnels = (default_routes(each.conf) for each in plan.steps if isinstance(each, BringUp))
    versions = {network.version for networks in tunnels for network in networks}
    if 4 in versions:
        yield ("sysctl",)
    if versions:  # ip6tables-restore comes with iptables-restore
        yield ("nft", "iptables-restore")


def _hands_over_dns(plan: InterfacePlan) -> bool:
    """Whether wg-quick will set name servers or take them back. One that was interrupted goes down without it."""
    return any(
        bool(each.conf.dns) and not (isinstance(each, TakeDown) and each.force)
        for each in plan.steps
        if isinstance(each, (BringUp, TakeDown))
    )


def _mtu(plan: InterfacePlan) -> int | None:
    """The MTU that would be chosen for an interface with IPv6; None when it is set, or cannot be told."""
    conf = plan.goal.live or Conf()
    if conf.mtu is not None or not carries_ipv6(conf):
        return None
    if any(isinstance(each, Adjust) and each.mtu == 0 for each in plan.steps):
        return automatic_mtu(plan.name)
    kinds = {type(each) for each in plan.steps}
    if BringUp not in kinds or TakeDown in kinds:  # while it is still up, paths may lead through it
        return None
    return foreseen_mtu(conf)
