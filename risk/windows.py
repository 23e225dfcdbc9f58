"""Counts and price ranges over a sliding window of time."""

from __future__ import annotations

from collections import deque
from decimal import Decimal


class EventWindow:
    """How many events happened within the last *window_ns* nanoseconds."""

    __slots__ = ("_times", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        self._times: deque[int] = deque()
        self._window_ns = window_ns

    def count(self, now_ns: int) -> int:
        """Return the number of events younger than the window; one exactly as old is out."""
        times = self._times
        horizon = now_ns - self._window_ns
        while times and times[0] <= horizon:
            times.popleft()
        return len(times)

    def add(self, now_ns: int) -> None:
        """Record an event."""
        self._times.append(now_ns)


class PriceWindow:
    """Lowest and highest price within the last *window_ns* nanoseconds, in constant time."""

    __slots__ = ("_highs", "_lows", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._lows: deque[tuple[int, Decimal]] = deque()
        self._highs: deque[tuple[int, Decimal]] = deque()

    def move_bps(self, ts_ns: int, low: Decimal, high: Decimal) -> Decimal:
        """
        Add the range of prices seen at *ts_ns* and return the largest move that ends in it.

        A fall is measured from the highest price of the window to *low*, a rise from the lowest
        price of the window to *high*, each in basis points of where it began.

        """
        horizon = ts_ns - self._window_ns
        top = _push(self._highs, ts_ns, high, horizon, keep_larger=True)
        bottom = _push(self._lows, ts_ns, low, horizon, keep_larger=False)
        fall = (top - low) / top
        rise = (high - bottom) / bottom
        return max(fall, rise) * 10_000


def _push(
    series: deque[tuple[int, Decimal]],
    ts_ns: int,
    price: Decimal,
    horizon: int,
    *,
    keep_larger: bool,
) -> Decimal:
    """Keep only prices that can still be the extreme; return the extreme."""
    while series and (series[-1][1] <= price if keep_larger else series[-1][1] >= price):
        series.pop()
    series.append((ts_ns, price))
    while series[0][0] <= horizon:
        series.popleft()
    return series[0][1]
