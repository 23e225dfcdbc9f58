"""What the market shows of one symbol: levels, prices, funding, the last trades and bars."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from venue.engine.numbers import ZERO

MINUTE_MS = 60_000
TAPE_LENGTH_MAX = 1000

type Level = tuple[Decimal, Decimal]


@dataclass(slots=True)
class Bar:
    """A bar of trades; quantities in base units, ``quote`` ones in the quote asset."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    count: int = 0
    taker_volume: Decimal = ZERO
    taker_quote_volume: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Print:
    """A public trade."""

    trade_id: int
    time_ms: int
    price: Decimal
    qty: Decimal
    is_buyer_maker: bool


@dataclass(slots=True, eq=False)
class Book:
    """
    The visible market of one symbol; ``bids`` and ``asks`` are best first.

    What takers took stays taken until the market shows its next quote or depth.
    """

    symbol: str
    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)
    has_depth: bool = False
    update_id: int = 0
    update_ms: int = 0
    last: Decimal = ZERO
    mark: Decimal = ZERO
    index: Decimal = ZERO
    funding_rate: Decimal = ZERO
    next_funding_ms: int = 0
    funding_history: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)
    tape: deque[Print] = field(default_factory=lambda: deque(maxlen=TAPE_LENGTH_MAX))
    bars: dict[int, Bar] = field(default_factory=dict)

    def set_quote(self, bid: Level, ask: Level, now_ms: int) -> None:
        """Set the best levels; a known depth keeps what lies behind them."""
        deeper_bids = _behind(self.bids, lambda price: price < bid[0]) if self.has_depth else []
        deeper_asks = _behind(self.asks, lambda price: price > ask[0]) if self.has_depth else []
        self.bids = [bid, *deeper_bids] if bid[1] else deeper_bids
        self.asks = [ask, *deeper_asks] if ask[1] else deeper_asks
        self._touch(now_ms)

    def set_depth(self, bids: Iterable[Level], asks: Iterable[Level], now_ms: int) -> None:
        """Replace all levels, best first; an empty side is an empty side."""
        self.bids, self.asks = list(bids), list(asks)
        self.has_depth = True
        self._touch(now_ms)

    def _touch(self, now_ms: int) -> None:
        self.update_id += 1
        self.update_ms = now_ms

    @property
    def best_bid(self) -> Decimal | None:
        return self.bids[0][0] if self.bids else None

    @property
    def best_ask(self) -> Decimal | None:
        return self.asks[0][0] if self.asks else None

    def levels_against(self, side: str) -> list[Level]:
        """Return the levels that an order of this side would take, best first."""
        return self.asks if side == "BUY" else self.bids

    def take(self, side: str, qty: Decimal) -> None:
        """Remove a quantity from the best level that the side takes from."""
        levels = self.levels_against(side)
        price, there = levels[0]
        if qty >= there:
            del levels[0]
        else:
            levels[0] = (price, there - qty)

    @property
    def contract_price(self) -> Decimal:
        """Return the last trade's price; before the first trade, the middle of the quote."""
        if self.last:
            return self.last
        if self.bids and self.asks:
            return (self.bids[0][0] + self.asks[0][0]) / 2
        return self.mark

    @property
    def mark_price(self) -> Decimal:
        """Return the mark price; before the first one, the contract price."""
        return self.mark or self.contract_price

    def price_of(self, working_type: str) -> Decimal:
        return self.mark_price if working_type == "MARK_PRICE" else self.contract_price

    def add_print(self, trade: Print) -> None:
        """Record a public trade on the tape and in its minute's bar."""
        self.last = trade.price
        self.tape.append(trade)
        minute = trade.time_ms - trade.time_ms % MINUTE_MS
        price = trade.price
        bar = self.bars.setdefault(minute, Bar(minute, price, price, price, price))
        quote = trade.price * trade.qty
        bar.high, bar.low, bar.close = max(bar.high, price), min(bar.low, price), price
        bar.volume += trade.qty
        bar.quote_volume += quote
        bar.count += 1
        if not trade.is_buyer_maker:
            bar.taker_volume += trade.qty
            bar.taker_quote_volume += quote

    def merged_bars(self, interval_ms: int) -> list[Bar]:
        """Return the minute bars merged to a longer interval, oldest first."""
        merged: dict[int, Bar] = {}
        for minute in sorted(self.bars):
            bar, start = self.bars[minute], minute - minute % interval_ms
            into = merged.get(start)
            if into is None:
                merged[start] = into = Bar(start, bar.open, bar.high, bar.low, bar.close)
            into.high, into.low, into.close = (
                max(into.high, bar.high),
                min(into.low, bar.low),
                bar.close,
            )
            into.volume += bar.volume
            into.quote_volume += bar.quote_volume
            into.count += bar.count
            into.taker_volume += bar.taker_volume
            into.taker_quote_volume += bar.taker_quote_volume
        return list(merged.values())


def sum_qty(levels: Sequence[Level], is_within: "Limit") -> Decimal:
    """Return the quantity of the levels whose price is within a limit."""
    return sum((qty for price, qty in levels if is_within(price)), ZERO)


@dataclass(frozen=True, slots=True)
class Limit:
    """A taker's worst price; None takes any."""

    side: str
    price: Decimal | None

    def __call__(self, price: Decimal) -> bool:
        """Return whether the taker would pay or accept this price."""
        if self.price is None:
            return True
        return price <= self.price if self.side == "BUY" else price >= self.price


def _behind(levels: list[Level], is_behind: Callable[[Decimal], bool]) -> list[Level]:
    """Return the levels from the first that is behind; they are best first, and few are not."""
    for index, (price, _) in enumerate(levels):
        if is_behind(price):
            return levels[index:]
    return []
