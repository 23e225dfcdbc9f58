"""A strategy that enters once, on a side that a test chooses, and holds what it has."""

from decimal import Decimal
from typing import Literal

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import ContingencyType, OrderSide
from nautilus_trader.model.orders import LimitOrder, OrderList

from strategies.base import ProtectedStrategy, ProtectedStrategyConfig
from strategies.trade import Trade, entry_list


class OneTradeConfig(ProtectedStrategyConfig, kw_only=True, frozen=True):
    """*entry_type* says how to buy: at market, or by a limit *below_bps* below the best ask."""

    entry_type: Literal["MARKET", "LIMIT"] = "MARKET"
    below_bps: Decimal = Decimal(0)


class OneTrade(ProtectedStrategy):
    """Buys at the first quote, with a stop a half percent below; sells when it is stopped."""

    def __init__(self, config: OneTradeConfig) -> None:
        super().__init__(config)
        self._is_done = False

    def on_start(self) -> None:
        super().on_start()
        self._is_done = not self.is_idle
        self.subscribe_quote_ticks(self.instrument_id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        if self._is_done:
            return
        self._is_done = True
        price = tick.bid_price.as_decimal()
        if self.config.entry_type == "MARKET":
            self.enter(OrderSide.BUY, price, price / 200)
        else:
            self._wait_at(tick)

    def _wait_at(self, tick: QuoteTick) -> None:
        price = tick.ask_price.as_decimal() * (1 - self.config.below_bps / 10_000)
        _, stop = entry_list(
            self.order_factory, self.instrument, side=OrderSide.BUY,
            quantity=self.config.trade_notional_usdt_max / price,
            stop=price - price / 200, target=None, stop_trigger=self._stop_trigger,
            now_ns=self.clock.timestamp_ns(),
        ).orders  # fmt: skip
        entry = LimitOrder(
            trader_id=stop.trader_id, strategy_id=stop.strategy_id,
            instrument_id=stop.instrument_id, client_order_id=stop.parent_order_id,
            order_side=OrderSide.BUY, quantity=stop.quantity, price=self.instrument.make_price(price),
            init_id=UUID4(), ts_init=self.clock.timestamp_ns(), order_list_id=stop.order_list_id,
            contingency_type=ContingencyType.OTO, linked_order_ids=[stop.client_order_id],
        )  # fmt: skip
        self._trade = Trade(entry, stop)
        self.submit_order_list(OrderList(stop.order_list_id, [entry, stop]))
