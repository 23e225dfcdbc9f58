"""Catalogs that several tests read: the demo, and everything recorded that the formats cover."""

import fcntl
from pathlib import Path

import pytest

from catalog.__main__ import main as catalog_command
from catalog.demo import DEFAULT_SEED, build_demo


@pytest.fixture(scope="session")
def demo_catalog(tmp_path_factory) -> Path:
    """Return a demo catalog, built once for all test workers."""
    out = tmp_path_factory.getbasetemp().parent / "demo"
    build_demo(out, seed=DEFAULT_SEED)
    return out


@pytest.fixture(scope="session")
def real_catalog(tmp_path_factory, shared_data) -> Path:
    """Return a catalog of all recorded data, ingested once for all test workers."""
    base = tmp_path_factory.getbasetemp().parent
    out, done = base / "real", base / "real.done"
    with (base / "real.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            assert catalog_command(["--catalog", str(out), "ingest", str(shared_data)]) == 0
            done.touch()
    return out
