"""A strategy that is always in the middle of something, for whoever kills it there."""

from decimal import Decimal

from nautilus_trader.common.events import TimeEvent
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import ContingencyType, OrderSide
from nautilus_trader.model.events import PositionOpened
from nautilus_trader.model.orders import LimitOrder, OrderList

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from strategies.trade import Trade, entry_list

MS = 1_000_000
STOP_DIVISOR = 200
"""The stop lies a half percent away: seldom hit, so that it rests when the node dies."""


class ChurnConfig(ProtectedStrategyConfig, kw_only=True, frozen=True):
    """
    The parameters of `Churn`, all in milliseconds (> 0).

    *settle_ms* passes after a start before the first entry, so that what a restart found can be
    told from what it traded; *holding_ms* from entry to exit; *pause_ms* from flat to the next.

    """

    settle_ms: int = 700
    holding_ms: int = 900
    pause_ms: int = 150


class Churn(ProtectedStrategy):
    """Enter and leave without end: both sides, at market and by limits larger than the book."""

    def __init__(self, config: ChurnConfig) -> None:
        super().__init__(config)
        self._next_ns = 0
        self._count = 0
        self._alert = ""

    def on_start(self) -> None:
        """Take over what is there, to be closed in its time, and listen to quotes."""
        super().on_start()
        now_ns = self.clock.timestamp_ns()
        self._next_ns = now_ns + self.config.settle_ms * MS
        self._count = now_ns // MS
        self._alert = f"{self.id}-HOLD"
        if not self.is_idle:
            self._hold()
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Enter when there is nothing, each time otherwise than before."""
        if not self.is_idle or self.clock.timestamp_ns() < self._next_ns:
            return
        self._next_ns = self.clock.timestamp_ns() + self.config.pause_ms * MS
        self._count += 1
        side = OrderSide.BUY if self._count % 2 else OrderSide.SELL
        price = (tick.ask_price if side == OrderSide.BUY else tick.bid_price).as_decimal()
        if self._count // 2 % 2:
            self.enter(side, price, price / STOP_DIVISOR)
        else:
            self._rest(side, price)
        self._hold()

    def on_position_opened(self, event: PositionOpened) -> None:  # noqa: ARG002 - the time counts
        """Begin the holding time."""
        self._hold()

    def on_flat(self) -> None:
        """Pause."""
        self._next_ns = self.clock.timestamp_ns() + self.config.pause_ms * MS

    def _hold(self) -> None:
        if self._alert in self.clock.timer_names:
            self.clock.cancel_timer(self._alert)
        until_ns = self.clock.timestamp_ns() + self.config.holding_ms * MS
        self.clock.set_time_alert_ns(self._alert, until_ns, self._leave)

    def _leave(self, _event: TimeEvent) -> None:
        self.exit()

    def _rest(self, side: OrderSide, price: Decimal) -> None:
        """Bid for more than the best level holds: a part is filled, the rest rests."""
        away = price / STOP_DIVISOR * (1 if side == OrderSide.BUY else -1)
        _, stop = entry_list(
            self.order_factory, self.instrument, side=side,
            quantity=self.config.trade_notional_usdt_max / price,
            stop=price - away, target=None, stop_trigger=self._stop_trigger,
            now_ns=self.clock.timestamp_ns(),
        ).orders  # fmt: skip
        entry = LimitOrder(
            trader_id=stop.trader_id, strategy_id=stop.strategy_id,
            instrument_id=stop.instrument_id, client_order_id=stop.parent_order_id,
            order_side=side, quantity=stop.quantity, price=self.instrument.make_price(price),
            init_id=UUID4(), ts_init=self.clock.timestamp_ns(), order_list_id=stop.order_list_id,
            contingency_type=ContingencyType.OTO, linked_order_ids=[stop.client_order_id],
        )  # fmt: skip
        self._trade = Trade(entry, stop)
        self.submit_order_list(OrderList(stop.order_list_id, [entry, stop]))
