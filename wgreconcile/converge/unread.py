"""Keys that an offline plan has to do without, because its user may not read them."""

from __future__ import annotations

from functools import cached_property

from wgreconcile.errors import StateError
from wgreconcile.observed.conf import Conf
from wgreconcile.observed.model import ConfFile
from wgreconcile.values import PublicKey, SecretKey, generate_secret_key


class StandIn:
    """Gives the keys on disk, which make no difference, or else any. Nothing that they are in is ever written."""

    def __init__(self, file: ConfFile | None) -> None:
        self.asked: list[PublicKey | None] = []
        self._file = file

    def __call__(self, peer: PublicKey | None) -> SecretKey:
        self.asked.append(peer)
        return self._keys.get(peer) or generate_secret_key()

    @cached_property
    def _keys(self) -> dict[PublicKey | None, SecretKey | None]:
        try:
            conf = self._file.conf if self._file else Conf()
        except StateError:
            conf = Conf()
        return {None: conf.private_key} | {each.public_key: each.preshared_key for each in conf.peers}

    def __str__(self) -> str:
        """What was asked for: ``the private key and 2 preshared keys``."""
        count = len([each for each in self.asked if each])
        preshared = f"{count} preshared key{'s' * (count != 1)}" if count else ""
        return " and ".join(filter(None, ("the private key" if None in self.asked else "", preshared)))
