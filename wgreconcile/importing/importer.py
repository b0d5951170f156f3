"""Existing configuration files into desired state: each with all of its documents and keys, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from wgreconcile.desired.layout import why_no_interface
from wgreconcile.desired.saving import Snapshot
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.errors import BusyError, ConflictError, Fault, StateError
from wgreconcile.importing.conffile import settle, text_of
from wgreconcile.importing.documents import Draft, Remarks, draft
from wgreconcile.importing.origin import at_origin
from wgreconcile.importing.proof import differences
from wgreconcile.importing.reading import SAVE_CONFIG, Reading, read
from wgreconcile.importing.report import FileResult, ImportReport
from wgreconcile.values import is_interface_name

Progress = Callable[[str, str], None]
"""Called with the name of an interface and what is being done for it."""


def import_files(
    paths: Iterable[Path],
    *,
    store: Store,
    secrets: Secrets,
    conf_dir: Path,
    live: Collection[str],
    progress: Progress = lambda name, text: None,
    remarks: Remarks = "names",
    names: Mapping[str, str] = {},
) -> ImportReport:
    """Import each file and tell what became of it; a file that is refused stops none of the others.

    ``live`` names the interfaces that are up: the others get ``enabled: false``, so that the plan right after the
    import is empty. Documents and keys that exist are never overwritten. Raise StateError when the desired state
    has faults before anything is imported.
    """
    store.state.mkdir(parents=True, exist_ok=True)
    store.load()
    collaborators = (store, secrets, conf_dir, live, progress, remarks, names)
    return ImportReport(tuple(_Import(path, *collaborators).run() for path in paths))


def files_to_import(arguments: Iterable[str], *, conf_dir: Path, known: Collection[str]) -> list[Path]:
    """The files that arguments name: paths, or interfaces of ``conf_dir``; without any, all not ``known`` yet.

    Raise PermissionError when it takes a look into ``conf_dir`` that is not allowed.
    """
    given = [_file_of(each, conf_dir) for each in arguments]
    if given:
        return list(dict.fromkeys(given))
    found = (
        sorted(conf_dir.iterdir()) if conf_dir.is_dir() else []
    )  # a glob takes a locked folder for an empty one
    files = (each for each in found if each.suffix == ".conf")
    return [each for each in files if each.stem not in known and is_interface_name(each.stem)]


def _file_of(argument: str, conf_dir: Path) -> Path:
    if not argument.endswith(".conf") and "/" not in argument:
        return conf_dir / f"{argument}.conf"
    path = Path(argument)
    return path if "/" in argument or path.exists() else conf_dir / argument


@dataclass
class _Import:
    """The import of one file; ``notes`` gathers what is said about it."""

    path: Path
    store: Store
    secrets: Secrets
    conf_dir: Path
    live: Collection[str]
    progress: Progress
    remarks: Remarks
    names: Mapping[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".conf")

    def run(self) -> FileResult:
        try:
            return self._run()
        except StateError as error:
            faults = error.faults
        except (ConflictError, BusyError) as error:
            faults = (self._fault(str(error), "see to that, then import again"),)
        except OSError as error:
            where = f"{error.filename}: " if error.filename not in (None, str(self.path)) else ""
            faults = (self._fault(f"{where}{error.strerror or error}", "make it accessible, then import again"),)
        return FileResult(self.path, self.name, faults)

    def _run(self) -> FileResult:
        self._check_name()
        text = text_of(self.path)
        reading = read(text, str(self.path))
        made = draft(self.name, reading, enabled=self.name in self.live, remarks=self.remarks, names=self.names)
        if faults := list(differences(self.name, made.documents[f"{self.name}.yaml"], reading, str(self.path))):
            raise StateError(faults)
        self.progress(self.name, f"writing {len(made.documents) + len(made.secrets)} files")
        with ExitStack() as keys:
            keys.callback(self.secrets.remove, self.secrets.add(made.secrets))
            snapshot = self._save(made, reading)
            with ExitStack() as everything:
                everything.callback(self._put_back, snapshot, keys)
                self._settle(text, reading)
                everything.pop_all()
            keys.pop_all()
        *peers, interface = (self.store.state / each for each in made.documents)
        return FileResult(
            path=self.path,
            name=self.name,
            notes=tuple(self.notes),
            documents=(interface, *peers),
            secrets=tuple(self.secrets.folder / each for each in made.secrets),
            peers=len(reading.peers),
        )

    def _check_name(self) -> None:
        name, document = self.name, self.store.state / f"{self.name}.yaml"
        if self.path.suffix != ".conf":
            raise StateError([self._fault("does not end in .conf", "name a configuration file of wg-quick")])
        problem, remedy = why_no_interface(name)
        if problem:
            raise StateError([self._fault(problem, remedy)])
        if name in self.store.names():
            remedy = f"edit that document, or remove {name} from the state and import again"
            raise StateError([self._fault(f"{name} is in the state already: {document}", remedy)])

    def _save(self, made: Draft, reading: Reading) -> Snapshot:
        try:
            return self.store.save(made.documents, expected=dict.fromkeys(made.documents, ""))
        except StateError as error:
            told = (at_origin(each, self.store.state, made, reading, str(self.path)) for each in error.faults)
            raise StateError(told) from None

    def _put_back(self, snapshot: Snapshot, keys: ExitStack) -> None:
        """Take the documents back, and only when that is done the keys that they refer to."""
        discarding = keys.pop_all()
        self.store.restore(snapshot)
        discarding.close()

    def _settle(self, text: str, reading: Reading) -> None:
        managed = self.conf_dir / f"{self.name}.conf"
        if managed.exists() and managed.samefile(self.path):
            self.notes += settle(managed, text, reading)
        else:
            self.notes += (f"not carried over: {each}" for each in reading.amendments)
            hint = "is another file: the plan shows what differs" if managed.exists() else "will be made by apply"
            self.notes.append(f"{managed} {hint}")
        if self.name not in self.live:
            self.notes.append("not up now, so its document says `enabled: false`; take that out to bring it up")
        elif SAVE_CONFIG in reading.amendments:
            self.notes.append("what was changed live and not saved shows in the plan; look at it before you apply")
        if reading.comments:
            self.notes.append(
                f"comments that name no peer: {reading.comments}, lost when the file is next written"
            )

    def _fault(self, problem: str, remedy: str) -> Fault:
        return Fault(str(self.path), 0, "", problem, remedy)
