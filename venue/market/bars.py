"""Bars taken apart into quotes and trades that make exactly the same bars again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from venue.market.events import MarketEvent, Quote, Trade
from venue.market.fills import quote_of

# One tick a second, and never more a bar.
_TICKS_MAX = 240


class BarError(ValueError):
    """A bar that no trades can make."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A closed bar; ``end_ms`` is the first millisecond after it, volume is in base units."""

    open_ms: int
    end_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class BarSplitter:
    """
    The ticks of one symbol's bars.

    Prices walk from the open to the nearer extreme, to the other one and to the close, in steps
    of equal time; the volume is shared out evenly. The order of the extremes within a bar is
    not known: the nearer one first is the usual assumption (also the engine's own, with
    ``bar_adaptive_high_low_ordering``).
    """

    def __init__(self, symbol: str, tick_size: Decimal, step_size: Decimal) -> None:
        self._symbol = symbol
        self._tick = tick_size
        self._step = step_size
        self._trade_id = 0

    def ticks(self, bar: Bar) -> Iterator[MarketEvent]:
        """
        Yield a quote and a trade at each point, and the last quote at the bar's end.

        Raises
        ------
        BarError
            If the bar contradicts itself, or has too little volume for its prices.

        """
        qtys, prices = self._qtys_and_prices(bar)
        touch = max(bar.volume, self._step)
        quote: Quote | None = None
        before = bar.open
        for i, (price, qty) in enumerate(zip(prices, qtys, strict=True)):
            ts_ms = bar.open_ms + (bar.end_ms - bar.open_ms) * i // len(prices)
            self._trade_id += 1
            is_seller = price < before or (price == before and i % 2 == 1)
            trade = Trade(self._symbol, ts_ms, price, qty, is_seller, self._trade_id)
            quote = quote_of(trade, self._tick, touch)
            yield quote
            yield trade
            before = price
        if quote is None:  # nobody traded: the price stands
            bid = bar.close - self._tick
            yield Quote(self._symbol, bar.open_ms, self._trade_id, bid, touch, bar.close, touch)
            quote = Quote(self._symbol, 0, self._trade_id, bid, touch, bar.close, touch)
        yield Quote(
            self._symbol, bar.end_ms, quote.update_id, quote.bid, touch, quote.ask, touch
        )  # fmt: skip

    def _qtys_and_prices(self, bar: Bar) -> tuple[list[Decimal], list[Decimal]]:
        knots = self._knots(bar)
        units = int(bar.volume / self._step)
        if units == 0:
            if len(knots) > 1:
                raise BarError(f"{self._named(bar)} moves without volume")
            return [], []
        if units < len(knots):
            raise BarError(
                f"{self._named(bar)}: volume {bar.volume} is too little for {len(knots)} prices",
            )
        seconds = (bar.end_ms - bar.open_ms) // 1000
        count = max(len(knots), min(seconds, _TICKS_MAX, units))
        even, rest = divmod(units, count)
        qtys = [(even + (i < rest)) * self._step for i in range(count)]
        return qtys, self._path(knots, count)

    def _knots(self, bar: Bar) -> list[Decimal]:
        """Return the prices that must be traded, in order, none twice in a row."""
        if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
            raise BarError(f"{self._named(bar)} contradicts itself")
        is_high_first = bar.high - bar.open <= bar.open - bar.low
        extremes = (bar.high, bar.low) if is_high_first else (bar.low, bar.high)
        knots = [bar.open]
        for price in (*extremes, bar.close):
            if price != knots[-1]:
                knots.append(price)
        return knots

    def _path(self, knots: Sequence[Decimal], count: int) -> list[Decimal]:
        """Return ``count`` prices that pass through every knot, evenly in time."""
        legs = len(knots) - 1
        if legs == 0:
            return [knots[0]] * count
        marks = [k * (count - 1) // legs for k in range(legs + 1)]
        prices = []
        for (start, end), (low, high) in zip(pairwise(knots), pairwise(marks), strict=True):
            steps = high - low
            prices += [start + self._on_tick((end - start) * i / steps) for i in range(steps)]
        return [*prices, knots[-1]]

    def _on_tick(self, move: Decimal) -> Decimal:
        return int(move / self._tick) * self._tick

    def _named(self, bar: Bar) -> str:
        prices = f"o={bar.open} h={bar.high} l={bar.low} c={bar.close}"
        return f"{self._symbol} bar at {bar.open_ms} ({prices})"
