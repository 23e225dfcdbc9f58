"""The breaks that prove the tests can only do so while they still fit the code."""

from benchmarks.mutants import mutants
from tests.venue_kit import ROOT


def test_each_break_stands_once_in_its_file_and_changes_it():
    texts = {mutant.path: (ROOT / mutant.path).read_text(encoding="utf-8") for mutant in mutants()}

    misplaced = [
        mutant
        for mutant in mutants()
        if texts[mutant.path].count(mutant.old) != 1 or mutant.old == mutant.new
    ]

    assert misplaced == []
