"""Which peers a transcript can be held to: a part of one shows peers that the missing parts have made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .recording import Step

_KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw480]=")
_LISTS = ("configurationPeers", "configurationRestrictedPeers")


class KnownPeers:
    """Keys that came from the script of the recording: files, variables and requests up to now."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._made_in_bulk = False

    def learn(self, value: Any) -> None:
        """Take every key that stands in a value."""
        self._keys.update(_KEY.findall(value if isinstance(value, str) else repr(value)))

    def learn_request(self, step: Step) -> None:
        """Take what a request sends; after the first bulk add any key may be one that the server made."""
        body = step.data.get("body")
        self.learn([body, step.data.get("raw_body"), step.data.get("query")])
        if isinstance(body, Mapping) and body.get("bulkAdd") is True and step.data["status"] == 200:
            self._made_in_bulk = True

    def is_known(self, key: str) -> bool:
        """Whether the script knows the key."""
        return key in self._keys

    def is_expected(self, key: str) -> bool:
        """Whether a peer of the recording can be there in our run."""
        return self._made_in_bulk or key in self._keys

    def expected(self, recorded: Any) -> Any:
        """A recorded answer without the peers that other parts of the transcript have made."""
        if isinstance(recorded, Mapping):
            return {
                name: self._without_strangers(value) if name in _LISTS else self.expected(value)
                for name, value in recorded.items()
                if not (key := _KEY.search(name)) or self.is_expected(key[0])
            }
        return recorded

    def _without_strangers(self, peers: Any) -> Any:
        return [peer for peer in peers if self.is_expected(peer["id"])]
