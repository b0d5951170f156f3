"""A built web page on disk: its index and its static files."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wgreconcile.errors import UsageError

_INDEXES = (
    "index.html",
    "static/app/dist/index.html",
    "app/dist/index.html",
    "static/dist/WGDashboardAdmin/index.html",
)
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_REFERENCE = re.compile(r"""["']/static/([^"'?#]+)""")
_TEXT = ("text/", "application/json", "image/svg")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file: its bytes, its type, and a tag that changes with it."""

    content: bytes
    media_type: str
    tag: str


class Frontend:
    """The page in ``folder``: WGDashboard's ``src`` or ``src/static``, or any folder with an ``index.html``.

    Raise UsageError when there is no index in it, or none of the files that the index names.
    """

    def __init__(self, folder: Path) -> None:
        self._index = next((folder / each for each in _INDEXES if (folder / each).is_file()), None)
        if self._index is None:
            raise UsageError(f"{folder}: there is no index.html in it; name the folder of a built web page")
        static = folder / "static"
        self._static = (static if static.is_dir() else folder).resolve()
        self._place = self._find_place(_REFERENCE.findall(self._index.read_text("utf-8", "replace")))

    def index(self) -> bytes:
        """The page itself, read anew so that an update of it shows."""
        assert self._index is not None
        return self._index.read_bytes()

    def find(self, name: str) -> StaticFile | None:
        """The file that ``/static/<name>`` stands for; None when there is none below the folder."""
        try:
            path = (self._static / name.removeprefix(self._place)).resolve()
            if not path.is_relative_to(self._static) or not path.is_file():
                return None
            status, content = path.stat(), path.read_bytes()
        except (OSError, ValueError):
            return None
        if any(part.startswith(".") for part in path.relative_to(self._static).parts):
            return None
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        return StaticFile(content, _media_type(path), tag)

    def _find_place(self, names: list[str]) -> str:
        """What precedes the names of files where the folder is not all of ``/static/``, such as ``app/dist/``.

        A page is built to lie at one place. Its folder may be named itself, and may have been copied elsewhere.
        """
        for parts in (PurePosixPath(each).parts for each in names):
            for depth in range(len(parts)):
                if self._static.joinpath(*parts[depth:]).is_file():
                    return "".join(f"{each}/" for each in parts[:depth])
        if names:
            raise UsageError(f"{self._index}: it needs /static/{names[0]}, and there is no such file")
        return ""


def _media_type(path: Path) -> str:
    kind = _TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(_TEXT) else kind
