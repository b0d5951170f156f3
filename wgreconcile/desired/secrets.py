"""References of the desired state to keys: files of the secret folder and environment variables.

A key that may be generated is made on first apply; a key that is gone later is a fault, because a new one would
lock every peer out. Faults name files, variables and fields, never keys.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from wgreconcile.desired import saving, secretfolder
from wgreconcile.desired.model import DesiredState, Interface, Peer, Secret, SecretEnv, SecretFile
from wgreconcile.desired.places import Placer
from wgreconcile.desired.secretfolder import Reader, Unreadable, Unusable
from wgreconcile.errors import Fault, StateError
from wgreconcile.values import PublicKey, SecretKey, generate_secret_key, public_key_of

Make = Callable[[], SecretKey]

StandIn = Callable[[PublicKey | None], SecretKey]
"""Gives a key in place of one that this user may not read: of the peer of a public key, or of the interface."""


@dataclass(frozen=True, slots=True)
class Where:
    """The field that refers to a secret: of a document, or of the item of its ``peers`` that has a key."""

    origin: str
    field: str = ""
    peer: PublicKey | None = None


class Secrets:
    """The keys that a desired state refers to, in ``folder`` and in environment variables.

    With ``state``, the state folder, faults name the line of the reference.
    """

    def __init__(
        self, folder: Path, *, state: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._placer = Placer(state)
        self._environment = os.environ if environment is None else environment

    def resolve(self, secret: Secret, where: Where | str) -> SecretKey:
        """The key that ``secret`` names; ``where`` is the field, or just the document, that refers to it.

        Raise StateError when there is no such key.
        """
        with self._session() as session:
            key = session.find(secret, Where(where) if isinstance(where, str) else where)
        assert key is not None  # a session without a key ends in StateError
        return key

    def resolve_interface(
        self,
        interface: Interface,
        *,
        is_new: bool = False,
        write: bool = False,
        now: datetime | None = None,
        stand_in: StandIn | None = None,
    ) -> Interface:
        """``interface`` with its private key and the preshared keys of the peers that are on it at ``now``.

        Keys that may be generated and are absent are made: a preshared key always, the private key of an
        interface only while it ``is_new``. With ``write`` they are kept in the folder, otherwise they serve this
        plan alone. The peers' own private keys stay as they are. With ``stand_in``, keys that this user may not
        read are no faults. Raise StateError with the faults of all references; nothing is written then.
        """
        moment = now or datetime.now(timezone.utc)
        where = Where(interface.origin, "private_key")
        with self._session(stand_in) as session:
            key = session.find(private_key_of(interface), where, generate_secret_key if is_new else None)
            peers = tuple(
                session.with_preshared_key(each) if each.preshared_key and each.is_active(moment) else each
                for each in interface.peers
            )
        if write:
            self.add(session.made)
        return replace(interface, private_key=key, peers=peers)

    def generate(self, name: str) -> SecretKey:
        """Make a private key and keep it in the new file ``name``. Raise ConflictError, StateError."""
        key = generate_secret_key()
        self.write(name, key)
        return key

    def write(self, name: str, key: SecretKey) -> SecretFile:
        """Keep ``key`` in the new file ``name`` and return the reference to it. Raises what :meth:`add` does."""
        self.add({name: key})
        return SecretFile(name)

    def add(self, keys: Mapping[str, SecretKey]) -> tuple[str, ...]:
        """Keep all keys, by name, or none; returns the names that were not there (see :func:`keyfiles.add`)."""
        from wgreconcile.desired import keyfiles  # few runs write a key

        return keyfiles.add(self.folder, keys)

    def remove(self, names: Iterable[str]) -> None:
        """Remove the files of these names."""
        from wgreconcile.desired import keyfiles

        keyfiles.remove(self.folder, names)

    def settle(self) -> None:
        """Remove what a program that was killed has left of keys that it had begun to write."""
        saving.settle(self.folder)

    def missing(self, state: DesiredState) -> tuple[str, ...]:
        """Names of the files that ``state`` lets be generated and that do not exist yet, sorted."""
        names = {each.name for each in _references(state) if isinstance(each, SecretFile) and each.generate}
        return tuple(sorted(each for each in names if not (self.folder / each).exists()))

    def check(self, state: DesiredState) -> tuple[Fault, ...]:
        """Faults of keys that do not belong together, as far as they are here to be looked at.

        A peer's own private key must be the pair of its public key, and no peer is the interface itself.
        """
        with self._session() as session:
            for interface in state.interfaces:
                session.check_pairs(interface)
            found = tuple(self._fault(*each) for each in session.faults)
            session.faults.clear()
        return found

    @contextmanager
    def _session(self, stand_in: StandIn | None = None) -> Iterator[_Session]:
        """Resolve many references with the folder opened once; raises their faults together at the end."""
        saving.settle(self.folder)
        try:
            with secretfolder.opened(self.folder, lenient=stand_in is not None) as reader:
                session = _Session(reader, self._environment, self.folder, stand_in)
                yield session
        except Unusable as error:
            raise StateError([Fault(str(self.folder), 0, "", error.problem, error.remedy)]) from None
        if session.faults:
            raise StateError(self._fault(*each) for each in session.faults)

    def _fault(self, where: Where, problem: str, remedy: str) -> Fault:
        path = tuple(where.field.split(".")) if where.field else ()
        return self._placer.fault(where.origin, where.peer, 0, path, problem, remedy)


def private_key_of(interface: Interface) -> Secret:
    """The reference to the private key of an interface; without one in the state, a file that is generated."""
    return interface.private_key or SecretFile(f"{interface.name}.key", generate=True)


def generate_preshared_key() -> SecretKey:
    """32 random bytes, as ``wg genpsk`` makes them."""
    return SecretKey(base64.b64encode(os.urandom(32)).decode())


class _Session:
    """References resolved with one open folder: their faults, and the keys made for those that were absent."""

    def __init__(
        self, reader: Reader, environment: Mapping[str, str], folder: Path, stand_in: StandIn | None
    ) -> None:
        self.faults: list[tuple[Where, str, str]] = []
        self.made: dict[str, SecretKey] = {}
        self._reader = reader
        self._environment = environment
        self._folder = folder
        self._stand_in = stand_in

    def find(self, secret: Secret, where: Where, make: Make | None = None) -> SecretKey | None:
        """The key, or None with a fault noted. ``make`` makes a key that may be generated."""
        try:
            if isinstance(secret, SecretFile):
                return self._in_file(secret, make)
            return self._in_environment(secret.variable) if isinstance(secret, SecretEnv) else secret
        except Unusable as error:
            if isinstance(error, Unreadable) and self._stand_in:
                return self._stand_in(where.peer)
            self.faults.append((where, error.problem, error.remedy))
            return None

    def with_preshared_key(self, peer: Peer) -> Peer:
        """``peer`` with its preshared key in place of the reference."""
        assert peer.preshared_key is not None
        where = Where(peer.origin, "preshared_key", peer.public_key)
        return replace(peer, preshared_key=self.find(peer.preshared_key, where, generate_preshared_key))

    def check_pairs(self, interface: Interface) -> None:
        """Note a fault for each private key whose public key is not the one that it should have."""
        own = self._present(private_key_of(interface), Where(interface.origin, "private_key"))
        own_public = public_key_of(own) if own else None
        for peer in interface.peers:
            if peer.public_key == own_public:
                where = Where(peer.origin, "public_key", peer.public_key)
                self.faults.append((where, "is the interface's own public key", "write the peer's"))
            if isinstance(peer.client.private_key, (SecretFile, SecretEnv)):
                self._check_pair(peer, peer.client.private_key)

    def _check_pair(self, peer: Peer, secret: Secret) -> None:
        where = Where(peer.origin, "client.private_key", peer.public_key)
        key = self._present(secret, where)
        if key is not None and public_key_of(key) != peer.public_key:
            self.faults.append((where, "is not the pair of public_key", "store the key that belongs to it"))

    def _present(self, secret: Secret, where: Where) -> SecretKey | None:
        """The key if it is here and ours to read; one that is not is no fault now, one that is unusable is."""
        try:
            if isinstance(secret, SecretFile):
                return self._reader.read(secret.name)
            if isinstance(secret, SecretEnv) and secret.variable not in self._environment:
                return None
        except Unreadable:
            return None
        except Unusable as error:
            self.faults.append((where, error.problem, error.remedy))
            return None
        return self.find(secret, where)

    def _in_file(self, secret: SecretFile, make: Make | None) -> SecretKey:
        found = self._reader.read(secret.name) or self.made.get(secret.name)
        if found is None and secret.generate and make is not None:
            found = self.made[secret.name] = make()
        if found is not None:
            return found
        path = self._folder / secret.name
        if secret.generate:
            problem = f"{path} is not there, and the interface has a key: a new one would lock its peers out"
            raise Unusable(problem, "put the file back, or store a new key there on purpose")
        raise Unusable(f"{path} does not exist", "store the key there, mode 600")

    def _in_environment(self, variable: str) -> SecretKey:
        text = self._environment.get(variable)
        if text is None:
            raise Unusable(f"the environment variable {variable} is not set", "set it for wgreconcile")
        try:
            return SecretKey.parse(text.strip())
        except ValueError:
            raise Unusable(f"the environment variable {variable} does not hold a key", "set it to one") from None


def _references(state: DesiredState) -> Iterator[Secret]:
    for interface in state.interfaces:
        yield private_key_of(interface)
        yield from (each.preshared_key for each in interface.peers if each.preshared_key)
