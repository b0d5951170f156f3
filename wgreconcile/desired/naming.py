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
    """``stem`` and ``ending``, with a number in between where that is taken."""
    path, number = stem + ending, 1
    while is_taken(path):
        number += 1
        path = f"{stem}-{number}{ending}"
    return path
