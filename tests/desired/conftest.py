"""Fixtures of the tests of the desired state."""

from __future__ import annotations

from pathlib import Path

import pytest

from .samples import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty state folder."""
    (tmp_path / "state").mkdir()
    return Folder(tmp_path / "state", tmp_path / "cache")
