"""Fixtures of the tests of the import."""

from __future__ import annotations

from pathlib import Path

import pytest

from .samples import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty host to import into."""
    return Place(tmp_path)
