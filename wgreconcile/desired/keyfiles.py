"""Keys that come and go with a change of the desired state, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from wgreconcile.desired import landing, saving, secretfolder
from wgreconcile.desired.landing import Landed, Landing
from wgreconcile.desired.model import DesiredState, Peer, Secret, SecretFile
from wgreconcile.desired.secretfolder import Reader, Unusable
from wgreconcile.errors import ConflictError, Fault, StateError
from wgreconcile.values import SecretKey


def add(folder: Path, keys: Mapping[str, SecretKey]) -> tuple[str, ...]:
    """Keep all ``keys``, by name, in files of ``folder``, 0600 in folders of 0700, durably; or none of them.

    Returns the names of those that were not there yet. Raise ConflictError when a file holds another key: it is
    never overwritten. Raise StateError when the folder is unusable, BusyError while another process keeps writing
    there.
    """
    new, landed = land(folder, keys)
    try:
        landed.settle()
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            remove(folder, new)
        raise
    return new


def land(folder: Path, keys: Mapping[str, SecretKey]) -> tuple[tuple[str, ...], Landed]:
    """As :func:`add`, for who has other things to do while what is kept for good reaches its place."""
    if not keys:
        return (), Landed(folder)
    _check_names(folder, keys)
    try:
        _make(folder)
        with secretfolder.opened(folder) as reader, saving.locked(folder, exclusive=True):
            try:
                return _land(folder, keys, keys)
            except FileExistsError:  # too rare to look for each of them before
                new = [each for each, key in keys.items() if not _is_kept(folder, reader, each, key)]
                return _land(folder, keys, new)
    except FileExistsError as error:
        raise ConflictError(f"{error.filename} exists; a key is never overwritten") from None
    except Unusable as error:
        raise StateError([Fault(str(folder), 0, "", error.problem, error.remedy)]) from None


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove the files of these names, and folders that hold no more; it is no error when one is gone already."""
    paths = tuple(names)
    if paths and folder.is_dir():
        with saving.locked(folder, exclusive=True):
            landing.remove(folder, paths)


def orphaned(peers: Iterable[Peer], state: DesiredState) -> set[str]:
    """Names of the files that ``peers`` refer to and nothing in ``state`` does.

    The private key of an interface that went stays: Git may bring the interface back, and its clients know it.
    """
    names = {name for peer in peers for name in _names((peer.preshared_key, peer.client.private_key))}
    return unreferenced(names, state)


def unreferenced(names: Iterable[str], state: DesiredState) -> set[str]:
    """Those of ``names`` that nothing in ``state`` refers to."""
    found = set(names)
    return found.difference(_all_names(state)) if found else found


def _make(folder: Path) -> None:
    try:
        secretfolder.make(folder)
    except FileExistsError:  # a link to nowhere
        raise Unusable(f"{folder} is not a folder", "put one in its place, or name one with --secrets") from None


def _check_names(folder: Path, names: Iterable[str]) -> None:
    faults = []
    for name in names:
        try:
            secretfolder.check_name(name)
        except Unusable as error:
            faults.append(Fault(str(folder), 0, name, error.problem, error.remedy))
    if faults:
        raise StateError(faults)


def _land(folder: Path, keys: Mapping[str, SecretKey], names: Iterable[str]) -> tuple[tuple[str, ...], Landed]:
    new = tuple(names)
    return new, landing.land(folder, [_landing(each, keys[each]) for each in new])


def _is_kept(folder: Path, reader: Reader, name: str, key: SecretKey) -> bool:
    found = reader.read(name)
    if found not in (None, key):
        raise ConflictError(f"{folder / name} exists and holds another key; it is not overwritten")
    return found is not None


def _landing(name: str, key: SecretKey) -> Landing:
    return Landing(name, None, f"{key.reveal()}\n".encode(), 0o600, folder_mode=0o700)


def _all_names(state: DesiredState) -> Iterator[str]:
    for interface in state.interfaces:
        yield from _names((interface.private_key, interface.client_defaults.private_key))
        yield f"{interface.name}.key"
        for peer in interface.peers:
            yield from _names((peer.preshared_key, peer.client.private_key))


def _names(secrets: Iterable[Secret | None]) -> Iterator[str]:
    return (each.name for each in secrets if isinstance(each, SecretFile))
