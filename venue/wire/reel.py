"""The events of a market in time order, with their times moved to the venue's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from venue.market.events import Mark, Quote, Trade, shifted
from venue.market.shape import Bend, PriceShape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from venue.market.events import MarketEvent
    from venue.market.market import Market
    from venue.wire.clock import VenueClock

MINUTE_MS = 60_000
EARLY_MS, LATE_MS = 86_400_000, 600_000
"""How far the clock may stand before and after the first event that is played at its own time."""


class Reel:
    """
    What happens next in a market.

    Recorded times are moved by a whole number of minutes so that the first minute is the running
    one. They stay as they are when the clock, an accelerated one say, already stands less than a
    day before them or ten minutes after, and when the venue is stepped: then the market's clock is
    put to the first event.

    Parameters
    ----------
    market : Market
        Where events come from.
    clock : VenueClock
        The venue's clock.

    """

    def __init__(self, market: Market, clock: VenueClock) -> None:
        self._market = market
        self._ticks = {spec.symbol: spec.tick_size for spec in market.symbols}
        self._events: Iterator[MarketEvent] = iter(market.events())
        first = next(self._events, None)
        self._shift_ms = 0 if first is None else _shift_ms(first.ts_ms, clock)
        self.next = None if first is None else shifted(first, self._shift_ms)

    def take(self) -> MarketEvent:
        """Return what happens next, and look at what follows."""
        event = self.next
        assert event is not None
        following = next(self._events, None)
        self.next = None if following is None else shifted(following, self._shift_ms)
        return event

    def move(self, by_ms: int) -> None:
        """Move the times of all that follows."""
        self._shift_ms += by_ms
        self.next = None if self.next is None else shifted(self.next, by_ms)

    def bend(self, symbol: str, bend: Bend) -> None:
        """Bend the symbol's prices from the next event on."""
        self._market.bend(symbol, bend)
        following = self.next  # read from the market before it was bent
        if isinstance(following, Quote | Trade | Mark) and following.symbol == symbol:
            self.next = self.bent(following, bend)

    def bent(self, event: MarketEvent, bend: Bend) -> MarketEvent:
        """Return *event* as the bend tells it at its start."""
        shape = PriceShape(self._ticks[event.symbol])
        shape.add(bend)
        return shape.apply(event)


def _shift_ms(first_ms: int, clock: VenueClock) -> int:
    if clock.stepped:
        clock.set_market(first_ms)
        return 0
    apart_ms = clock.market_ms() - first_ms
    return 0 if -EARLY_MS < apart_ms <= LATE_MS else apart_ms // MINUTE_MS * MINUTE_MS
