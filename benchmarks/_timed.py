"""The shipped strategy, which also writes down when each quote came and when it asked."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import OrderList
from nautilus_trader.trading.strategy import Strategy

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from strategies.imbalance import BookImbalance, BookImbalanceConfig

quotes_ns: dict[str, int] = {}
"""When a quote reached the strategy, by the size that numbers it."""
requests_ns: dict[str, int] = {}
"""When a strategy asked for an order, by its client order id."""


class TimedImbalanceConfig(BookImbalanceConfig, kw_only=True, frozen=True):
    """The parameters of `TimedImbalance`: those of `BookImbalance`."""


class TimedImbalance(BookImbalance):
    """`BookImbalance`, timed."""

    def on_quote_tick(self, tick: QuoteTick) -> None:
        quotes_ns[str(tick.bid_size)] = time.monotonic_ns()
        super().on_quote_tick(tick)


class RoundTripsConfig(ProtectedStrategyConfig, kw_only=True, frozen=True):
    """The parameters of `RoundTrips`."""


class RoundTrips(ProtectedStrategy):
    """In and out again without end, each entry with its stop, as every strategy here does."""

    def on_start(self) -> None:
        super().on_start()
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        if self.is_idle:
            price = tick.ask_price.as_decimal()
            self.enter(OrderSide.BUY, price, stop_distance=price / 100)
        elif self.position is not None:
            self.exit()

    def submit_order_list(self, order_list: OrderList, *args: Any, **kwargs: Any) -> None:
        requests_ns[order_list.orders[0].client_order_id.value] = time.monotonic_ns()
        super().submit_order_list(order_list, *args, **kwargs)


class BareRoundTrips(Strategy):
    """The same round trips as NautilusTrader alone can send them: without a stop."""

    def __init__(self, instrument_id: InstrumentId, quantity: Decimal) -> None:
        super().__init__(StrategyConfig(order_id_tag="001", oms_type="NETTING"))
        self.instrument_id, self.quantity = instrument_id, quantity

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, _tick: QuoteTick) -> None:
        if self.cache.orders_open() or self.cache.orders_inflight():
            return
        is_out = not self.cache.positions_open()
        order = self.order_factory.market(
            self.instrument_id,
            OrderSide.BUY if is_out else OrderSide.SELL,
            self.cache.instrument(self.instrument_id).make_qty(self.quantity),
            reduce_only=not is_out,
        )
        if is_out:
            requests_ns[order.client_order_id.value] = time.monotonic_ns()
        self.submit_order(order)
