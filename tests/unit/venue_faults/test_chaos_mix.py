"""The scenarios of the chaos rehearsals: every fault, at its time, and quiet in the end."""

from pathlib import Path

import pytest

from benchmarks._chaos_mix import QUIET_SEC, START_SEC, mixed, toml_of
from venue.faults.registry import FAULTS
from venue.faults.scenario import load_scenario


def test_ten_seeds_in_a_row_meet_every_fault_there_is():
    for first in (1, 7):
        names = {entry["name"] for seed in range(first, first + 10) for entry in mixed(seed, 600)}

        assert names == set(FAULTS)


@pytest.mark.parametrize("seconds", [210, 600, 3_600])
def test_a_venue_can_play_what_is_mixed(tmp_path: Path, seconds: int):
    for seed in range(1, 11):
        entries = mixed(seed, seconds)
        path = tmp_path / f"{seed}.toml"
        path.write_text(toml_of(entries, seed))

        assert len(load_scenario(path).listing()) == len(entries)


def test_faults_begin_after_the_start_and_end_before_the_quiet():
    for seed in range(1, 11):
        for entry in mixed(seed, 600):
            begins = float(entry["at"].removesuffix("s"))
            lasts = float(entry.get("for", "0s").removesuffix("s"))
            assert begins >= START_SEC
            assert begins + lasts <= 600 - QUIET_SEC


def test_the_same_seed_mixes_the_same_and_another_one_differently():
    assert mixed(3, 600) == mixed(3, 600)
    assert mixed(3, 600) != mixed(4, 600)


def test_a_run_that_is_too_short_for_its_quiet_is_refused():
    with pytest.raises(ValueError, match="seconds = 209: a run of all faults needs 210"):
        mixed(1, 209)
