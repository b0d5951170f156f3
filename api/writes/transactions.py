"""Edits of the desired state: saved, converged and verified together, or taken back without a trace."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Generic, TypeVar

from wgreconcile.api.reconciler import Outcome, Reconciler
from wgreconcile.api.writes.key_note import KeyNote
from wgreconcile.desired import keyfiles
from wgreconcile.desired.draft import Draft
from wgreconcile.desired.model import DesiredState
from wgreconcile.desired.saving import Snapshot
from wgreconcile.desired.secrets import Secrets
from wgreconcile.desired.store import Store
from wgreconcile.errors import (
    BusyError,
    ConflictError,
    ConvergenceError,
    DependencyError,
    StateError,
    UnsafePlanError,
    UsageError,
    WgreconcileError,
)
from wgreconcile.sharing import Group

T = TypeVar("T")

_log = logging.getLogger(__name__)

PATIENCE = 0.005
"""Seconds between writers who come back for the next pass: those whom one pass has answered come together."""

LOOK_AGAIN = 0.5
"""Seconds after which the state folder is looked at again, before that is due for those who only want to see."""

Edit = Callable[[Draft], Any]

_OF_ANOTHER_STATE = (ConflictError, StateError)
"""What comes of a state in memory that somebody else has just changed on disk."""

_UNTRIED = (BusyError, DependencyError, StateError, UnsafePlanError, UsageError)
"""What the reconciler raises before it has changed anything."""


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """A write that is durable, applied and verified: what its edit returned, and the desired state with it."""

    data: T
    state: DesiredState
    outcome: Outcome


class Transactions:
    """Writes to the desired state, from any number of threads.

    Writes that come together are saved together and share one pass, in the order in which they came.
    """

    def __init__(
        self, store: Store, secrets: Secrets, reconciler: Reconciler, *, patience: float = PATIENCE
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._reconciler = reconciler
        self._note = KeyNote(secrets.folder)
        self._disk = ThreadPoolExecutor(1, "disk")
        self._group: Group[Edit, Written[Any]] = Group(self._work, patience=patience)

    def write(self, edit: Callable[[Draft], T]) -> Written[T]:
        """Change the desired state by ``edit``; returns when a pass that holds the change is over and verified.

        ``edit`` changes the draft that it is given, or raises to leave everything as it is. It may be called more
        than once, always with the newest state, and must not write by itself. Raises what ``edit`` raises,
        StateError when the result breaks a rule, ConflictError when somebody else changed the same document, and
        ConvergenceError or what the reconciler raises when it cannot be applied. The state is then as it was
        before, on disk to the byte and live.
        """
        return self._group.ask(edit)

    def settle(self) -> None:
        """Remove keys that a killed write has left. Raise StateError while the state has faults."""
        self.write(lambda draft: None)

    def close(self) -> None:
        """Wait for the writes that were begun; those that come from here on are told to come again later."""
        self._group.close()
        self._disk.shutdown()

    def _work(self, edits: Sequence[Edit]) -> list[Written[Any] | Exception]:
        state = self._store.recent()
        self._note.settle(state)
        return self._try(edits, state)

    def _try(self, edits: Sequence[Edit], state: DesiredState) -> list[Written[Any] | Exception]:
        """Apply edits one after the other, and commit those that go through together."""
        try:
            draft, results, accepted = self._drafted(edits, state, check_each=len(edits) == 1)
            draft.check()
        except StateError:  # one of them breaks a rule, and those after it have seen that
            draft, results, accepted = self._drafted(edits, state, check_each=True)
        try:
            outcome = self._commit(draft)
        except Exception as error:
            is_final = len(accepted) == 1 and not isinstance(error, _OF_ANOTHER_STATE)
            for number in accepted:
                # One bad write is no reason to refuse the good ones that came with it.
                results[number] = error if is_final else self._alone(edits[number])
        else:
            for number in accepted:
                results[number] = Written(results[number], draft.state, outcome)
        return results

    def _drafted(
        self, edits: Sequence[Edit], state: DesiredState, *, check_each: bool
    ) -> tuple[Draft, list[Any], list[int]]:
        """The draft after all edits that go through, what each of them gave or raised, and which those are."""
        draft = self._draft(state)
        results: list[Any] = []
        accepted: list[int] = []
        for number, edit in enumerate(edits):
            attempt = draft.copy()
            try:
                data = edit(attempt)
                if check_each:
                    attempt.check()
            except Exception as error:
                results.append(error)
            else:
                draft = attempt
                results.append(data)
                accepted.append(number)
        return draft, results, accepted

    def _alone(self, edit: Edit) -> Written[Any] | Exception:
        """Once more, from the state as it is on disk right now."""
        try:
            draft = self._draft(self._store.load())
            data = edit(draft)
            draft.check()
            return Written(data, draft.state, self._commit(draft))
        except Exception as error:
            return error

    def _draft(self, state: DesiredState) -> Draft:
        folder = str(self._secrets.folder)
        now = datetime.now(timezone.utc)
        return Draft(state, self._store.document, lambda name: os.path.lexists(f"{folder}/{name}"), now)

    def _commit(self, draft: Draft) -> Outcome:
        """Keys first, so that no document ever refers to one that is not there; and those of the past last."""
        if not draft.documents:
            return Outcome()
        orphaned = draft.orphaned_keys()
        with self._note.of(draft.keys, orphaned):
            return self._commit_noted(draft, orphaned)

    def _commit_noted(self, draft: Draft, orphaned: set[str]) -> Outcome:
        new, landed = keyfiles.land(self._secrets.folder, draft.keys)
        settled = [self._disk.submit(landed.settle)]
        try:
            snapshot, landed = self._store.land(draft.documents, expected=draft.versions, foreseen=draft.foreseen)
        except BaseException:
            self._wait_for(settled)
            keyfiles.remove(self._secrets.folder, new)
            raise
        settled.append(self._disk.submit(landed.settle))
        self._disk.submit(self._store.recent, LOOK_AGAIN)  # now there is time, and so no request waits for that
        try:
            outcome = self._reconciler.converge(draft.names, force=draft.takes_away)
            if outcome.failed:
                raise ConvergenceError(outcome.error)
        except BaseException as error:
            self._wait_for(settled)
            self._restore(snapshot, error)
            keyfiles.remove(self._secrets.folder, new)
            if not isinstance(error, _UNTRIED):
                self._lead_back(draft, error)
            raise
        self._wait_for(settled)
        try:
            keyfiles.remove(self._secrets.folder, orphaned)
        except OSError as error:  # all is done, and a key that nothing refers to is no reason to say it is not
            _log.error("a key of a peer that is gone cannot be removed: %s", error)
        return outcome

    def _wait_for(self, settled: Iterable[Future[None]]) -> None:
        """Wait until what has landed has settled, which most often is over while interfaces are converged."""
        for each in settled:
            try:
                each.result()
            except OSError as error:  # it is in the journal, and whoever writes next tries again
                _log.error("what was written cannot reach its place on the disk: %s", error)

    def _restore(self, snapshot: Snapshot, error: BaseException) -> None:
        try:
            self._store.restore(snapshot)
        except OSError as failure:
            remedy = "take the change back by hand, or the next pass tries it again"
            raise ConvergenceError(
                f"{error}; and the documents cannot be put back: {failure}; {remedy}"
            ) from error

    def _lead_back(self, draft: Draft, error: BaseException) -> None:
        """Converge what was before. All that this can take away is what the failed pass has brought."""
        try:
            back = self._reconciler.converge(draft.names, force=True)
            reason = back.error
        except WgreconcileError as failure:
            reason = str(failure)
        if reason:
            raise ConvergenceError(f"{error}; and the way back failed, too: {reason}") from error
