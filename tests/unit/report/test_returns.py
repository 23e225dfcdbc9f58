"""Returns and drawdowns of an equity curve."""

import numpy as np
import pytest

from report.returns import (
    DAY_NS,
    daily_returns,
    drawdown_curve,
    max_drawdown,
    monthly_returns,
    sharpe_ratio,
    sortino_ratio,
)

START = 20_089 * DAY_NS  # 2025-01-01T00:00:00Z


def _curve(*points):
    ts_event = np.array([START + int(days * DAY_NS) for days, _ in points], dtype=np.int64)
    return ts_event, np.array([float(equity) for _, equity in points])


def test_a_day_is_judged_from_its_midnight_to_the_next():
    ts_event, equity = _curve((0, 100), (0.5, 90), (1, 110), (1.5, 120), (2, 99))

    returns = daily_returns(ts_event, equity)

    assert [day for day, _ in returns] == ["2025-01-01", "2025-01-02"]
    assert [value for _, value in returns] == pytest.approx([0.10, -0.10])


def test_the_first_and_the_last_day_may_be_parts_of_days():
    ts_event, equity = _curve((0.25, 100), (0.75, 102), (1.25, 101), (1.75, 103.02))

    returns = daily_returns(ts_event, equity)

    assert returns == [
        ("2025-01-01", pytest.approx(0.02)),
        ("2025-01-02", pytest.approx(0.01)),
    ]


def test_a_month_ends_at_the_midnight_after_its_last_day():
    ts_event, equity = _curve((0, 100), (30, 100), (31, 150), (32, 75))

    assert monthly_returns(ts_event, equity) == [("2025-01", 0.5), ("2025-02", -0.5)]


def test_returns_end_where_equity_is_gone():
    ts_event, equity = _curve((0, 100), (1, 50), (2, -5), (3, -5))

    assert [value for _, value in daily_returns(ts_event, equity)] == [-0.5, pytest.approx(-1.1)]


@pytest.mark.parametrize("points", [[], [(0, 100)]])
def test_a_curve_without_a_span_has_no_returns(points):
    ts_event, equity = _curve(*points)

    assert daily_returns(ts_event, equity) == []


def test_the_deepest_drawdown_is_told_with_its_peak_trough_and_recovery():
    ts_event, equity = _curve((0, 100), (1, 200), (2, 150), (3, 190), (4, 120), (5, 200), (6, 199))

    drawdown = max_drawdown(ts_event, equity)

    assert drawdown.ratio == pytest.approx(0.4)
    assert drawdown.usdt == 80
    assert (drawdown.peak_ns, drawdown.trough_ns) == (ts_event[1], ts_event[4])
    assert drawdown.recovered_ns == ts_event[5]


def test_a_peak_after_the_trough_is_not_its_peak():
    ts_event, equity = _curve((0, 100), (1, 60), (2, 300))

    drawdown = max_drawdown(ts_event, equity)

    assert (drawdown.peak_ns, drawdown.usdt) == (ts_event[0], 40)


def test_a_drawdown_that_lasts_to_the_end_is_not_recovered():
    ts_event, equity = _curve((0, 100), (1, 60), (2, 99))

    assert max_drawdown(ts_event, equity).recovered_ns is None


def test_a_curve_that_never_falls_has_no_drawdown():
    assert max_drawdown(*_curve((0, 100), (1, 100), (2, 101))) is None


def test_a_drawdown_to_below_nothing_is_more_than_the_whole():
    assert drawdown_curve(np.array([100.0, -10.0])).tolist() == pytest.approx([0.0, -1.1])


def test_sharpe_is_mean_over_deviation_times_the_root_of_365():
    returns = np.array([0.01, -0.01, 0.02])

    expected = np.mean(returns) / np.std(returns, ddof=1) * np.sqrt(365)

    assert sharpe_ratio(returns) == pytest.approx(expected)


def test_sortino_counts_only_losing_days_as_risk():
    returns = np.array([0.01, -0.02, 0.03])

    expected = (0.02 / 3) / np.sqrt(0.0004 / 3) * np.sqrt(365)

    assert sortino_ratio(returns) == pytest.approx(expected)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01]])
def test_a_ratio_without_risk_has_no_value(returns):
    assert sharpe_ratio(np.array(returns)) is None
    assert sortino_ratio(np.array(returns)) is None
