"""
Market events as the venue streams them.

Names and keys as published by Binance (USD-M, "Websocket Market Streams"); ``st`` (1 = USD-M)
and ``ps`` since 2026-06-30. Every quantity is a decimal string, every time milliseconds.
"""

from collections.abc import Container, Iterator
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from venue.market.book import Book
from venue.market.events import Depth, Kline, Level, Mark, MarketEvent, Quote, Trade

Payload = dict[str, Any]

PARTIAL_LEVELS = (5, 10, 20)
_PACES_MS = MappingProxyType({"": 250, "@100ms": 100, "@500ms": 500})
_UM = 1


def stream_payloads(
    event: MarketEvent,
    venue_now_ms: int,
    wanted: Container[str] | None = None,
) -> list[tuple[str, Payload]]:
    """
    Return what an event is on each stream that carries it at once (see DepthPacer for depth).

    Parameters
    ----------
    event : MarketEvent
        With the venue's times.
    venue_now_ms : int
        When it is sent (E).
    wanted : Container[str], optional
        Names of streams that somebody listens to; others are left out. Default: all.

    """
    found: list[tuple[str, Payload]] = []
    for name in _names(event):
        if wanted is None or name in wanted:
            found.append((name, _payload(event, venue_now_ms)))
    return found


class DepthPacer:
    """
    The depth streams of one symbol: changes are gathered and sent at the pace of each stream.

    A diff stream sends what changed since it last sent (a client that comes first gets one
    change), so that each one's ``pu`` is the last one's ``u``; a partial stream sends the best
    levels of the book.
    """

    def __init__(self, symbol: str) -> None:
        stem = f"{symbol.lower()}@depth"
        self._streams = [
            _PacedDepth(f"{stem}{levels or ''}{suffix}", levels, pace_ms)
            for levels in (0, *PARTIAL_LEVELS)
            for suffix, pace_ms in _PACES_MS.items()
        ]

    def payloads(
        self,
        depth: Depth,
        venue_now_ms: int,
        book: Book,
        wanted: Container[str] | None = None,
    ) -> list[tuple[str, Payload]]:
        """
        Return what is sent after a change of the book.

        Parameters
        ----------
        depth : Depth
            The change; a snapshot is no change on a stream (clients ask REST for it).
        venue_now_ms : int
            When it is sent (E).
        book : Book
            The symbol's book after the change.
        wanted : Container[str], optional
            Names of streams that somebody listens to; others forget what they gathered.

        """
        found: list[tuple[str, Payload]] = []
        for stream in self._streams:
            if wanted is not None and stream.name not in wanted:
                stream.forget()
            elif stream.is_due(depth):
                found.append((stream.name, stream.payload(depth, venue_now_ms, book)))
        return found


class _PacedDepth:
    """One depth stream; ``levels`` is 0 for the changes."""

    def __init__(self, name: str, levels: int, pace_ms: int) -> None:
        self.name = name
        self._levels = levels
        self._pace_ms = pace_ms
        self.forget()

    def forget(self) -> None:
        self._sent_ms: int | None = None
        self._first: Depth | None = None
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}

    def is_due(self, depth: Depth) -> bool:
        """Gather a change; return whether it is time to send."""
        if depth.is_snapshot:
            return self._levels > 0
        if self._first is None:
            self._first = depth
        self._bids.update(depth.bids)
        self._asks.update(depth.asks)
        return self._sent_ms is None or depth.ts_ms - self._sent_ms >= self._pace_ms

    def payload(self, depth: Depth, now_ms: int, book: Book) -> Payload:
        """Return what was gathered, or the book's top, and begin anew."""
        first = self._first or depth
        bids, asks = tuple(self._bids.items()), tuple(self._asks.items())
        if self._levels:
            bids, asks = book.bids(self._levels), book.asks(self._levels)
        self.forget()
        self._sent_ms = depth.ts_ms
        told = replace(depth, first_id=first.first_id, prev_id=first.prev_id)
        return _depth(told, now_ms, bids, asks)


