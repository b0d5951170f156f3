"""Carries out one step at a time with ``wg``, ``wg-quick`` and ``ip``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wgreconcile.command import lacking, run
from wgreconcile.converge.batches import run_batch, text_of, with_line
from wgreconcile.converge.hooks import hook_error
from wgreconcile.converge.leftovers import STAGING
from wgreconcile.converge.mtu import automatic_mtu
from wgreconcile.errors import CommandError
from wgreconcile.files import make_private_folder, remove, write_atomic
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import Route, Rule
from wgreconcile.planning.bringup import split
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
from wgreconcile.planning.render import render_conf, render_peers, render_stripped
from wgreconcile.values import IPV6_MTU

PEERS_PER_CALL = 1000
"""Keys that fit one argument vector with room to spare (each 44 characters and two words)."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where configuration files live. Staged files stand below it, because AppArmor lets wg read only there."""

    conf_dir: Path

    def conf_path(self, name: str) -> Path:
        """The configuration file of an interface."""
        return self.conf_dir / f"{name}.conf"

    @property
    def staging(self) -> Path:
        """A private folder for files that exist while one command runs."""
        return self.conf_dir / STAGING

    def staged(self, name: str) -> Path:
        """The file that wg-quick is given; its name is the interface's, as wg-quick demands."""
        return self.staging / f"{name}.conf"


def perform(step: Step, name: str, host: Host) -> None:
    """Carry out one step. Raise CommandError, DependencyError or HookError when a program fails; OSError."""
    match step:
        case WriteFile(text):
            make_private_folder(host.conf_dir)
            write_atomic(host.conf_path(name), text)
        case RemoveFile():
            remove(host.conf_path(name))
        case BringUp():
            _bring_up(step, name, host)
        case TakeDown():
            _take_down(step, name, host)
        case SyncConf(conf):
            run(["wg", "syncconf", name, "/dev/stdin"], stdin=render_stripped(conf))
        case SetPeers(peers):
            run(["wg", "addconf", name, "/dev/stdin"], stdin=render_peers(peers))
        case RemovePeers(keys):
            for start in range(0, len(keys), PEERS_PER_CALL):
                words = [each for key in keys[start : start + PEERS_PER_CALL] for each in ("peer", key, "remove")]
                run(["wg", "set", name, *words])
        case Adjust():
            _adjust(step, name)


def command_of(step: Step, name: str, host: Host) -> tuple[str, ...]:
    """The wg-quick command of a step, for the journal; empty for steps that end at once."""
    verbs = {BringUp: "up", TakeDown: "down"}
    verb = verbs.get(type(step))
    return ("wg-quick", verb, str(host.staged(name))) if verb else ()


def _bring_up(step: BringUp, name: str, host: Host) -> None:
    parts = split(step.conf)
    conf = parts.first
    peers, routes = (host.staging / f"{name}.{suffix}" for suffix in ("peers", "routes"))
    lines = [f"route add {_route(each, name)}" for each in parts.routes]
    with _staged(host, name, "peers", "routes"):
        hooks = []
        if parts.peers:
            write_atomic(peers, render_peers(parts.peers))
            hooks.append(shlex.join(["wg", "addconf", name, str(peers)]))
        if parts.routes:
            write_atomic(routes, text_of(lines))
            hooks.append(shlex.join(["ip", "-batch", str(routes)]))
        write_atomic(host.staged(name), render_conf(replace(conf, post_up=(*hooks, *conf.post_up))))
        try:
            run(command_of(step, name, host))
        except CommandError as error:
            raise lacking(error) or with_line(error, lines) from None


def _take_down(step: TakeDown, name: str, host: Host) -> None:
    emptied = host.staging / f"{name}.emptied"
    conf = replace(step.conf, peers=(), save_config=False)
    with _staged(host, name, "emptied"):
        if step.emptied is not None:
            write_atomic(emptied, render_stripped(step.emptied))
            emptying = shlex.join(["wg", "syncconf", name, str(emptied)])
            conf = replace(conf, pre_down=(*conf.pre_down, emptying))
        write_atomic(host.staged(name), render_conf(conf))
        try:
            run(command_of(step, name, host))
        except CommandError as error:
            if not step.force:
                raise hook_error(error, step.conf, name) or error from None
            run(["ip", "link", "delete", "dev", name], ok=(0, 1))


@contextmanager
def _staged(host: Host, name: str, *suffixes: str) -> Iterator[None]:
    make_private_folder(host.staging)
    try:
        yield
    finally:
        for suffix in ("conf", *suffixes):
            (host.staging / f"{name}.{suffix}").unlink(missing_ok=True)


def _adjust(step: Adjust, name: str) -> None:
    keeps_others = not any(each.version == 4 for each in step.remove_address) or _promote_secondaries(name)
    mtu = automatic_mtu(name) if step.mtu == 0 else step.mtu
    size = [f"link set dev {name} mtu {mtu}"] if mtu is not None else []
    # With less the kernel drops all of IPv6, so that what is to go has to go before it.
    late = size if mtu is not None and mtu < IPV6_MTU else []
    lines = [] if late else size
    lines += [f"link set dev {name} up"] if step.up else []
    come = [f"route add {_route(each, name)}" for each in step.add_routes]
    go = [f"route delete {_route(each, name)}" for each in step.remove_routes]
    if step.add_address or step.remove_address:
        # The kernel drops routes together with the last address of their family: those that go must go first.
        lines += [*go, *_address_lines(step, name, keeps_others), *come]
    else:
        lines += [*come, *go]
    run_batch(lines + late)
    for version in (4, 6):
        run_batch([_rule(each) for each in step.add_rules if each.version == version], f"-{version}")


def _promote_secondaries(name: str) -> bool:
    """Let other addresses of a network stay when its first one goes; whether that could be said to the kernel."""
    setting = Path(f"/proc/sys/net/ipv4/conf/{name}/promote_secondaries")
    try:
        setting.write_text("1")
    except OSError:  # as in most containers
        return False
    return True


def _address_lines(step: Adjust, name: str, keeps_others: bool) -> list[str]:
    """New addresses come before old ones go, but where the kernel refuses both: IPv6 with another length.

    Without ``keeps_others`` new ones could go with old ones, so these go first, and the first of a network last.
    What goes with it is found by the second look.
    """
    new = [each for each in step.add_address if each not in step.remove_address]
    clashing = [
        each
        for each in reversed(step.remove_address)
        if not keeps_others or (each.version == 6 and each.ip in {other.ip for other in new})
    ]
    if not keeps_others:
        new = list(step.add_address)
    return [
        *(f"address delete {each} dev {name}" for each in clashing),
        *(f"address add {each} dev {name}" for each in new),
        *(f"address delete {each} dev {name}" for each in step.remove_address if each not in clashing),
        *(f"address add {each} dev {name}" for each in step.add_address if each not in new),
    ]


def _route(route: Route, name: str) -> str:
    table = "" if route.table == "main" else f" table {route.table}"
    return f"{route.network} dev {name}{table}"


def _rule(rule: Rule) -> str:
    what = f"not fwmark {rule.table} table {rule.table}" if rule.table else "table main suppress_prefixlength 0"
    return f"rule add {what} priority {rule.priority}" if rule.priority else f"rule add {what}"


def brought_up_with(conf: Conf, hooks: Conf) -> Conf:
    """``conf`` with what only a restart changes as it is in ``hooks``."""
    return replace(
        conf,
        dns=hooks.dns,
        table=hooks.table,
        pre_up=hooks.pre_up,
        post_up=hooks.post_up,
        pre_down=hooks.pre_down,
        post_down=hooks.post_down,
    )
