"""Lean on the heavier side of the book: enter with the imbalance, leave after a while."""

from decimal import Decimal

from nautilus_trader.common.events import TimeEvent
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.data import OrderBookDeltas, QuoteTick
from nautilus_trader.model.enums import BookType, OrderSide
from nautilus_trader.model.events import PositionOpened
from nautilus_trader.model.objects import Price

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from strategies.checks import require, require_positive
from strategies.signals import imbalance, imbalance_side

BPS = Decimal(10_000)
SECOND_NS = 1_000_000_000
POSITIVE_KEYS = (
    "threshold",
    "smoothing_updates",
    "holding_secs",
    "stop_bps",
    "target_bps",
    "cooldown_secs",
    "gap_secs_max",
)


class BookImbalanceConfig(ProtectedStrategyConfig, kw_only=True, frozen=True):
    """
    The parameters of `BookImbalance`.

    Parameters
    ----------
    depth_bps : Decimal
        How far from the best prices waiting size counts, in basis points (0 to 1,000). At 0 only
        the best bid and ask count and quotes are enough; above, the order book is subscribed.
    threshold : Decimal
        The smoothed imbalance to act on (> 0, < 1).
    smoothing_updates : int
        The updates of the quote or book the imbalance is averaged over (> 0).
    holding_secs : int
        The time after which a position is closed, in seconds (> 0).
    stop_bps : Decimal
        The distance to the stop, in basis points of the price (> 0, < 10,000).
    target_bps : Decimal, optional
        The distance to the target, in basis points (> 0, < 10,000); none is set without it.
    cooldown_secs : int
        The pause after the time that a trade may last, in seconds (> 0). Both are counted from
        the decision to enter, in the time of the market data: a fill that comes a few
        milliseconds later, as it does at every venue, must not change the next decision.
    gap_secs_max : int
        The silence after which the average starts afresh, in seconds (> 0).

    """

    depth_bps: Decimal = Decimal(0)
    threshold: Decimal = Decimal("0.6")
    smoothing_updates: int = 100
    holding_secs: int = 60
    stop_bps: Decimal = Decimal(20)
    target_bps: Decimal | None = None
    cooldown_secs: int = 30
    gap_secs_max: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in POSITIVE_KEYS:
            require_positive(key, getattr(self, key))
        require("threshold", self.threshold, "< 1", holds=self.threshold < 1)
        depth = self.depth_bps
        holds = depth.is_finite() and 0 <= depth <= 1_000
        require("depth_bps", depth, "between 0 and 1000", holds=holds)
        for key in ("stop_bps", "target_bps"):
            value = getattr(self, key)
            require(key, value, "< 10000", holds=value is None or value < BPS)


class BookImbalance(ProtectedStrategy):
    """Buy when bids outweigh asks by the threshold, sell when asks do; close after a while."""

    def __init__(self, config: BookImbalanceConfig) -> None:
        super().__init__(config)
        self.average = ExponentialMovingAverage(config.smoothing_updates)
        self._threshold = float(config.threshold)
        self._depth = float(config.depth_bps / BPS)
        self._gap_ns = config.gap_secs_max * SECOND_NS
        self._updated_ns = 0
        self._period_ns = (config.holding_secs + config.cooldown_secs) * SECOND_NS
        self._next_entry_ns = 0
        self._alert = ""  # the name of the timer that ends the holding time

    def on_start(self) -> None:
        """Take over what is there and subscribe to quotes, or to the book if depth is asked for."""
        super().on_start()
        self._alert = f"{self.id}-HOLD"
        self._hold_adopted()
        if self._depth:
            self.subscribe_order_book_deltas(self.instrument_id, BookType.L2_MBP)
        else:
            self.subscribe_quote_ticks(self.instrument_id)

    def on_resume(self) -> None:
        """Take over what is there after a stop."""
        super().on_resume()
        self._hold_adopted()

    def on_reset(self) -> None:
        """Forget the run."""
        super().on_reset()
        self.average.reset()
        self._updated_ns = 0
        self._next_entry_ns = 0

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Weigh the best bid against the best ask."""
        if not (tick.bid_price > 0 and tick.ask_price > 0):
            return  # Nobody stands there: Binance then tells a price and a size of 0.
        value = imbalance(tick.bid_size.as_double(), tick.ask_size.as_double())
        self._weigh(value, tick.bid_price, tick.ask_price, tick.ts_event)

    def on_order_book_deltas(self, deltas: OrderBookDeltas) -> None:
        """Weigh what waits within the depth on either side."""
        book = self.cache.order_book(self.instrument_id)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid is None or ask is None:
            return
        # Selling down to a price would take every bid above it, and the other way round.
        # One call into the book each; its list of levels costs 300 microseconds.
        lowest = Price(bid.as_double() * (1 - self._depth), bid.precision)
        highest = Price(ask.as_double() * (1 + self._depth), ask.precision)
        bids = book.get_quantity_for_price(lowest, OrderSide.SELL)
        asks = book.get_quantity_for_price(highest, OrderSide.BUY)
        self._weigh(imbalance(bids, asks), bid, ask, deltas.ts_event)

    def _weigh(self, value: float, bid: Price, ask: Price, now_ns: int) -> None:
        if now_ns - self._updated_ns > self._gap_ns:
            self.average.reset()
        self._updated_ns = now_ns
        self.average.update_raw(value)
        if now_ns < self._next_entry_ns or not self.is_idle or not self.average.initialized:
            return
        side = imbalance_side(self.average.value, self._threshold)
        if side != OrderSide.NO_ORDER_SIDE:
            self._next_entry_ns = now_ns + self._period_ns
            self._enter(side, bid, ask)

    def _enter(self, side: OrderSide, bid: Price, ask: Price) -> None:
        price = (ask if side == OrderSide.BUY else bid).as_decimal()
        target_bps = self.config.target_bps
        self.enter(
            side,
            price,
            stop_distance=price * self.config.stop_bps / BPS,
            target_distance=None if target_bps is None else price * target_bps / BPS,
        )

    def on_position_opened(self, event: PositionOpened) -> None:
        """Start the holding time."""
        self._hold_since(event.ts_opened)

    def on_flat(self) -> None:
        """Forget the holding time of the trade that is over."""
        self._cancel_alert()

    def _hold_adopted(self) -> None:
        position = self.position
        if position is not None:
            self._hold_since(position.ts_opened)

    def _hold_since(self, opened_ns: int) -> None:
        self._cancel_alert()
        until_ns = opened_ns + self.config.holding_secs * SECOND_NS
        self.clock.set_time_alert_ns(self._alert, until_ns, self._end_holding)

    def _cancel_alert(self) -> None:
        if self._alert in self.clock.timer_names:
            self.clock.cancel_timer(self._alert)

    def _end_holding(self, _event: TimeEvent) -> None:
        self.exit()
