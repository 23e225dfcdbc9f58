"""An empty catalog for each test."""

from pathlib import Path

import pytest

from catalog.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "catalog")
