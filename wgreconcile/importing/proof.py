"""That a document means what its file means: the plan right after an import is empty because of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wgreconcile.desired import schema
from wgreconcile.desired.codec import HOOKS, interface_of
from wgreconcile.errors import Fault
from wgreconcile.importing.origin import line_of
from wgreconcile.importing.reading import SPELLING, Reading

_FIELDS = ("address", "listen_port", "mtu", "dns", "table", "fwmark", *HOOKS)


def differences(name: str, document: dict[str, Any], reading: Reading, path: str) -> Iterator[Fault]:
    """What the document of an interface would say otherwise than the file, such as a number with leading zeros.

    Nothing of a document that has faults, which the store tells.
    """
    if schema.check("interface", document):
        return
    interface, problems = interface_of(document, name, "")
    if problems:
        return
    for field in _FIELDS:
        before = getattr(reading.conf, field)
        after = getattr(interface.hooks if field in HOOKS else interface, field)
        if before != after:
            key = field.replace("_", "")
            spelled = ", ".join(after) if isinstance(after, tuple) else str(after)
            remedy = f"write `{SPELLING[key]} = {spelled}`, then import again"
            yield Fault(path, line_of(key, 0, reading.interface), SPELLING[key], "has another spelling", remedy)
