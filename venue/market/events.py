"""What happens in a market, as every source tells it and the player passes it on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from venue.engine.symbols import SymbolSpec

Level = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Quote:
    """
    The best bid and ask.

    Prices of one symbol have the same number of decimals in every event, as the venue's
    strings have (clients read a precision from the string).
    """

    symbol: str
    ts_ms: int
    update_id: int
    bid: Decimal
    bid_qty: Decimal
    ask: Decimal
    ask_qty: Decimal


@dataclass(frozen=True, slots=True)
class Depth:
    """
    Levels of the order book: a change (quantities are absolute, 0 deletes), or all of it.

    ``first_id``, ``last_id`` and ``prev_id`` are the venue's U, u and pu: each change's
    ``prev_id`` is the ``last_id`` of the event before. A snapshot replaces the book.
    """

    symbol: str
    ts_ms: int
    first_id: int
    last_id: int
    prev_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    is_snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade of the order book; ``is_buyer_maker`` means that a seller took."""

    symbol: str
    ts_ms: int
    price: Decimal
    qty: Decimal
    is_buyer_maker: bool
    id: int


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark price and what funding is reckoned from; the rate is a fraction per interval."""

    symbol: str
    ts_ms: int
    mark: Decimal
    index: Decimal
    funding_rate: Decimal
    next_funding_ms: int


@dataclass(frozen=True, slots=True)
class Kline:
    """
    A bar in progress, or closed; ``close_ms`` is its last millisecond.

    ``first_id`` and ``last_id`` are trade ids, -1 in a bar without trades.
    """

    symbol: str
    ts_ms: int
    interval: str
    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    taker_volume: Decimal
    taker_quote_volume: Decimal
    first_id: int
    last_id: int
    is_closed: bool


MarketEvent = Quote | Depth | Trade | Mark | Kline


class Source(Protocol):
    """Where quotes, depth, trades and marks come from; bars are made of them (Market)."""

    @property
    def symbols(self) -> "Sequence[SymbolSpec]":
        """The instruments that the events are of."""

    def events(self) -> Iterator[MarketEvent]:
        """Yield what happened, in time order, with the times of the source."""


def shifted(event: MarketEvent, by_ms: int) -> MarketEvent:
    """Return the event with all its times moved by a number of milliseconds."""
    if by_ms == 0:
        return event
    ts_ms = event.ts_ms + by_ms
    if isinstance(event, Kline):
        open_ms, close_ms = event.open_ms + by_ms, event.close_ms + by_ms
        return replace(event, ts_ms=ts_ms, open_ms=open_ms, close_ms=close_ms)
    if isinstance(event, Mark):
        return replace(event, ts_ms=ts_ms, next_funding_ms=event.next_funding_ms + by_ms)
    return replace(event, ts_ms=ts_ms)
