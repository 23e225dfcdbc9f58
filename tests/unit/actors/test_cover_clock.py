"""How long a position was without its full stop: in all, at once, and its oldest bare part."""

from decimal import Decimal

import pytest

from actors.cover_clock import CoverClock

MS = 1_000_000
T0 = 1_735_689_600_000 * MS


def clock() -> CoverClock:
    return CoverClock("BTC", "S-1", 1, T0)


def tick(c, ms, missing, *, is_heard=True, since_ms=None):
    since = None if since_ms is None else T0 + since_ms * MS
    c.tick(T0 + ms * MS, Decimal(missing), is_heard=is_heard, since_ns=since)


def figures(c, ms):
    row = c.row(T0 + ms * MS)
    return row.unprotected_ms, row.longest_ms


def test_a_position_that_is_covered_costs_no_time():
    c = clock()
    tick(c, 0, 0)
    tick(c, 5_000, 0)

    assert figures(c, 5_000) == (0, 0)
    assert c.oldest is None


def test_spells_add_up_and_the_longest_is_kept():
    c = clock()
    for ms, missing in ((0, 1), (30, 0), (100, 1), (150, 0)):
        tick(c, ms, missing)

    assert figures(c, 999) == (80, 50)


def test_a_spell_that_goes_on_counts_until_now():
    c = clock()
    tick(c, 0, 1)

    assert figures(c, 70) == (70, 70)


@pytest.mark.parametrize(("since_ms", "expected"), [(60, 40), (-500, 100), (200, 0)])
def test_what_was_told_late_counts_from_when_it_was_but_not_before_the_position(since_ms, expected):
    c = clock()
    tick(c, 100, 1, since_ms=since_ms)

    assert figures(c, 100) == (expected, expected)
    assert c.oldest.known_ns == T0 + 100 * MS


def test_of_parts_that_come_one_after_another_the_oldest_is_covered_first():
    c = clock()
    tick(c, 0, 1)
    tick(c, 100, 3)
    assert c.oldest[:2] == (Decimal(1), T0)

    tick(c, 200, 2)
    assert c.oldest[:2] == (Decimal(2), T0 + 100 * MS)

    tick(c, 300, "0.5")
    assert c.oldest[:2] == (Decimal("0.5"), T0 + 100 * MS)
    assert figures(c, 300) == (300, 300)  # a part was bare all the time


def test_the_time_in_which_nobody_answered_does_not_count_as_heard():
    c = clock()
    tick(c, 0, 1)
    tick(c, 100, 1)
    tick(c, 600, 1, is_heard=False)
    tick(c, 700, 1)

    assert c.heard_ms() == 200
    assert figures(c, 700) == (700, 700)


def test_a_later_part_has_a_time_of_its_own():
    c = clock()
    tick(c, 0, 1)
    tick(c, 400, 2)
    tick(c, 500, 1)

    assert c.heard_ms() == 100


def test_the_row_has_what_was_done_and_why_each_cause_once():
    c = clock()
    for cause in ("STOP_MISSING", "STOP_MISSING", "STOP_THROUGH"):
        c.note(cause)

    row = c.row(T0 + MS)

    assert (row.mends, row.causes) == (3, ("STOP_MISSING", "STOP_THROUGH"))
    assert (row.instrument_id, row.strategy_id, row.opened_ns, row.closed_ns) == (
        "BTC", "S-1", T0, T0 + MS,
    )  # fmt: skip
