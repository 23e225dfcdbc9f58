"""Returns and drawdowns of an equity curve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

DAY_NS = 86_400_000_000_000
Times = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of equity below its running peak; *ratio* is a share of the peak, >= 0."""

    ratio: float
    usdt: float
    peak_ns: int
    trough_ns: int
    recovered_ns: int | None


def drawdown_curve(equity: Reals) -> Reals:
    """Return ``equity / running peak - 1`` at each point: 0 at a peak, negative below it."""
    peaks = np.maximum.accumulate(equity)
    return np.divide(equity, peaks, out=np.ones_like(equity), where=peaks > 0) - 1.0


def max_drawdown(ts_event: Times, equity: Reals) -> Drawdown | None:
    """Return the deepest drawdown, or None for a curve that never fell below a peak."""
    if not len(equity):
        return None
    curve = drawdown_curve(equity)
    trough = int(np.argmin(curve))
    if curve[trough] >= 0:
        return None
    peak = int(np.argmax(equity[: trough + 1]))
    after = np.flatnonzero(equity[trough:] >= equity[peak])
    return Drawdown(
        ratio=float(-curve[trough]),
        usdt=float(equity[peak] - equity[trough]),
        peak_ns=int(ts_event[peak]),
        trough_ns=int(ts_event[trough]),
        recovered_ns=int(ts_event[trough + after[0]]) if len(after) else None,
    )


def daily_returns(ts_event: Times, equity: Reals) -> list[tuple[str, float]]:
    """
    Return ``(UTC day, return)`` for each day of the curve.

    A day's return is the equity at its end (the last sample up to midnight UTC) over the equity
    at its start, minus one. The first and the last day may be parts of days. The list ends where
    equity is no longer above zero: a return on nothing has no meaning.

    """
    return _period_returns(ts_event, equity, (ts_event - 1) // DAY_NS, "%Y-%m-%d")


def monthly_returns(ts_event: Times, equity: Reals) -> list[tuple[str, float]]:
    """Return ``(UTC month, return)`` for each month, like `daily_returns`."""
    days = ((ts_event - 1) // DAY_NS).astype("datetime64[D]")
    return _period_returns(ts_event, equity, days.astype("datetime64[M]").astype(np.int64), "%Y-%m")


def _period_returns(
    ts_event: Times, equity: Reals, periods: Times, label: str
) -> list[tuple[str, float]]:
    returns: list[tuple[str, float]] = []
    if len(equity) < 2:
        return returns
    # The curve's first point is the start, whatever period it stands in: it earns nothing.
    periods = periods.copy()
    periods[0] = periods[1]
    ends = np.flatnonzero(np.diff(periods, append=periods[-1] + 1))
    start = float(equity[0])
    for end in ends:
        if start <= 0:
            break
        name = datetime.fromtimestamp((int(ts_event[end]) - 1) // 1_000_000_000, tz=UTC).strftime(
            label
        )
        returns.append((name, float(equity[end]) / start - 1.0))
        start = float(equity[end])
    return returns


def sharpe_ratio(returns: Reals) -> float | None:
    """
    Return the annualized Sharpe ratio of daily returns, with a risk-free rate of zero.

    ``mean / standard deviation (n - 1) * sqrt(365)``: crypto trades every day of the year. None
    with fewer than two days or without any spread.

    """
    if len(returns) < 2:
        return None
    deviation = float(np.std(returns, ddof=1))
    return _ratio(float(np.mean(returns)), deviation)


def sortino_ratio(returns: Reals) -> float | None:
    """
    Return the annualized Sortino ratio of daily returns, with a target of zero.

    ``mean / sqrt(mean(min(return, 0)^2)) * sqrt(365)``. None with fewer than two days or without
    a losing day.

    """
    if len(returns) < 2:
        return None
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    return _ratio(float(np.mean(returns)), downside)


def _ratio(mean: float, deviation: float) -> float | None:
    return mean / deviation * float(np.sqrt(365)) if deviation > 1e-15 else None


def as_dict(drawdown: Drawdown | None) -> dict[str, Any] | None:
    """Return *drawdown* for JSON."""
    if drawdown is None:
        return None
    return {name: getattr(drawdown, name) for name in Drawdown.__slots__}
