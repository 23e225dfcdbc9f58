"""Bars made from trades, in progress and closed, as the venue streams them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from venue.market.events import Kline, MarketEvent, Trade

# How often a bar in progress is streamed (Binance: 250 ms).
UPDATE_MS = 250

_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_INTERVALS = (
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d",
)  # fmt: skip


class IntervalError(ValueError):
    """A bar interval that the venue does not have, or that is not built here."""


def interval_ms(interval: str) -> int:
    """
    Return the length of an interval such as ``5m``.

    Raises
    ------
    IntervalError
        If the venue has no such interval of a fixed length (weeks and months are not built).

    """
    if interval not in _INTERVALS:
        raise IntervalError(f"interval {interval!r}: not one of {', '.join(_INTERVALS)}")
    count, unit = re.fullmatch(r"(\d+)([mhd])", interval).groups()  # type: ignore[union-attr] - listed above
    return int(count) * _UNIT_MS[unit]


@dataclass(slots=True)
class _Bar:
    """The bar that is being built."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)
    quote_volume: Decimal = Decimal(0)
    trades: int = 0
    taker_volume: Decimal = Decimal(0)
    taker_quote_volume: Decimal = Decimal(0)
    first_id: int = -1
    last_id: int = -1

    def add(self, trade: Trade) -> None:
        if not self.trades:
            self.open = self.high = self.low = trade.price
            self.first_id = trade.id
        self.high = max(self.high, trade.price)
        self.low = min(self.low, trade.price)
        self.close, self.last_id = trade.price, trade.id
        quote_qty = trade.price * trade.qty
        self.volume += trade.qty
        self.quote_volume += quote_qty
        self.trades += 1
        if not trade.is_buyer_maker:
            self.taker_volume += trade.qty
            self.taker_quote_volume += quote_qty


class KlineBuilder:
    """
    The bars of one symbol and interval.

    A bar without trades is closed too, flat at the last close, once there has been a trade. A
    bar that opened before ``start_ms`` is shown in progress but never closed: a part of its
    trades is missing.
    """

    def __init__(self, symbol: str, interval: str, start_ms: int) -> None:
        self._symbol = symbol
        self._interval = interval
        self._start_ms = start_ms
        self._ms = interval_ms(interval)
        self._bar: _Bar | None = None
        self._sent_ms = 0

    def advance(self, now_ms: int) -> Iterator[Kline]:
        """Yield the bars that have ended by now."""
        while self._bar is not None and now_ms >= self._bar.open_ms + self._ms:
            end_ms = self._bar.open_ms + self._ms
            if self._bar.open_ms >= self._start_ms:
                yield self._kline(end_ms, is_closed=True)
            last = self._bar.close
            self._bar = _Bar(end_ms, last, last, last, last)

    def on_trade(self, trade: Trade) -> Iterator[Kline]:
        """Yield the bar in progress when it is time to show it again; ``advance`` first."""
        if self._bar is None:
            open_ms = trade.ts_ms - trade.ts_ms % self._ms
            price = trade.price
            self._bar = _Bar(open_ms, price, price, price, price)
        self._bar.add(trade)
        if trade.ts_ms - self._sent_ms >= UPDATE_MS:
            self._sent_ms = trade.ts_ms
            yield self._kline(trade.ts_ms, is_closed=False)

    def _kline(self, ts_ms: int, *, is_closed: bool) -> Kline:
        bar = self._bar
        assert bar is not None
        return Kline(
            self._symbol, ts_ms, self._interval, bar.open_ms, bar.open_ms + self._ms - 1,
            bar.open, bar.high, bar.low, bar.close, bar.volume, bar.quote_volume, bar.trades,
            bar.taker_volume, bar.taker_quote_volume, bar.first_id, bar.last_id, is_closed,
        )  # fmt: skip


def with_klines(
    events: Iterator[MarketEvent],
    symbols: Sequence[str],
    intervals: Sequence[str],
) -> Iterator[MarketEvent]:
    """
    Yield the events and, between them, the bars that their trades make (see KlineBuilder).

    Raises
    ------
    IntervalError
        If an interval is not one that is built.

    """
    first = next(events, None)
    if first is None:
        return
    builders = {s: [KlineBuilder(s, name, first.ts_ms) for name in intervals] for s in symbols}
    every = [builder for group in builders.values() for builder in group]
    second = -1
    for event in chain((first,), events):
        if event.ts_ms // 1000 != second:  # bars end on whole seconds
            second = event.ts_ms // 1000
            ended = [kline for builder in every for kline in builder.advance(event.ts_ms)]
            yield from sorted(ended, key=lambda kline: kline.ts_ms)
        yield event
        if isinstance(event, Trade):
            for builder in builders[event.symbol]:
                yield from builder.on_trade(event)
