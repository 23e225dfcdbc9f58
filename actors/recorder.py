"""Watch a run and keep what a report needs: order events, balances, prices and what the venue settles."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.config import ActorConfig
from nautilus_trader.common.events import TimeEvent
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar
from nautilus_trader.model.events import OrderEvent, OrderFilled, OrderInitialized
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId

from risk.events import FUNDING_TOPIC, LIQUIDATION_TOPIC, FundingPayment, Liquidation
from risk.loop import on_loop

_SEC = 1_000_000_000
# Each divides a day, so that every UTC day end is a sample.
_INTERVALS_NS = tuple(
    int(seconds * _SEC)
    for seconds in (0.1, 0.5, 1, 5, 10, 15, 30, 60, 300, 900, 1800, 3600, 14_400, 86_400)
)
_SAMPLES_MAX = 10_000


class PriceSample(NamedTuple):
    """
    The newest price of an instrument when a sample was taken.

    Parameters
    ----------
    ts_event : int
        When the price was made (not when it was sampled), Unix nanoseconds.
    instrument_id : str
        The instrument.
    price : float
        Newest of mid price, trade price and bar close.
    low, high : float
        Extremes of the bars since the last sample; equal to `price` where there are no bars.
    mark_price : float or None
        Newest mark price, where the data have one.

    """

    ts_event: int
    instrument_id: str
    price: float
    low: float
    high: float
    mark_price: float | None


class BalanceSample(NamedTuple):
    """The account's own total balance, USDT, after everything that stands before it in the log."""

    ts_event: int
    total: Decimal


class OpeningPosition(NamedTuple):
    """
    A position that was there before the run; it counts from its average entry price.

    Parameters
    ----------
    ts_event : int
        When the run began, Unix nanoseconds.
    position_id, strategy_id, instrument_id : str
        Whose it is.
    signed_qty : Decimal
        Base units, plus for long.
    avg_px : Decimal
        Average entry price, quote units.

    """

    ts_event: int
    position_id: str
    strategy_id: str
    instrument_id: str
    signed_qty: Decimal
    avg_px: Decimal


class OpeningOrder(NamedTuple):
    """What an order that was open before the run had filled by then, base units."""

    ts_event: int
    client_order_id: str
    filled_qty: Decimal


Entry = (
    OrderEvent
    | PriceSample
    | BalanceSample
    | FundingPayment
    | Liquidation
    | OpeningPosition
    | OpeningOrder
)


class Log(Protocol):
    """Where a recorder puts its entries: a list, or a file."""

    def append(self, entry: Entry, /) -> None:
        """Keep *entry*."""


def sample_interval_ns(start_ns: int, end_ns: int) -> int:
    """
    Return the finest sampling interval that keeps a run within 10,000 samples.

    Parameters
    ----------
    start_ns, end_ns : int
        First and last time of the data, Unix nanoseconds.

    Returns
    -------
    int
        Nanoseconds, from 0.1 s to a day; a divisor of a day.

    """
    span_ns = end_ns - start_ns
    fitting = (interval for interval in _INTERVALS_NS if span_ns <= interval * _SAMPLES_MAX)
    return next(fitting, _INTERVALS_NS[-1])


class RecorderConfig(ActorConfig, frozen=True):
    """
    Configure a `Recorder`.

    Parameters
    ----------
    instrument_ids : tuple[InstrumentId, ...]
        What to sample prices of; all on one venue.
    sample_interval_ns : int
        Time between two samples, nanoseconds (see `sample_interval_ns`).

    """

    instrument_ids: tuple[InstrumentId, ...]
    sample_interval_ns: int


