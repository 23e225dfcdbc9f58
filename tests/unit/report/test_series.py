"""Short series keep their extremes."""

import math

import numpy as np

from report.series import evenly, extremes_index, to_ms, to_numbers


def test_short_series_are_drawn_whole():
    assert extremes_index(np.arange(100.0), points_max=100).tolist() == list(range(100))


def test_every_spike_survives():
    flat = np.zeros(100_000)
    flat[12_345], flat[77_777] = 9.0, -9.0

    chosen = extremes_index(flat, points_max=500)

    assert {0, 12_345, 77_777, 99_999} <= set(chosen.tolist())
    assert len(chosen) <= 510


def test_the_extremes_of_each_parallel_series_survive():
    first, second = np.zeros(50_000), np.zeros(50_000)
    first[111], second[222] = 1.0, -1.0

    chosen = set(extremes_index(first, second, points_max=400).tolist())

    assert {111, 222} <= chosen


def test_an_even_choice_has_both_ends_and_keeps_its_limit():
    chosen = evenly(10_001, 100)

    assert (chosen[0], chosen[-1], len(chosen)) == (0, 10_000, 100)


def test_what_is_not_finite_becomes_null():
    assert to_numbers(np.array([1.5, math.nan, math.inf])) == [1.5, None, None]


def test_times_are_whole_milliseconds():
    assert to_ms(np.array([1_735_689_600_123_456_789])) == [1_735_689_600_123]
