"""Prices moved by hand: from a jump on, everything the source tells of a symbol is moved with it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from venue.market.book import Book
from venue.market.events import Depth, Kline, Mark, Quote, Trade

if TYPE_CHECKING:
    from venue.market.events import Level, MarketEvent


class Jumps:
    """
    How far each symbol's prices have been moved from what the source tells.

    A move adds to prices and keeps the spread, so that they stay on the tick.

    """

    def __init__(self) -> None:
        self._moved: dict[str, Decimal] = {}
        self._ids: dict[str, int] = {}
        self._last: dict[str, dict[type, Quote | Trade | Mark]] = {}
        self.books: dict[str, Book] = {}

    def apply(self, event: MarketEvent) -> MarketEvent:
        """Return *event* as the venue tells it, and remember it; books are kept up to date."""
        by = self._moved.get(event.symbol)
        if by is not None:
            event = _moved(event, by, self._ids[event.symbol])
        if isinstance(event, Depth):
            self.books.setdefault(event.symbol, Book()).apply(event)
        elif not isinstance(event, Kline):
            self._last.setdefault(event.symbol, {})[type(event)] = event
        return event

    def jump(self, symbol: str, price: Decimal, now_ms: int) -> list[MarketEvent]:
        """
        Move *symbol* so that its last trade is at *price*; return what happens because of it.

        Raises
        ------
        ValueError
            If the symbol has no price yet.

        """
        last = self._last.get(symbol, {})
        base = last.get(Trade) or last.get(Mark)
        if base is None:
            raise ValueError(f"{symbol} has no price yet")
        here = base.price if isinstance(base, Trade) else base.mark
        by = (price - here).quantize(here)
        events: list[MarketEvent] = []
        book = self.books.get(symbol)
        ids = 0
        if book is not None and book.last_id:
            events.append(_moved_book(symbol, book, by, now_ms))
            book.apply(events[0])  # type: ignore[arg-type] - the Depth made above
            ids = 1
        events += [_moved(replace(event, ts_ms=now_ms), by, ids) for event in last.values()]
        for event in events[ids:]:
            last[type(event)] = event  # type: ignore[index,assignment] - no Depth, no Kline
        self._moved[symbol] = self._moved.get(symbol, Decimal(0)) + by
        self._ids[symbol] = self._ids.get(symbol, 0) + ids
        return events


def _moved(event: MarketEvent, by: Decimal, ids: int) -> MarketEvent:
    if isinstance(event, Quote):
        return replace(event, bid=event.bid + by, ask=event.ask + by)
    if isinstance(event, Trade):
        return replace(event, price=event.price + by)
    if isinstance(event, Mark):
        return replace(event, mark=event.mark + by, index=event.index + by)
    if isinstance(event, Kline):
        return replace(
            event,
            open=event.open + by,
            high=event.high + by,
            low=event.low + by,
            close=event.close + by,
        )
    return replace(
        event,
        first_id=event.first_id + ids,
        last_id=event.last_id + ids,
        prev_id=event.prev_id + ids,
        bids=_levels(event.bids, by),
        asks=_levels(event.asks, by),
    )


def _moved_book(symbol: str, book: Book, by: Decimal, now_ms: int) -> Depth:
    """Return the change that empties the old levels and fills the moved ones."""
    following = book.last_id + 1
    return Depth(
        symbol=symbol,
        ts_ms=now_ms,
        first_id=following,
        last_id=following,
        prev_id=book.last_id,
        bids=_emptied(book.bids()) + _levels(book.bids(), by),
        asks=_emptied(book.asks()) + _levels(book.asks(), by),
    )


def _emptied(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    return tuple((price, Decimal(0)) for price, _ in levels)


def _levels(levels: tuple[Level, ...], by: Decimal) -> tuple[Level, ...]:
    return tuple((price + by, qty) for price, qty in levels)
