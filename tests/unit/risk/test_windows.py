"""Sliding windows: what is exactly as old as the window is out."""

from __future__ import annotations

from risk.windows import EventWindow, PriceWindow


def test_an_event_counts_until_it_is_as_old_as_the_window() -> None:
    window = EventWindow(10)
    window.add(100)

    assert [window.count(now) for now in (100, 109, 110)] == [1, 1, 0]


def test_an_event_taken_back_does_not_count() -> None:
    window = EventWindow(10)
    window.add(100)
    window.add(100)
    window.take_back()

    assert window.count(100) == 1


def test_the_first_price_has_moved_nowhere() -> None:
    assert PriceWindow(10).move(0, 100, 100) == (0, 100)


def test_a_fall_is_measured_from_the_highest_price_of_the_window() -> None:
    window = PriceWindow(10)
    window.move(0, 100, 100)
    window.move(1, 120, 120)

    assert window.move(2, 90, 90) == (30, 120)


def test_a_rise_is_measured_from_the_lowest_price_of_the_window() -> None:
    window = PriceWindow(10)
    window.move(0, 100, 100)
    window.move(1, 80, 80)

    assert window.move(2, 120, 120) == (40, 80)


def test_the_larger_share_wins_not_the_larger_distance() -> None:
    window = PriceWindow(10)
    window.move(0, 50, 50)
    window.move(1, 100, 100)

    # up 20 from 50 is 40 %, down 30 from 100 is 30 %
    assert window.move(2, 70, 70) == (20, 50)


def test_a_price_as_old_as_the_window_is_forgotten() -> None:
    inside, outside = PriceWindow(10), PriceWindow(10)
    inside.move(0, 200, 200)
    outside.move(0, 200, 200)

    assert inside.move(9, 100, 100) == (100, 200)
    assert outside.move(10, 100, 100) == (0, 100)


def test_a_range_moves_within_itself() -> None:
    assert PriceWindow(10).move(0, 90, 100) == (10, 90)
