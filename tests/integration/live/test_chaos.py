"""One short rehearsal in which everything goes wrong; `make chaos` runs ten long ones."""

import shutil
from pathlib import Path

import pytest

from benchmarks.chaos import EXIT_CODES_MEANT, run_seed


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime")
def test_a_run_through_all_faults_keeps_every_promise_but_one(tmp_path: Path) -> None:
    row = run_seed(tmp_path, seed=4, minutes=3.5, rate=3)

    # Protection is still broken at times, by exits whose fate is unknown: docs/chaos.md.
    assert {name: texts for name, texts in row["breaches"].items() if name != "protection"} == {}
    assert row["exit_code"] in EXIT_CODES_MEANT, row["words"]
    assert row["positions"] >= 10
    assert len(row["faults"]) >= 20
