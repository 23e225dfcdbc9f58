"""The breaks that prove the tests can only do so while they still fit the code."""

import ast

from benchmarks.mutants import NEEDED, mutants
from tests.venue_kit import ROOT


def test_each_break_stands_once_in_its_file_and_changes_it():
    texts = {mutant.path: (ROOT / mutant.path).read_text(encoding="utf-8") for mutant in mutants()}

    misplaced = [
        mutant
        for mutant in mutants()
        if texts[mutant.path].count(mutant.old) != 1 or mutant.old == mutant.new
    ]

    assert misplaced == []


def test_what_the_tests_of_the_core_import_is_taken_along():
    trees = [ast.parse(path.read_text("utf-8")) for path in ROOT.glob("tests/unit/risk/*.py")]
    modules = {n.module for t in trees for n in ast.walk(t) if isinstance(n, ast.ImportFrom)}
    ours = {m.split(".")[0] for m in modules if m and (ROOT / m.split(".")[0]).is_dir()}

    assert ours - {"tests"} <= set(NEEDED)
