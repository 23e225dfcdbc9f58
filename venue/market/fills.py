"""Quotes and mark prices where a source has none of its own."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from venue.market.events import Mark, MarketEvent, Quote, Trade

FUNDING_INTERVAL_MS = 8 * 3_600_000

# A source's own mark prices are the only ones while they come at least this often (the slowest
# stream of the venue is 3 s).
_OWN_MARK_MS = 3_000
_EIGHT = Decimal("0.00000001")


def with_quotes(
    events: Iterator[MarketEvent],
    ticks: Mapping[str, Decimal],
) -> Iterator[MarketEvent]:
    """
    Yield the events, and before each trade the quote that it hits.

    ``ticks`` gives the tick size of each symbol; the spread is one tick. What stands at the
    best prices is what the trade takes.
    """
    for event in events:
        if isinstance(event, Trade):
            yield quote_of(event, ticks[event.symbol], event.qty)
        yield event


def quote_of(trade: Trade, tick: Decimal, qty: Decimal) -> Quote:
    """Return the quote that a trade hits: the taker's side of a spread of one tick."""
    bid = trade.price if trade.is_buyer_maker else trade.price - tick
    return Quote(trade.symbol, trade.ts_ms, trade.id, bid, qty, bid + tick, qty)


def with_marks(events: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
    """
    Yield the events, and each second a mark price for a symbol that has none of its own.

    It is the middle of the quotes, and so is the index. The funding rate is the one that the
    source last told, 0 where it tells none: what is not known is not charged.
    """
    own: dict[str, Mark] = {}
    marked: dict[str, int] = {}
    for event in events:
        yield event
        if isinstance(event, Mark):
            own[event.symbol] = event
        elif isinstance(event, Quote) and event.ts_ms // 1000 != marked.get(event.symbol):
            marked[event.symbol] = event.ts_ms // 1000
            last = own.get(event.symbol)
            if last is None or event.ts_ms - last.ts_ms > _OWN_MARK_MS:
                yield _mark(event, last)


def next_funding_ms(now_ms: int) -> int:
    """Return the next funding time on the usual grid of eight hours (UTC)."""
    return (now_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS


def _mark(quote: Quote, last: Mark | None) -> Mark:
    middle = ((quote.bid + quote.ask) / 2).quantize(_EIGHT)
    rate = Decimal(0).quantize(_EIGHT) if last is None else last.funding_rate
    due_ms = next_funding_ms(quote.ts_ms)
    if last is not None and last.next_funding_ms > quote.ts_ms:
        due_ms = last.next_funding_ms
    return Mark(quote.symbol, quote.ts_ms, middle, middle, rate, due_ms)
