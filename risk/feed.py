"""Prices for the judge: the newest at each decision, and samples in between for the breakers."""

from __future__ import annotations

from decimal import Decimal

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import PriceType
from nautilus_trader.model.identifiers import InstrumentId

from risk.breakers import NS_PER_SEC
from risk.intent import BUY, Market, OrderIntent
from risk.judge import Judge
from risk.rules import NS_PER_MS

SAMPLE_NS = 1_000_000_000
"""Between decisions a symbol's quotes are looked at once a second: looking at each one would cost
more than the rest of the gate, and a move "within a minute" does not hide in a second."""


class SymbolFeed:
    """The prices of one symbol."""

    __slots__ = (
        "_cache",
        "_fits",
        "_instrument_id",
        "_judge",
        "_key",
        "_mark_age_ns_max",
        "_next_ns",
        "_shock_ns",
        "_use_bars",
        "bar",
    )

    def __init__(
        self, judge: Judge, cache: Cache, instrument_id: InstrumentId, *, use_bars: bool
    ) -> None:
        self._judge = judge
        self._cache = cache
        self._instrument_id = instrument_id
        self._key = instrument_id.value
        self._use_bars = use_bars
        self._mark_age_ns_max = judge.limits.market_data.price_age_ms_max * NS_PER_MS
        self._shock_ns = judge.limits.shock.price_move_window_sec * NS_PER_SEC
        self._fits: dict[BarType, bool] = {}
        self._next_ns = 0
        self.bar: Bar | None = None

    def subscribe(self, msgbus: MessageBus) -> None:
        """Listen to the symbol's quotes, and to its bars where the profile prices by bars."""
        instrument_id = self._instrument_id
        msgbus.subscribe(
            f"data.quotes.{instrument_id.venue}.{instrument_id.symbol}", self.on_quote, priority=10
        )
        if self._use_bars:
            msgbus.subscribe(f"data.bars.{instrument_id}-*", self.on_bar, priority=10)

    def on_quote(self, tick: QuoteTick) -> None:
        """Sample a quote."""
        ts_ns = _seen_ns(tick)
        if ts_ns >= self._next_ns:
            self._next_ns = ts_ns + SAMPLE_NS
            self._tell(tick, ts_ns)

    def on_bar(self, bar: Bar) -> None:
        """Take a bar that came from outside; one that was built here repeats what is known."""
        if not bar.bar_type.is_externally_aggregated() or _is_of_marks(bar):
            return
        if bar.low.raw <= 0:
            return  # No price, and nothing that the next bar could be compared with.
        before, ts_ns = self.bar, _seen_ns(bar)
        if before is not None and ts_ns < _seen_ns(before):
            return  # Told late: it says nothing about now, and no speed.
        self.bar = bar
        low = high = bar.close.raw
        if self._fits_window(bar.bar_type):
            low, high = bar.low.raw, bar.high.raw
        if before is not None and ts_ns - _seen_ns(before) <= self._shock_ns:
            # From the close before to this bar: a gap between two bars is a move like any other.
            low, high = min(low, before.close.raw), max(high, before.close.raw)
        self._judge.on_price(self._key, ts_ns, low=low, high=high, last=bar.close.as_decimal())

    def _fits_window(self, bar_type: BarType) -> bool:
        """Return whether bars last no longer than the window: else their range says no speed."""
        fits = self._fits.get(bar_type)
        if fits is None:
            spec = bar_type.spec
            fits = bool(spec.is_time_aggregated() and spec.get_interval_ns() <= self._shock_ns)
            self._fits[bar_type] = fits
        return fits

    def _tell(self, tick: QuoteTick, ts_ns: int) -> None:
        if tick.bid_price.raw <= 0 or tick.ask_price.raw <= 0:
            return  # One side of the book is empty: half of the other one is no price.
        twice_mid = tick.bid_price.raw + tick.ask_price.raw
        mid = (tick.bid_price.as_decimal() + tick.ask_price.as_decimal()) / 2
        self._judge.on_price(self._key, ts_ns, low=twice_mid // 2, high=twice_mid // 2, last=mid)

    def now(self) -> Market | None:
        """Return the newest prices and show them to the breakers; None when nothing is known."""
        quote, bar = self._cache.quote_tick(self._instrument_id), self.bar
        if bar is not None and (quote is None or _seen_ns(quote) < _seen_ns(bar)):
            close = bar.close.as_decimal()
            return Market(close, close, bar.ts_event, self._mark(bar.ts_event), is_bar=True)
        if quote is None:
            return None
        ts_ns = _seen_ns(quote)
        if ts_ns > self._next_ns - SAMPLE_NS:
            self._tell(quote, ts_ns)  # newer than the last sample
        mark_px = self._mark(quote.ts_event)
        return Market(
            quote.bid_price.as_decimal(), quote.ask_price.as_decimal(), quote.ts_event, mark_px
        )

    def _mark(self, price_ns: int) -> Decimal | None:
        """Return the mark price, unless it is so much older than the price that it says nothing."""
        mark = self._cache.mark_price(self._instrument_id)
        if mark is None or price_ns - mark.ts_event > self._mark_age_ns_max:
            return None
        value: Decimal = mark.value.as_decimal()
        return value

    def expected_px(self, order: OrderIntent) -> Decimal | None:
        """Return the average price at which the order book would fill a market order now."""
        book = self._cache.order_book(self._instrument_id)
        if book is None:
            return None
        levels = book.asks() if order.side == BUY else book.bids()
        left, paid = order.qty, Decimal(0)
        price: Decimal | None = None
        for level in levels:
            price = level.price.as_decimal()
            taken = min(left, Decimal(str(level.size())))
            paid += taken * price
            left -= taken
            if left <= 0:
                break
        # Deeper than the known book: what is left is priced at the last known level.
        return None if price is None else (paid + left * price) / order.qty


def _seen_ns(data: QuoteTick | Bar) -> int:
    """
    Return when a price was seen: by the venue's stamp, but never later than it came.

    A stamp ahead of our clock would make every honest price after it look old, and begin a day that
    has not come. Such a price counts as of now; the gate still denies new risk on its stamp.

    """
    return min(int(data.ts_event), int(data.ts_init))


def _is_of_marks(bar: Bar) -> bool:
    """Return whether a bar is of mark prices: beside one of trades, the two would look like a move."""
    return bool(bar.bar_type.spec.price_type == PriceType.MARK)
