"""The venue's two clocks: what it tells clients, and where its market stands."""

from __future__ import annotations

import time

STEPPED = 0.0


class VenueClock:
    """
    The venue's time in milliseconds.

    ``wire_ms`` is the wall clock plus a skew (a fault); requests are judged and rates counted by
    it. ``market_ms`` is where the market stands: the same clock at speed 1, one that runs *speed*
    times as fast otherwise, and one that only ``set_market`` moves when the venue is stepped. It
    never runs backwards.

    Parameters
    ----------
    speed : float
        Market seconds for each second of the wall clock; 0 for a venue that is stepped.

    """

    def __init__(self, speed: float = 1.0) -> None:
        self.skew_ms = 0
        self._speed = speed
        self._market_ms = 0.0
        self._anchor = (0, 0.0)
        self.set_market(wall_ms())

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def stepped(self) -> bool:
        return self._speed == STEPPED

    def set_speed(self, speed: float) -> None:
        """Run at *speed* from here on."""
        here = self.market_ms() - self.skew_ms
        self._speed = speed
        self._anchor = (wall_ms(), here)

    def set_market(self, market_ms: int) -> None:
        """Put the market's time to *market_ms*; the way back is open only through a new clock."""
        self._market_ms = market_ms
        self._anchor = (wall_ms(), market_ms)

    def wire_ms(self) -> int:
        """Return the time the venue tells and judges requests by."""
        return wall_ms() + self.skew_ms

    def market_ms(self) -> int:
        """Return the time of the market and of its events."""
        if self.stepped:
            return int(self._market_ms)
        wall, market = self._anchor
        now = market + (wall_ms() - wall) * self._speed + self.skew_ms
        self._market_ms = max(self._market_ms, now)
        return int(self._market_ms)

    def secs_until(self, market_ms: int) -> float:
        """Return the seconds of the wall clock until the market stands at *market_ms*."""
        if self.stepped:
            return float("inf")
        return (market_ms - self.market_ms()) / 1_000 / self._speed


def wall_ms() -> int:
    """Return the wall clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
