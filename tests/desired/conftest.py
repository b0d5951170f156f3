"""Fixtures of the tests of the desired state."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from .samples import Folder

# A busy machine is no reason to fail.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty state folder."""
    (tmp_path / "state").mkdir()
    return Folder(tmp_path / "state", tmp_path / "cache")
