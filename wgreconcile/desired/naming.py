"""Names for the files of peers: short, from a to z and digits, and free."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from wgreconcile.values import PublicKey

LONGEST_STEM = 48


def stem_of(name: str, public_key: PublicKey) -> str:
    """The name of a peer as the name of a file without ending; without a name, from the public key."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_STEM].rstrip("-")
    return stem or f"peer-{re.sub('[^a-z0-9]', '', public_key.casefold())[:12]}"


def free_path(stem: str, ending: str, is_taken: Callable[[str], bool]) -> str:
    """``stem`` and ``ending``, with a number in between where that is taken.

    Thousands may be of one name, so the number is found by halving, not by counting up to it.
    """
    path = f"{stem}{ending}"
    if not is_taken(path):
        return path
    taken, free = 1, 2
    while is_taken(f"{stem}-{free}{ending}"):
        taken, free = free, free * 2
    while free - taken > 1:
        middle = (taken + free) // 2
        if is_taken(f"{stem}-{middle}{ending}"):
            taken = middle
        else:
            free = middle
    return f"{stem}-{free}{ending}"
