"""
Market events as the venue streams them.

Names and keys as published by Binance (USD-M, "Websocket Market Streams"); ``st`` (1 = USD-M)
and ``ps`` since 2026-06-30. Every quantity is a decimal string, every time milliseconds.
"""

from collections.abc import Container, Iterator
from decimal import Decimal
from typing import Any

from venue.market.book import Book
from venue.market.events import Depth, Kline, Level, Mark, MarketEvent, Quote, Trade

Payload = dict[str, Any]

PARTIAL_LEVELS = (5, 10, 20)
_SPEEDS = ("", "@100ms", "@500ms")
_UM = 1


def stream_payloads(
    event: MarketEvent,
    venue_now_ms: int,
    book: Book | None = None,
    wanted: Container[str] | None = None,
) -> list[tuple[str, Payload]]:
    """
    Return what an event is on each stream that carries it.

    Parameters
    ----------
    event : MarketEvent
        With the venue's times.
    venue_now_ms : int
        When it is sent (E).
    book : Book, optional
        The symbol's book after the event; without it there are no partial depth streams.
    wanted : Container[str], optional
        Names of streams that somebody listens to; others are left out. Default: all.

    Notes
    -----
    Every speed of a depth stream carries each change at once, so that the chain of ``pu`` holds
    on each; how often a source changes its book decides the rate.

    """
    found: list[tuple[str, Payload]] = []
    for name in _names(event, has_book=book is not None):
        if wanted is not None and name not in wanted:
            continue
        found.append((name, _payload(event, name, venue_now_ms, book)))
    return found


def depth_levels(levels: tuple[Level, ...]) -> list[list[str]]:
    """Return price and quantity of each level, as the venue's strings."""
    return [[format(price, "f"), format(qty, "f")] for price, qty in levels]


def _names(event: MarketEvent, *, has_book: bool) -> Iterator[str]:
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
    else:
        if not event.is_snapshot:  # a stream never carries one: clients ask REST for it
            yield from (f"{stem}@depth{speed}" for speed in _SPEEDS)
        if has_book:
            for levels in PARTIAL_LEVELS:
                yield from (f"{stem}@depth{levels}{speed}" for speed in _SPEEDS)


def _payload(event: MarketEvent, name: str, now_ms: int, book: Book | None) -> Payload:
    if isinstance(event, Quote):
        return _book_ticker(event, now_ms)
    if isinstance(event, Trade):
        return _agg_trade(event, now_ms)
    if isinstance(event, Mark):
        return _mark_price(event, now_ms)
    if isinstance(event, Kline):
        return _kline(event, now_ms)
    levels = name.partition("@depth")[2].partition("@")[0]
    if not levels or book is None:
        return _depth(event, now_ms, event.bids, event.asks)
    return _depth(event, now_ms, book.bids(int(levels)), book.asks(int(levels)))


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