class Recorder(Actor):
    """
    Record a run without taking part in it.

    It sends nothing, asks the gate nothing and does no work per quote: quotes, trades and mark
    prices are read from the cache when a sample is due; only bars are followed one by one, for
    their extremes.

    Parameters
    ----------
    config : RecorderConfig
        What to sample, and how often.
    entries : Log, optional
        Gets everything in the order in which it happened; a new list when there is none.

    """

    def __init__(self, config: RecorderConfig, entries: Log | None = None) -> None:
        super().__init__(config)
        self.entries: Any = [] if entries is None else entries
        self._known: set[ClientOrderId] = set()
        self._bars: dict[InstrumentId, Bar] = {}
        self._lows: dict[InstrumentId, float] = {}
        self._highs: dict[InstrumentId, float] = {}
        self._sampled_ns: dict[InstrumentId, int] = {}

    def on_start(self) -> None:
        """Begin to listen; the first sample is the account's starting balance."""
        self.msgbus.subscribe("events.order.*", self._on_order_event)
        self.msgbus.subscribe(FUNDING_TOPIC, self._on_money)
        self.msgbus.subscribe(LIQUIDATION_TOPIC, self._on_money)
        for instrument_id in self.config.instrument_ids:
            self.msgbus.subscribe(f"data.bars.{instrument_id}*", self._on_bar)
        self._add_balance(self.clock.timestamp_ns())
        interval_ns = self.config.sample_interval_ns
        # One nanosecond late, so that a bar stamped with the full interval is part of its sample.
        first_ns = (self.clock.timestamp_ns() // interval_ns + 1) * interval_ns + 1
        self.clock.set_timer_ns(
            f"{self.id}-SAMPLE",
            interval_ns,
            first_ns,
            0,
            callback=on_loop(self.clock, self._on_timer),
            fire_immediately=True,  # at the start time, not an interval after it
        )

    def finish(self) -> None:
        """Take the last sample of the run; call it once when the run has ended."""
        self.sample(self.clock.timestamp_ns())

    def _on_timer(self, event: TimeEvent) -> None:
        self.sample(event.ts_event - 1)

    def sample(self, ts_event: int) -> None:
        """Sample prices and balance; *ts_event* is the time of the sample, Unix nanoseconds."""
        for instrument_id in self.config.instrument_ids:
            self._add_price(instrument_id)
        self._add_balance(ts_event)

    def _on_order_event(self, event: OrderEvent) -> None:
        client_order_id = event.client_order_id
        if client_order_id not in self._known:
            self._known.add(client_order_id)
            if not isinstance(event, OrderInitialized):
                # Sent past the strategy's own methods: its first event was not published.
                self.entries.append(self.cache.order(client_order_id).init_event)
        self.entries.append(event)
        if isinstance(event, OrderFilled):
            self._add_balance(event.ts_event)

    def _on_money(self, event: FundingPayment | Liquidation) -> None:
        self.entries.append(event)
        self._add_balance(event.ts_event)

    def _on_bar(self, bar: Bar) -> None:
        instrument_id = bar.bar_type.instrument_id
        low, high = float(bar.low), float(bar.high)
        self._bars[instrument_id] = bar
        self._lows[instrument_id] = min(low, self._lows.get(instrument_id, low))
        self._highs[instrument_id] = max(high, self._highs.get(instrument_id, high))

    def _add_balance(self, ts_event: int) -> None:
        account = self.cache.account_for_venue(self.config.instrument_ids[0].venue)
        # A live account is known only after the first answer, and has no currency of its own.
        total = None if account is None else account.balance_total(USDT)
        if total is not None:
            self.entries.append(BalanceSample(ts_event, total.as_decimal()))

    def _add_price(self, instrument_id: InstrumentId) -> None:
        newest = self._newest_price(instrument_id)
        if newest is None or newest[0] <= self._sampled_ns.get(instrument_id, -1):
            return
        ts_event, price = newest
        self._sampled_ns[instrument_id] = ts_event
        mark = self.cache.mark_price(instrument_id)
        self.entries.append(
            PriceSample(
                ts_event=ts_event,
                instrument_id=instrument_id.value,
                price=price,
                low=min(price, self._lows.pop(instrument_id, price)),
                high=max(price, self._highs.pop(instrument_id, price)),
                mark_price=None if mark is None else float(mark.value),
            )
        )

    def _newest_price(self, instrument_id: InstrumentId) -> tuple[int, float] | None:
        prices: list[tuple[int, float]] = []
        if (quote := self.cache.quote_tick(instrument_id)) is not None:
            prices.append((quote.ts_event, (float(quote.bid_price) + float(quote.ask_price)) / 2))
        if (trade := self.cache.trade_tick(instrument_id)) is not None:
            prices.append((trade.ts_event, float(trade.price)))
        if (bar := self._bars.get(instrument_id)) is not None:
            prices.append((bar.ts_event, float(bar.close)))
        return max(prices, key=lambda found: found[0], default=None)
