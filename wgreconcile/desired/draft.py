"""A desired state with changes that are not saved yet: what the API's edits work on.

An edit speaks in values, and the draft finds the documents that have to change. It sees its own changes at once,
exactly as they would be read back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, TypeVar

from wgreconcile.desired import keyfiles
from wgreconcile.desired.encode import Document
from wgreconcile.desired.layout import SUFFIX, document_of
from wgreconcile.desired.model import DesiredState, Interface, Peer, SecretFile
from wgreconcile.desired.naming import free_path, stem_of
from wgreconcile.desired.patch import patch_inline, patch_interface, patch_peer
from wgreconcile.desired.pending import Value, lay_over, values_of
from wgreconcile.desired.recheck import recheck
from wgreconcile.desired.store import Foreseen, StoredDocument
from wgreconcile.errors import Fault, StateError, UsageError
from wgreconcile.values import PublicKey, SecretKey

T = TypeVar("T")

Read = Callable[[str], StoredDocument | None]
"""Gives the document at a path below the state folder, None when there is none."""


class Draft:
    """A desired state in the making.

    ``state`` is what it would be, ``base`` what it was. ``documents`` lead from one to the other; ``versions`` are
    those that were read for them. ``keys`` are to be kept in the secret folder. ``takes_away``: an interface loses
    peers that are on it now, or goes itself. ``is_key`` tells whether the folder has a file of a name already.
    """

    def __init__(self, state: DesiredState, read: Read, is_key: Callable[[str], bool], now: datetime) -> None:
        self.base = state
        self.state = state
        self.now = now
        self.documents: dict[str, Document | None] = {}
        self.versions: dict[str, str] = {}
        self.keys: dict[str, SecretKey] = {}
        self.takes_away = False
        self._checked = state
        self._touched: dict[str, set[PublicKey]] = defaultdict(set)
        self._replaced: list[Peer] = []
        self._values: dict[str, Value | None] = {}
        self._made: dict[tuple[str, Callable[[Interface], Any]], Any] = {}
        self._read = read
        self._is_key = is_key

    def copy(self) -> Draft:
        """A draft that goes its own way from here on."""
        other = Draft(self.base, self._read, self._is_key, self.now)
        other.state, other.takes_away, other._checked = self.state, self.takes_away, self._checked
        other.documents, other.versions, other.keys = dict(self.documents), dict(self.versions), dict(self.keys)
        other._replaced, other._values, other._made = [*self._replaced], dict(self._values), self._made
        other._touched.update({name: set(keys) for name, keys in self._touched.items()})
        return other

    # Values

    def interface(self, name: str) -> Interface:
        """The interface of that name. Raise UsageError when there is none."""
        found = self.state.find(name)
        if found is None:
            raise UsageError(f"no interface {name} in the state")
        return found

    def peer(self, name: str, public_key: str) -> Peer | None:
        """The peer of that key on the interface of that name, or None."""
        found = self.state.find(name)
        return found.find(public_key) if found else None

    def changed(self, name: str) -> Iterator[Peer]:
        """The peers of an interface that stand in documents which have changed."""
        for value in self._values.values():
            if isinstance(value, Interface):
                yield from value.peers if value.name == name else ()
            elif value and value.origin.startswith(f"{name}/"):
                yield value

    def once(self, name: str, make: Callable[[Interface], T]) -> T:
        """What ``make`` makes of an interface as it was; made once for all drafts of the same state."""
        if (name, make) not in self._made:
            self._made[name, make] = make(self.base.find(name) or Interface(name))
        made: T = self._made[name, make]
        return made

    def put_interface(self, interface: Interface) -> None:
        """Add an interface, or change the settings of the one of that name. Its peers stay as they are."""
        before = self.state.find(interface.name)
        path = f"{interface.name}.yaml"
        document = self.document(path) if before else {}
        self.put_documents({path: patch_interface(document, before, interface)})

    def remove_interface(self, name: str) -> None:
        """Remove an interface and all of its peers."""
        peers = (each.origin for each in self.interface(name).peers)
        self.put_documents(dict.fromkeys([*peers, f"{name}.yaml"]))

    def put_peers(self, name: str, peers: Iterable[Peer]) -> None:
        """Add peers to an interface, or change those of the same public keys, each in the document it is in."""
        interface = self.interface(name)
        changes = [(interface.find(each.public_key), each) for each in peers]
        new: dict[str, Document | None] = {}
        documents: dict[str, Document | None] = {}
        for before, after in changes:
            if before is None:
                new[self._free_path(name, after, new)] = patch_peer({}, None, after)
            elif "/" in before.origin:
                documents[before.origin] = patch_peer(self.document(before.origin), before, after)
        documents.update(self._inline(name, [(before, after) for before, after in changes if before]))
        self.versions.update(dict.fromkeys(new, ""))
        self._put({**new, **documents}, new)

    def remove_peers(self, name: str, public_keys: Iterable[str]) -> None:
        """Remove the peers of these public keys from an interface; keys that it lacks do no harm."""
        keys = set(public_keys)
        gone = [each for each in self.interface(name).peers if each.public_key in keys]
        documents: dict[str, Document | None] = dict.fromkeys(each.origin for each in gone if "/" in each.origin)
        documents.update(self._inline(name, [(each, None) for each in gone]))
        self.put_documents(documents)

    def stem(self, name: str, peer: Peer) -> str:
        """What the files of a new peer are called, without their endings: as its document will be."""
        return self._free_path(name, peer).removesuffix(SUFFIX)

    def keep(self, name: str, key: SecretKey) -> SecretFile:
        """Keep a key in the secret folder, in a file of about this name (``wg0/alice.psk``), and refer to it."""
        stem, _, ending = name.rpartition(".")
        free = free_path(stem, f".{ending}", lambda each: each in self.keys or self._is_key(each))
        self.keys[free] = key
        return SecretFile(free)

    # Documents

    @property
    def names(self) -> list[str]:
        """The interfaces that the changed documents belong to."""
        found = filter(None, map(document_of, self.documents))
        return sorted({each.interface for each in found})

    @property
    def foreseen(self) -> Foreseen:
        """What saving the documents comes to, once they are checked."""
        return Foreseen(self.base, self.state, self._values)

    def document(self, path: str) -> Document:
        """The data of a document as the draft has it, to be changed and put."""
        if path in self.documents:
            return deepcopy(self.documents[path] or {})
        stored = self._read(path)
        self.versions[path] = stored.version if stored else ""
        return stored.data if stored else {}

    def put_documents(self, documents: Mapping[str, Document | None]) -> None:
        """Put documents in the place of those of the same paths. Raise StateError with what is wrong in them."""
        self._put(documents)

    def _put(self, documents: Mapping[str, Document | None], new: Collection[str] = ()) -> None:
        values = values_of(documents)
        laid = lay_over(self.state, values, self.now, new)
        self._replaced += laid.replaced
        self.takes_away |= any(laid.gone.values()) or len(laid.state.interfaces) < len(self.state.interfaces)
        self.state = laid.state
        self.documents.update(documents)
        self._values.update(values)
        for name, keys in laid.touched.items():
            self._touched[name] |= keys

    def check(self) -> None:
        """Check the rules across documents. Raise StateError with all that the changes break."""
        findings = recheck(self._checked, self.state, self._touched, self.now)
        faults = [each for each in findings if not each.is_warning]
        if faults:
            raise StateError(
                Fault(each.origin, 0, ".".join(map(str, each.field)), each.problem, each.remedy) for each in faults
            )
        self._checked = self.state
        self._touched.clear()

    def orphaned_keys(self) -> set[str]:
        """Files of the secret folder that peers refer to before the changes, and nothing does afterwards."""
        return keyfiles.orphaned(self._replaced, self.state)

    def _free_path(self, name: str, peer: Peer, besides: Collection[str] = ()) -> str:
        stem = f"{name}/{stem_of(peer.name, peer.public_key)}"
        return free_path(stem, SUFFIX, lambda each: each in besides or self._is_taken(name, each))

    def _is_taken(self, name: str, path: str) -> bool:
        """Whether there is, or was, a document at that path."""
        return path in self.documents or path in self.once(name, _origins)

    def _inline(self, name: str, changes: Iterable[tuple[Peer, Peer | None]]) -> dict[str, Document | None]:
        """The interface's own document with changes of the peers that it lists."""
        inline = {before.public_key: (before, after) for before, after in changes if "/" not in before.origin}
        return {f"{name}.yaml": patch_inline(self.document(f"{name}.yaml"), inline)} if inline else {}


def _origins(interface: Interface) -> set[str]:
    return {each.origin for each in interface.peers}
