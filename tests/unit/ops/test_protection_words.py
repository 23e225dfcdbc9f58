"""How long positions were without their stops, in the words of the screen and of the checker."""

from actors.snapshot import ProtectionLine
from ops.words import protection_words
from risk.report import decisions
from venue.checkers.protection import _percentile


def test_the_longest_spell_is_said_and_what_was_mended():
    assert protection_words(ProtectionLine(3, 900, 456, 0)) == (
        ": 0.46s without a full stop at most"
    )
    assert protection_words(ProtectionLine(3, 900, 30, 2)) == (
        ": 0.03s without a full stop at most, 2 mended"
    )


def test_nothing_is_said_where_nobody_measures_or_nothing_was_held():
    assert protection_words(None) == protection_words(ProtectionLine(0, 0, 0, 0)) == ""


def test_the_journals_protection_records_reach_the_report():
    row = {"instrument_id": "BTC", "longest_ms": 4}

    assert decisions([{"type": "protection", "ts": 1, "data": row}])["protection"] == [row]


def test_percentiles_are_values_that_were_measured():
    spells = list(range(1, 101))

    assert [_percentile(spells, p) for p in (50, 99, 100)] == [50, 99, 100]
    assert [_percentile([7], p) for p in (50, 99)] == [7, 7]
    assert _percentile([], 99) == 0
