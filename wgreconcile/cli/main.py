"""The command line: reads arguments, hands each verb what it works on, turns errors into exit statuses."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from wgreconcile.cli.settings import Settings, resolve
from wgreconcile.errors import StateError, WgreconcileError, masked

EPILOG = (
    "exit status: 0 done, changed or not; 1 error; 2 changes pending (plan --detailed-exitcode, apply --check); "
    "75 another run holds the lock; 78 invalid state"
)


class Verb(NamedTuple):
    """A verb: its help, what adds its own arguments, and ``module:function``, imported only when it runs."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    arguments = parser_of_all().parse_args(argv)
    gc.disable()  # a run is short and makes no garbage in circles, but thousands of values to look through for it
    try:
        settings = resolve(arguments, os.environ)
        module, _, function = arguments.run.partition(":")
        run: Callable[[argparse.Namespace, Settings], int] = getattr(import_module(module), function)
        return run(arguments, settings)
    except StateError as error:
        count = len(error.faults)
        return _fail(
            f"{error}\nwgreconcile: {count} fault{'s' * (count > 1)}, nothing was changed", error.exit_status
        )
    except WgreconcileError as error:
        return _fail(f"wgreconcile: {error}", error.exit_status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return 1
    except PermissionError as error:
        return _fail(f"wgreconcile: {error.filename}: permission denied; run as root or as its owner", 1)
    except OSError as error:
        return _fail(f"wgreconcile: {error.filename or 'system'}: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        return _fail("wgreconcile: interrupted; the next run converges what this one left", 130)
    finally:
        gc.freeze()  # nor does Python have to look through them when it ends


def _fail(message: str, status: int) -> int:
    print(message, file=sys.stderr)
    return status


class Parser(argparse.ArgumentParser):
    """argparse ends with 2 on a word it does not know, which here means that changes are pending."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: {masked(message)}\n")


def parser_of_all() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="wgreconcile",
        description="Keep WireGuard interfaces on a desired state that lives in Git.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in VERBS:
        added = verbs.add_parser(verb.name, help=verb.help, description=verb.help, epilog=EPILOG)
        added.set_defaults(run=verb.run)
        verb.arguments(added)
        _add_where(added)
    return parser


class _Version(argparse.Action):
    """Asks the installed package for its version, and only when somebody wants to know."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        print(f"wgreconcile {version('wgreconcile')}")
        parser.exit()


def _add_where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where (else the environment: WGRECONCILE_STATE …; else the settings file)")
    where.add_argument(
        "--state", metavar="DIR", help="desired state (state/ of the checkout, /etc/wgreconcile/state)"
    )
    where.add_argument("--secrets", metavar="DIR", help="secret keys (secrets/ beside the state)")
    where.add_argument("--conf-dir", metavar="DIR", help="configuration files (/etc/wireguard)")
    where.add_argument("--var", metavar="DIR", help="journal and caches (/var/lib/wgreconcile)")
    where.add_argument("--settings", metavar="FILE", help="settings file (/etc/wgreconcile/settings.yaml)")


def _names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="INTERFACE", help="only these interfaces")


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")


def _render(parser: argparse.ArgumentParser) -> None:
    _names(parser)
    parser.add_argument("--client", metavar="PEER", help="the peer's own file; PEER is a name or a public key")
    parser.add_argument("--show-secrets", action="store_true", help="print keys instead of (secret)")


def _plan(parser: argparse.ArgumentParser) -> None:
    _names(parser)
    _output(parser)
    parser.add_argument("--offline", action="store_true", help="compare with files alone: no root, no WireGuard")
    parser.add_argument("--prune", action="store_true", help="also remove managed interfaces that left the state")
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit with 2 when changes are pending")
    parser.add_argument("--at", metavar="TIME", help="the plan as it would be then (ISO 8601: 2030-01-31T12:00Z)")


def _apply(parser: argparse.ArgumentParser) -> None:
    _names(parser)
    _output(parser)
    parser.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit with 2 if something would change, with 1 if apply would refuse it",
    )
    parser.add_argument("--diff", action="store_true", help="print what changes")
    parser.add_argument("--prune", action="store_true", help="remove managed interfaces that left the state")
    parser.add_argument("--force", action="store_true", help="even when much would be removed")
    parser.add_argument(
        "--max-disruption",
        choices=("none", "peer", "interface", "restart"),
        default="restart",
        help="refuse a plan that disturbs more",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="for another run to end (default: 10); exit with 75 after that",
    )


def _status(parser: argparse.ArgumentParser) -> None:
    _names(parser)
    _output(parser)


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="FILE",
        help="files, or interfaces that have one (default: all of --conf-dir that the state lacks)",
    )
    parser.add_argument(
        "--wgdashboard",
        metavar="DIR",
        help="also take over what WGDashboard keeps in DIR, beside its wg-dashboard.ini",
    )


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", metavar="HOST:PORT", help="where to listen (server.address and .port of the state's settings)"
    )
    parser.add_argument("--frontend", metavar="DIR", help="serve the built web page in this folder, too")


def _genkey(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="keep it as this secret and print its public key")


VERBS = (
    Verb("validate", "check the desired state", _names, "wgreconcile.cli.state_verbs:validate"),
    Verb("render", "print configuration files", _render, "wgreconcile.cli.state_verbs:render"),
    Verb("plan", "show what apply would change", _plan, "wgreconcile.cli.plan_verbs:plan"),
    Verb("apply", "bring interfaces to their desired state", _apply, "wgreconcile.cli.plan_verbs:apply"),
    Verb("status", "show desired, on disk and live side by side", _status, "wgreconcile.cli.host_verbs:status"),
    Verb("import", "turn .conf files into desired state", _import, "wgreconcile.cli.host_verbs:import_conf"),
    Verb("serve", "answer HTTP requests, and reconcile", _serve, "wgreconcile.cli.serve_verb:serve"),
    Verb("genkey", "make a private key", _genkey, "wgreconcile.cli.state_verbs:genkey"),
)