def depth_levels(levels: tuple[Level, ...]) -> list[list[str]]:
    """Return price and quantity of each level, as the venue's strings."""
    return [[format(price, "f"), format(qty, "f")] for price, qty in levels]


def _names(event: MarketEvent) -> Iterator[str]:
    stem = event.symbol.lower()
    if isinstance(event, Quote):
        yield f"{stem}@bookTicker"
    elif isinstance(event, Trade):
        yield f"{stem}@aggTrade"
    elif isinstance(event, Kline):
        yield f"{stem}@kline_{event.interval}"
    elif isinstance(event, Mark):
        yield f"{stem}@markPrice@1s"
        if event.ts_ms // 1000 % 3 == 0:
            yield f"{stem}@markPrice"


def _payload(event: MarketEvent, now_ms: int) -> Payload:
    if isinstance(event, Quote):
        return _book_ticker(event, now_ms)
    if isinstance(event, Trade):
        return _agg_trade(event, now_ms)
    if isinstance(event, Mark):
        return _mark_price(event, now_ms)
    assert isinstance(event, Kline)
    return _kline(event, now_ms)


def _book_ticker(quote: Quote, now_ms: int) -> Payload:
    return {
        "e": "bookTicker", "u": quote.update_id, "s": quote.symbol, "ps": quote.symbol,
        "b": _text(quote.bid), "B": _text(quote.bid_qty),
        "a": _text(quote.ask), "A": _text(quote.ask_qty),
        "T": quote.ts_ms, "E": now_ms, "st": _UM,
    }  # fmt: skip


def _agg_trade(trade: Trade, now_ms: int) -> Payload:
    # Each trade is an aggregate of its own: a, f and l are its id.
    return {
        "e": "aggTrade", "E": now_ms, "s": trade.symbol, "a": trade.id,
        "p": _text(trade.price), "q": _text(trade.qty), "nq": _text(trade.qty),
        "f": trade.id, "l": trade.id, "T": trade.ts_ms, "m": trade.is_buyer_maker, "st": _UM,
    }  # fmt: skip


def _mark_price(mark: Mark, now_ms: int) -> Payload:
    return {
        "e": "markPriceUpdate", "E": now_ms, "s": mark.symbol,
        "p": _text(mark.mark), "ap": _text(mark.mark), "P": _text(mark.index),
        "i": _text(mark.index), "r": _text(mark.funding_rate),
        "T": mark.next_funding_ms, "st": _UM,
    }  # fmt: skip


def _kline(bar: Kline, now_ms: int) -> Payload:
    return {
        "e": "kline", "E": now_ms, "s": bar.symbol,
        "k": {
            "t": bar.open_ms, "T": bar.close_ms, "s": bar.symbol, "i": bar.interval,
            "f": bar.first_id, "L": bar.last_id,
            "o": _text(bar.open), "c": _text(bar.close), "h": _text(bar.high), "l": _text(bar.low),
            "v": _text(bar.volume), "n": bar.trades, "x": bar.is_closed,
            "q": _text(bar.quote_volume), "V": _text(bar.taker_volume),
            "Q": _text(bar.taker_quote_volume), "B": "0",
        },
    }  # fmt: skip


def _depth(
    depth: Depth,
    now_ms: int,
    bids: tuple[Level, ...],
    asks: tuple[Level, ...],
) -> Payload:
    return {
        "e": "depthUpdate", "E": now_ms, "T": depth.ts_ms, "s": depth.symbol, "ps": depth.symbol,
        "U": depth.first_id, "u": depth.last_id, "pu": depth.prev_id,
        "b": depth_levels(bids), "a": depth_levels(asks), "st": _UM,
    }  # fmt: skip


def _text(value: Decimal) -> str:
    return format(value, "f")
