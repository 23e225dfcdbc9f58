"""Counts and price ranges over a sliding window of time."""

from __future__ import annotations

from collections import deque


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

    @property
    def times(self) -> tuple[int, ...]:
        """When the events happened that were not found too old yet."""
        return tuple(self._times)

    def take_back(self) -> None:
        """Forget the event that was recorded last: it did not happen after all."""
        self._times.pop()


class PriceWindow:
    """Largest move within the last *window_ns* nanoseconds, in constant time a price."""

    __slots__ = ("_highs", "_lows", "_newest", "_window_ns")

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._lows: deque[tuple[int, int]] = deque()
        self._highs: deque[tuple[int, int]] = deque()
        self._newest = (0, 0, 1)

    def newest(self, now_ns: int) -> tuple[int, int] | None:
        """Return what `move` told last, None when it is as old as the window."""
        ts_ns, distance, start = self._newest
        return (distance, start) if now_ns - ts_ns < self._window_ns else None

    def move(self, ts_ns: int, low: int, high: int) -> tuple[int, int]:
        """
        Add the range of prices seen at *ts_ns* and return the largest move that ends in it.

        A fall is measured from the highest price of the window to *low*, a rise from the lowest
        price of the window to *high*. Prices are whole numbers of one unit, so that the answer is
        exact: ``(distance, where it began)``, whose quotient is the move as a share.

        """
        horizon = ts_ns - self._window_ns
        highs, lows = self._highs, self._lows
        while highs and highs[-1][1] <= high:
            highs.pop()
        highs.append((ts_ns, high))
        while highs[0][0] <= horizon:
            highs.popleft()
        while lows and lows[-1][1] >= low:
            lows.pop()
        lows.append((ts_ns, low))
        while lows[0][0] <= horizon:
            lows.popleft()
        top, bottom = highs[0][1], lows[0][1]
        fall, rise = top - low, high - bottom
        distance, start = (fall, top) if fall * bottom >= rise * top else (rise, bottom)
        self._newest = (ts_ns, distance, start)
        return distance, start
