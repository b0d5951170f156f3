"""The state folder as one desired state: read by all, written by what edits it for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wgreconcile.desired import loading, memory, saving
from wgreconcile.desired.landing import Landed, Landing, version_of
from wgreconcile.desired.layout import Stamp, document_of, interface_names, stamps
from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.news import News, news
from wgreconcile.desired.saving import Snapshot
from wgreconcile.errors import ConflictError, Fault, StateError

if TYPE_CHECKING:
    from wgreconcile.desired.pending import Value

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """The data of one document and the version to name when saving it again."""

    path: str
    data: dict[str, Any] = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a change comes to, for who knows: the sound state ``after`` it, where ``before`` is what there was.

    ``values`` is what the documents of the change say, by their paths; None for one that is gone.
    """

    before: DesiredState
    after: DesiredState
    values: Mapping[str, Value | None]


class Store:
    """The documents below ``state``. ``cache`` is a folder to remember in what was read and checked before."""

    def __init__(self, state: Path, *, cache: Path | None = None) -> None:
        self.state = state
        self._cache = cache

    def names(self) -> frozenset[str]:
        """Names of the interfaces, from the names of the documents alone."""
        return interface_names(self.state)

    def load(self) -> DesiredState:
        """Read all documents.

        Raise StateError with all faults of all of them, BusyError while another process keeps writing.
        """
        with self._lock(exclusive=False):
            return self._checked({})

    def stamps(self) -> dict[str, Stamp]:
        """What betrays a change of a document, by path, as of one moment between two saves.

        Raise OSError, BusyError while another process keeps writing.
        """
        with self._lock(exclusive=False):
            return stamps(self.state)

    def news(self, version: str, stamps: Mapping[str, Stamp], looked_at: int, now: datetime) -> News | None:
        """What the documents with these ``stamps`` say that the state of that ``version`` did not.

        ``looked_at`` is when the stamps were taken, in nanoseconds. None when it takes a :meth:`load` to tell.
        Raise BusyError while another process keeps writing.
        """
        with self._lock(exclusive=False):
            known = memory.recall(self._cache, self.state)
            return news(self.state, known, stamps, looked_at, now) if known.version == version else None

    def remember(self, found: News) -> None:
        """Let the next :meth:`load` know what is new."""
        memory.remember(self._cache, self.state, found.memory)

    def recent(self, within: float | None = None) -> DesiredState:
        """The state as of a moment ago, with all that was saved through this store: for who only wants to see.

        ``within`` so many seconds, for who looks again and again.
        """
        return self.load()

    def document(self, path: str) -> StoredDocument | None:
        """The document at a path below the state folder (``wg0/alice.yaml``), None when there is none.

        Raise StateError when it is no document, or no place for one.
        """
        from wgreconcile.desired.documents import parse

        self._check_place(path)
        content = saving.read(self.state, path)
        if content is None:
            return None
        try:
            data = parse(content.decode(), self._file(path))
        except UnicodeDecodeError:
            raise StateError([Fault(self._file(path), 0, "", "is not UTF-8", "save it as UTF-8")]) from None
        return StoredDocument(path, data, version_of(content))

    def save(self, changes: Mapping[str, Data | None], *, expected: Mapping[str, str] | None = None) -> Snapshot:
        """Write documents by their paths below the state folder; None deletes one.

        A document that exists is edited: what its data do not change keeps every byte. The state that would come
        out is checked first. ``expected`` names the versions that the changes are based on, empty for a document
        that must not exist yet.

        Raise StateError with all faults of the state that would come out, ConflictError when a version is another
        one, BusyError while another process keeps writing. Nothing is written then.
        """
        snapshot, landed = self.land(changes, expected=expected)
        try:
            landed.settle()
        except BaseException:
            with suppress(OSError):  # the first error is the one to tell
                self.restore(snapshot)
            raise
        return snapshot

    def land(
        self,
        changes: Mapping[str, Data | None],
        *,
        expected: Mapping[str, str] | None = None,
        foreseen: Foreseen | None = None,
    ) -> tuple[Snapshot, Landed]:
        """As :meth:`save`, for who has other things to do while what is saved for good reaches its place.

        With ``foreseen`` a store that has that very state in memory need not find out what the change comes to.
        """
        plain = self._plain(changes)
        with self._lock(exclusive=True):
            planner = saving.Planner(self.state)
            _check_versions(planner, expected or {})
            planned = [_planned(planner, path, data) for path, data in plain.items()]
            # Also those that stay as they are: by a hand, they may say something else than what is in memory.
            overlay = {each.path: each.after.decode() if each.after is not None else None for each in planned}
            planned = [each for each in planned if each.before != each.after]
            if not planned:
                return Snapshot(), Landed(self.state)
            checked = self._foreseen(overlay, plain, foreseen) if foreseen else None
            checked = checked or self._checked(overlay)
            landed = saving.write(self.state, planned)
            self._saved(checked)
            return Snapshot(tuple(planned)), landed

    def restore(self, snapshot: Snapshot) -> None:
        """Put back what one save has changed, byte for byte.

        Raise ConflictError, and change nothing, when someone changed one of the documents since.
        """
        with self._lock(exclusive=True):
            saving.put_back(self.state, snapshot)

    def settle(self) -> None:
        """Finish what a program that was killed has begun to write. Raise BusyError while another one writes."""
        saving.settle(self.state)

    def _checked(self, overlay: loading.Overlay) -> DesiredState:
        """The state, or what it would be with ``overlay`` over it. Raise StateError with all of its faults."""
        return loading.load(self.state, self._cache, overlay)

    def _foreseen(
        self, overlay: loading.Overlay, data: Mapping[str, Data | None], foreseen: Foreseen
    ) -> DesiredState | None:
        """The state that was foreseen, if that is what it would be with texts over it that say ``data``."""
        return None

    def _saved(self, state: DesiredState) -> None:
        """Called under the lock when a state that was checked has been written."""

    @contextmanager
    def _lock(self, *, exclusive: bool) -> Iterator[None]:
        if self.state.is_dir():
            with saving.locked(self.state, exclusive=exclusive):
                yield
        elif exclusive:
            raise StateError([Fault(str(self.state), 0, "", "is not a folder", "make it, or name another one")])
        else:
            yield  # loading says what is wrong

    def _plain(self, changes: Mapping[str, Data | None]) -> dict[str, Data | None]:
        """The changes in the types that a document is read into. Raise StateError with all that have none."""
        plain: dict[str, Data | None] = {}
        faults: list[Fault] = []
        for path, data in changes.items():
            try:
                self._check_place(path)
                plain[path] = json.loads(json.dumps(data, ensure_ascii=False).encode())
            except StateError as error:
                faults += error.faults
            except (TypeError, ValueError):
                problem = "holds what YAML cannot say"
                faults.append(Fault(self._file(path), 0, "", problem, "write text, numbers and lists"))
        if faults:
            raise StateError(faults)
        return plain

    def _check_place(self, path: str) -> None:
        if document_of(path) is None:
            shown = "".join(each if each.isprintable() else "?" for each in path)
            remedy = "write <interface>.yaml or <interface>/<peer>.yaml"
            raise StateError([Fault(self._file(shown), 0, "", "is no place for a document", remedy)])

    def _file(self, path: str) -> str:
        return str(self.state / path)


def _planned(planner: saving.Planner, path: str, data: Data | None) -> Landing:
    from wgreconcile.desired.edit import edit
    from wgreconcile.desired.emit import dump

    if data is None:
        return planner.plan(path, None)
    before = planner.before(path)
    try:
        text = dump(data) if before is None else edit(before.decode(), data)
    except UnicodeDecodeError:
        text = dump(data)
    return planner.plan(path, text.encode(), is_secret=_holds_key(data))


def _check_versions(planner: saving.Planner, expected: Mapping[str, str]) -> None:
    changed = [path for path, version in expected.items() if version_of(planner.before(path)) != version]
    if changed:
        raise ConflictError(f"{', '.join(changed)} changed meanwhile; read the state again and repeat")


def _holds_key(data: Any) -> bool:
    """Whether a key stands in the data itself, and not in the secret folder."""
    if isinstance(data, list):
        return any(map(_holds_key, data))
    if not isinstance(data, Mapping):
        return False
    literals = (data.get(field) for field in ("private_key", "preshared_key"))
    return any(isinstance(each, str) for each in literals) or any(map(_holds_key, data.values()))
