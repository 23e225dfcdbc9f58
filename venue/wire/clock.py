"""The venue's two clocks: what it tells clients, and where its market stands."""

from __future__ import annotations

import time

STEPPED = 0.0


class VenueClock:
    """
    The venue's time in milliseconds.

    ``wire_ms`` is the wall clock plus a skew (a fault); requests are judged and rates counted by
    it. ``market_ms`` is what the exchange and every event carry: the same clock, or one that only
    ``set_market`` moves when the venue is stepped. It never runs backwards. ``reel_ms`` is how far
    the recording has been played: at speed 1 that is the market's time, else it runs *speed* times
    as fast, while what it tells is stamped with the time at which it is told: a client's clock
    knows only one pace.

    Parameters
    ----------
    speed : float
        Market seconds for each second of the wall clock; 0 for a venue that is stepped.

    """

    def __init__(self, speed: float = 1.0) -> None:
        self.skew_ms = 0
        self._speed = speed
        self._market_ms = wall_ms()
        self._anchor = (self._market_ms, self._market_ms)

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def stepped(self) -> bool:
        return self._speed == STEPPED

    def set_speed(self, speed: float, reel_ms: int) -> None:
        """Run at *speed* from here on, with the recording at *reel_ms*."""
        self._speed = speed
        self._anchor = (self.market_ms(), reel_ms)

    def rest_at(self, reel_ms: int) -> None:
        """Put the recording's time back to *reel_ms*: it has rested there until now."""
        self._anchor = (self.market_ms(), reel_ms)

    def set_market(self, market_ms: int) -> None:
        """Put the market's time to *market_ms*; the way back is open only through a new clock."""
        self._market_ms = market_ms

    def wire_ms(self) -> int:
        """Return the time the venue tells and judges requests by."""
        return wall_ms() + self.skew_ms

    def market_ms(self) -> int:
        """Return the time of the exchange and of its events."""
        if not self.stepped:
            self._market_ms = max(self._market_ms, self.wire_ms())
        return self._market_ms

    def reel_ms(self) -> int:
        """Return the recorded time (moved to this clock) up to which the market has been played."""
        if self.stepped:
            return self._market_ms
        wire, reel = self._anchor
        return int(reel + (self.market_ms() - wire) * self._speed)

    def secs_until(self, reel_ms: int) -> float:
        """Return the seconds of the wall clock until the recording stands at *reel_ms*."""
        if self.stepped:
            return float("inf")
        return (reel_ms - self.reel_ms()) / 1_000 / self._speed


def wall_ms() -> int:
    """Return the wall clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
