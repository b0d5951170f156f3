"""An interface of which only few peers are looked at and changed, as long as all others are as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from wgreconcile.converge.records import Record
from wgreconcile.converge.target import Whole
from wgreconcile.observed.model import ObservedInterface, Route
from wgreconcile.observed.observe import Look
from wgreconcile.planning.model import Adjust, InterfacePlan, RemovePeers, SetPeers, Step, WriteFile
from wgreconcile.planning.sections import Sections
from wgreconcile.values import PublicKey


class NotAlone(Exception):
    """More than the few peers has changed, or would have to: the interface has to be looked at as a whole."""


def is_simple(step: Step) -> bool:
    """Whether a step ends at once and touches nobody but the peers that it names."""
    if isinstance(step, Adjust):
        return step == Adjust(add_routes=step.add_routes, remove_routes=step.remove_routes)
    return isinstance(step, (WriteFile, SetPeers, RemovePeers))


class Part:
    """The peers of ``keys`` of an interface whose file and record have the same text; a :class:`Target`.

    Its texts have these peers alone. Raise NotAlone where others are not as they were in ``text`` and ``look``.
    """

    def __init__(
        self, whole: Whole, keys: frozenset[PublicKey], text: str, look: Look, look_again: Callable[[], Look]
    ) -> None:
        self.name, self.look = whole.name, look
        self._whole, self._keys, self._look_again = whole, keys, look_again
        few, self._others = Sections.of(text).split(keys)
        self.text, self.others = few.text, len(self._others.peers)
        self._known = [(text, self.text)]  # whole texts, each with what it has of the few
        observed, self._beside = look.few(self.name, keys)
        self._file = observed.file
        self.before = self._narrowed(observed)
        self._routes: set[Route] = set()

    def load(self) -> Record | None:
        record = self._whole.load()
        return replace(record, text=self._few(record.text)) if record else None

    def save(self, record: Record) -> None:
        self._whole.save(replace(record, text=self._all(record.text)))

    def forget(self) -> None:
        raise NotAlone

    def check(self, _: InterfacePlan) -> None:
        pass  # what is simple has no obstacles that can be foreseen

    def command_of(self, _: Step) -> tuple[str, ...]:
        return ()

    def ready(self, steps: Sequence[Step]) -> Sequence[Step]:
        return steps

    def perform(self, step: Step) -> None:
        if not is_simple(step):
            raise NotAlone
        if isinstance(step, Adjust):
            self._routes.update(step.add_routes, step.remove_routes)
        self._whole.perform(WriteFile(self._written(step.text)) if isinstance(step, WriteFile) else step)

    def observe(self) -> ObservedInterface:
        self.look = self._look_again()
        observed, beside = self.look.few(self.name, self._keys)
        before, now = self.before.live, observed.live
        if before is None or now is None or not beside.is_like(self._beside):
            raise NotAlone
        if before.rules != now.rules or not (before.routes ^ now.routes) <= self._routes:
            raise NotAlone
        return self._narrowed(observed)

    def _narrowed(self, observed: ObservedInterface) -> ObservedInterface:
        file = observed.file
        return replace(observed, file=replace(file, text=self._few(file.text)) if file else None)

    def _few(self, text: str) -> str:
        for whole, known in self._known:
            if whole == text:
                return known
        few, others = Sections.of(text).split(self._keys)
        if not others.means(self._others):
            raise NotAlone
        return few.text

    def _written(self, text: str) -> str:
        """The whole file with the text for few: on the way back the one that was there, to the byte."""
        before = self.before.file
        return self._file.text if self._file and before and text == before.text else self._all(text)

    def _all(self, text: str) -> str:
        for whole, known in self._known:
            if known == text:
                return whole
        self._known.append((self._others.merged(Sections.of(text)).text, text))
        return self._known[-1][0]
