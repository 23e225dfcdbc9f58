"""One short rehearsal in which everything goes wrong; `make chaos` runs ten long ones."""

import shutil
from pathlib import Path

import pytest

from benchmarks.chaos import EXIT_CODES_MEANT, run_seed


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime")
def test_a_run_through_all_faults_keeps_every_promise(tmp_path: Path) -> None:
    row = run_seed(tmp_path, seed=4, minutes=3.5, rate=3)

    assert row["breaches"] == {}
    assert row["exit_code"] in EXIT_CODES_MEANT, row["words"]
    assert row["positions"] >= 10
    assert len(row["faults"]) >= 30
