"""Keys that come and go with a change of the desired state, many at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path, PurePosixPath

from wgreconcile import files
from wgreconcile.desired import secretfolder
from wgreconcile.desired.model import DesiredState, Peer, Secret, SecretFile
from wgreconcile.desired.secretfolder import Unusable
from wgreconcile.errors import ConflictError, Fault, StateError
from wgreconcile.values import SecretKey

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SYNCED_AT_ONCE = 8
"""A disk that is asked for eight files together writes them in hardly more time than one."""


def add(folder: Path, keys: Mapping[str, SecretKey]) -> None:
    """Keep all ``keys``, by name, in new files of ``folder``, durably; or none of them.

    A crash may leave some, which nothing refers to. Raise ConflictError when there is a file of that name,
    StateError when the folder is unusable.
    """
    if not keys:
        return
    made: dict[Path, int] = {}
    try:
        secretfolder.make(folder)
        with secretfolder.opened(folder), ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
            for name, key in keys.items():
                _write_new(folder, name, key, made)
            list(pool.map(os.fsync, made.values()))
        for parent in {each.parent for each in made}:
            files.sync_folder(parent)
    except BaseException as error:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(error, Unusable):
            raise StateError([Fault(str(folder), 0, "", error.problem, error.remedy)]) from None
        raise
    finally:
        for descriptor in made.values():
            os.close(descriptor)


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove the files of these names; it is no error when one is gone already."""
    paths = [folder / each for each in names]
    for path in paths:
        path.unlink(missing_ok=True)
    for parent in {each.parent for each in paths}:
        with suppress(FileNotFoundError):
            files.sync_folder(parent)


def orphaned(peers: Iterable[Peer], state: DesiredState) -> set[str]:
    """Names of the files that ``peers`` refer to and nothing in ``state`` does.

    The private key of an interface that went stays: Git may bring the interface back, and its clients know it.
    """
    names = {name for peer in peers for name in _names((peer.preshared_key, peer.client.private_key))}
    return names.difference(_all_names(state)) if names else names


def _write_new(folder: Path, name: str, key: SecretKey, made: dict[Path, int]) -> None:
    secretfolder.check_name(name)
    for parent in reversed(PurePosixPath(name).parents[:-1]):
        (folder / parent).mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    try:
        made[path] = os.open(path, _NEW, 0o600)
    except FileExistsError:
        raise ConflictError(f"{path} exists; a key is never overwritten") from None
    with files.naming(path):
        os.write(made[path], f"{key.reveal()}\n".encode())


def _all_names(state: DesiredState) -> Iterator[str]:
    for interface in state.interfaces:
        yield from _names((interface.private_key, interface.client_defaults.private_key))
        yield f"{interface.name}.key"
        for peer in interface.peers:
            yield from _names((peer.preshared_key, peer.client.private_key))


def _names(secrets: Iterable[Secret | None]) -> Iterator[str]:
    return (each.name for each in secrets if isinstance(each, SecretFile))
