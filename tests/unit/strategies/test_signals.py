"""Signals at their exact boundaries."""

import pytest
from nautilus_trader.model.enums import OrderSide

from strategies.signals import breakout_side, cross_side, has_gap, imbalance, imbalance_side

BUY, SELL, NONE = OrderSide.BUY, OrderSide.SELL, OrderSide.NO_ORDER_SIDE


@pytest.mark.parametrize(
    ("previous", "gap", "side"),
    [(-1, 1, BUY), (1, -1, SELL), (-1, 0, NONE), (1, 0, NONE), (0, 1, NONE), (1, 2, NONE)],
)
def test_a_cross_is_a_change_of_sign(previous, gap, side):
    assert cross_side(previous, gap) == side


@pytest.mark.parametrize(
    ("close", "side"), [(10.0, NONE), (10.1, BUY), (5.0, NONE), (4.9, SELL), (7.0, NONE)]
)
def test_a_breakout_is_beyond_the_edge_not_on_it(close, side):
    assert breakout_side(close, upper=10.0, lower=5.0) == side


@pytest.mark.parametrize(
    ("bid", "ask", "expected"), [(1, 1, 0.0), (1, 0, 1.0), (0, 1, -1.0), (3, 1, 0.5), (0, 0, 0.0)]
)
def test_the_imbalance_is_the_difference_over_the_sum(bid, ask, expected):
    assert imbalance(bid, ask) == expected


@pytest.mark.parametrize(
    ("value", "side"), [(0.5, BUY), (0.499, NONE), (-0.5, SELL), (-0.499, NONE)]
)
def test_an_imbalance_counts_from_the_threshold_on(value, side):
    assert imbalance_side(value, 0.5) == side


def test_a_gap_is_more_than_the_missing_bars_allowed():
    minute = 60

    assert not has_gap(0, 5 * minute, minute, 4)  # four bars are missing
    assert has_gap(0, 6 * minute, minute, 4)
