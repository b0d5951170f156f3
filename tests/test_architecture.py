"""The walls of the house: which room imports which, read from the source with ast.

``offences`` is a pure function of a tree of files, so the checker itself is tested on small trees made up below.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

EVERYWHERE = {"errors", "values", "schemas", "templates"}
OBSERVED_MODEL = {"observed.model", "observed.conf"}
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "values": {"errors"},
    "command": {"errors"},
    "files": {"errors"},
    "sharing": {"errors"},
    "schemas": set(),
    "templates": set(),
    "desired": {*EVERYWHERE, "files"},
    "observed": {*EVERYWHERE, "command", "files"},
    "importing": {*EVERYWHERE, *OBSERVED_MODEL, "desired", "files"},
    "planning": {*EVERYWHERE, *OBSERVED_MODEL, "desired.model"},
    "converge": {*EVERYWHERE, "planning", "observed", "desired", "command", "files"},
    # The API says what it needs of a reconciler; the agent is one.
    "agent": {*EVERYWHERE, "converge", "desired.moments", "observed", "files", "sharing", "api.reconciler"},
    "api": {*EVERYWHERE, *OBSERVED_MODEL, "desired", "sharing", "agent.client"},
    "__main__": {"cli"},
}
ROOMS["cli"] = {*ROOMS} - {"__main__"}
"""What each room may import of the others: whole rooms, or single modules of one."""

PURE = ("planning", "desired.model", "observed.model", "observed.conf")
IMPURE_MODULES = {"falcon", "io", "os", "pathlib", "shutil", "socket", "subprocess", "tempfile", "yaml"}
STARTS_PROGRAMS = {"asyncio.subprocess", "multiprocessing", "os.popen", "os.system", "pty", "subprocess"}
INSTALLED_INSIDE = {"api", "schemas", "templates"}
NO_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}


@dataclass(frozen=True)
class Source:
    """One file: its path from the root, its module name, its syntax tree."""

    path: Path
    module: str
    tree: ast.Module

    @property
    def inner(self) -> str:
        """The module's name inside the package, "" for the package itself and for what is outside of it."""
        return self.module.partition("wgreconcile.")[2]

    @property
    def room(self) -> str:
        return self.inner.partition(".")[0]

    def where(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Every import wherever it stands, by its full name: ``from a import b`` is ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield from ((node, f"{base}.{alias.name}") for alias in node.names)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.module.split(".")
        if self.path.name != "__init__.py":
            package = package[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def sources(root: Path) -> list[Source]:
    """The Python files of the package, of api/ and of the tests; links are left out, they lead to api/."""
    files = [
        path
        for top in ("wgreconcile", *sorted(INSTALLED_INSIDE), "tests", "benchmarks")
        for path in sorted((root / top).rglob("*.py"))
        if not any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(root))
    ]
    return [
        Source(path.relative_to(root), _module(path.relative_to(root)), ast.parse(path.read_text(), str(path)))
        for path in files
    ]


def _module(path: Path) -> str:
    parts = [*path.parent.parts, *([] if path.stem == "__init__" else [path.stem])]
    inside = ["wgreconcile"] if parts[0] in INSTALLED_INSIDE else []
    return ".".join([*inside, *parts])


def inside(name: str, rooms: set[str] | tuple[str, ...]) -> bool:
    """Whether a dotted name is one of ``rooms`` or below one."""
    return any(f"{name}.".startswith(f"{room}.") for room in rooms)


def wrong_direction(source: Source) -> Iterator[str]:
    """Imports of a room that is not among those this room may import."""
    if not source.inner:
        return
    if source.room not in ROOMS:
        yield f"{source.path}: no such room: {source.room}; give it a place in ROOMS and ARCHITECTURE.md"
        return
    for node, name in source.imports():
        target = name.removeprefix("wgreconcile.")
        # `import wgreconcile` and a name of its __init__ tie nothing to a room.
        ties = target != name and target.partition(".")[0] in ROOMS
        if ties and not inside(target, {source.room, *ROOMS[source.room]}):
            yield f"{source.where(node)}: {source.room} must not import {target}"


def impurity(source: Source) -> Iterator[str]:
    """Input or output in the rooms that only compute."""
    if not inside(source.inner, PURE):
        return
    for node, name in source.imports():
        if name.partition(".")[0] in IMPURE_MODULES:
            yield f"{source.where(node)}: {source.inner} only computes, it must not import {name}"


def programs_elsewhere(source: Source) -> Iterator[str]:
    """Programs started by other means than command.py."""
    if not source.module.startswith("wgreconcile") or source.inner == "command":
        return
    named = [*source.imports(), *((node, _dotted(node)) for node in ast.walk(source.tree))]
    for node, name in named:
        if inside(name, STARTS_PROGRAMS) or name.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            yield f"{source.where(node)}: {name}: only command.py runs programs"


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def shells(source: Source) -> Iterator[str]:
    """``shell=`` with anything but False."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) != "False":
            yield f"{source.where(node)}: no shell, give an argument vector"


def imports_by_folder(source: Source) -> Iterator[str]:
    """``import api`` works in a checkout only; installed, it is wgreconcile.api."""
    for node, name in source.imports():
        if name.partition(".")[0] in INSTALLED_INSIDE:
            yield f"{source.where(node)}: import wgreconcile.{name} instead"


def names_that_say_nothing(source: Source) -> Iterator[str]:
    """utils, helpers and the like."""
    for part in {*source.module.split("."), source.path.stem.removeprefix("test_")} & NO_NAMES:
        yield f"{source.path}: {part} names no subject"


def cycles(every: list[Source]) -> Iterator[str]:
    """Modules of the package that import each other in a ring."""
    known = {source.module for source in every if source.inner}
    graph = {
        source.module: {
            name if name in known else name.rpartition(".")[0]
            for _, name in source.imports()
            if (name in known or name.rpartition(".")[0] in known)
        }
        for source in every
        if source.inner
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"import cycle: {' -> '.join(error.args[1])}"


CHECKS: tuple[Callable[[Source], Iterator[str]], ...] = (
    wrong_direction,
    impurity,
    programs_elsewhere,
    shells,
    imports_by_folder,
    names_that_say_nothing,
)


def offences(root: Path) -> list[str]:
    """Everything under ``root`` that breaks a wall."""
    every = sources(root)
    return [*(line for source in every for check in CHECKS for line in check(source)), *cycles(every)]


def test_the_house_keeps_its_walls() -> None:
    found = offences(REPOSITORY)
    assert not found, "\n".join(found)


def test_the_checker_reads_the_whole_house() -> None:
    modules = {source.module for source in sources(REPOSITORY)}
    assert {"wgreconcile.command", "wgreconcile.api", "wgreconcile.planning", "tests.test_architecture"} <= modules


@pytest.mark.parametrize(
    ("path", "text", "offence"),
    [
        ("wgreconcile/values.py", "import wgreconcile.command", "values must not import command"),
        ("wgreconcile/errors.py", "from wgreconcile import values", "errors must not import values"),
        (
            "wgreconcile/desired/store.py",
            "from wgreconcile.observed.model import X",
            "desired must not import observed.model.X",
        ),
        (
            "wgreconcile/planning/plan.py",
            "from wgreconcile.observed.observe import x",
            "planning must not import observed.observe.x",
        ),
        ("wgreconcile/planning/plan.py", "from ..command import run", "planning must not import command.run"),
        (
            "wgreconcile/planning/plan.py",
            "def f():\n    from wgreconcile import converge",
            ":2: planning must not import converge",
        ),
        ("wgreconcile/planning/__init__.py", "from .. import cli", "planning must not import cli"),
        ("api/peers.py", "from wgreconcile.command import run", "api must not import command.run"),
        ("api/peers.py", "from wgreconcile.planning.model import Plan", "api must not import planning.model"),
        ("api/peers.py", "import wgreconcile.converge.apply", "api must not import converge.apply"),
        ("api/peers.py", "from wgreconcile.agent.watch import x", "api must not import agent.watch.x"),
        ("wgreconcile/attic/old.py", "", "no such room: attic"),
        ("wgreconcile/planning/deep/one.py", "import os.path", "planning.deep.one only computes"),
        ("wgreconcile/planning/plan.py", "from subprocess import run", "must not import subprocess.run"),
        ("wgreconcile/desired/model.py", "import yaml", "must not import yaml"),
        ("wgreconcile/observed/model.py", "import socket", "must not import socket"),
        ("wgreconcile/converge/apply.py", "import subprocess", "only command.py runs programs"),
        ("wgreconcile/cli/main.py", "import os\nos.system('x')", ":2: os.system: only command.py"),
        ("api/peers.py", "import os\nos.execvp('x', ['x'])", "os.execvp: only command.py"),
        ("wgreconcile/command.py", "run('x', shell=True)", "no shell"),
        ("tests/test_x.py", "run('x', shell=1)", "no shell"),
        ("tests/test_x.py", "import api", "import wgreconcile.api instead"),
        ("api/app.py", "from api.peers import x", "import wgreconcile.api.peers.x instead"),
        ("wgreconcile/desired/utils.py", "", "utils names no subject"),
        ("tests/common/test_x.py", "", "common names no subject"),
    ],
)
def test_checker_finds(tmp_path: Path, path: str, text: str, offence: str) -> None:
    write(tmp_path, path, text)
    found = offences(tmp_path)
    assert any(offence in line for line in found)
    assert all(line.startswith(path) for line in found)


def test_checker_finds_a_ring_of_imports(tmp_path: Path) -> None:
    write(tmp_path, "wgreconcile/desired/a.py", "from wgreconcile.desired.b import x")
    write(tmp_path, "wgreconcile/desired/b.py", "from . import a")
    (found,) = offences(tmp_path)
    assert found.startswith("import cycle: ")


def test_checker_lets_allowed_imports_pass(tmp_path: Path) -> None:
    write(tmp_path, "wgreconcile/desired/model.py", "from wgreconcile.values import Key\nimport re, datetime")
    write(tmp_path, "wgreconcile/planning/plan.py", "from wgreconcile.desired.model import X\nfrom . import diff")
    write(tmp_path, "wgreconcile/command.py", "import subprocess\nsubprocess.run(['x'], shell=False)")
    write(tmp_path, "wgreconcile/cli/main.py", "import os\nfrom wgreconcile import __version__, converge")
    write(tmp_path, "wgreconcile/__main__.py", "from wgreconcile.cli.main import main")
    write(tmp_path, "api/app.py", "from wgreconcile.desired.store import Store\nfrom .peers import x")
    write(tmp_path, "tests/test_x.py", "import subprocess\nimport wgreconcile.api.app")
    (tmp_path / "wgreconcile/api").symlink_to("../api")
    assert offences(tmp_path) == []


def write(root: Path, path: str, text: str) -> None:
    """Put one file into a made-up tree."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


@pytest.mark.parametrize("name", sorted(INSTALLED_INSIDE))
def test_folder_at_the_top_is_linked_into_the_package(name: str) -> None:
    link = REPOSITORY / "wgreconcile" / name
    assert link.is_symlink()
    assert link.resolve() == REPOSITORY / name


def test_every_package_on_disk_is_installed_and_nothing_generic() -> None:
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    installed = setup["options"]["packages"].split()
    on_disk = {
        source.module
        for source in sources(REPOSITORY)
        if source.path.name == "__init__.py" and source.module.startswith("wgreconcile")
    }
    assert set(installed) == on_disk, f"setup.cfg differs in {sorted(on_disk ^ set(installed))}"
