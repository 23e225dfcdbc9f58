"""How a denial reaches the strategy: as the order event that NautilusTrader has for it."""

from __future__ import annotations

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Clock, MessageBus
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    CancelOrder,
    ModifyOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.events import OrderCancelRejected, OrderDenied, OrderModifyRejected
from nautilus_trader.model.orders import Order

from risk.decision import Denial

PROCESS = "ExecEngine.process"


class Answers:
    """Sends denial events to the execution engine, which applies and publishes them."""

    def __init__(self, msgbus: MessageBus, cache: Cache, clock: Clock) -> None:
        self._msgbus = msgbus
        self._cache = cache
        self._clock = clock

    def deny_orders(
        self, orders: tuple[Order, ...], denial: Denial, command: SubmitOrder | SubmitOrderList
    ) -> None:
        """Deny each order of a command; an order that is already further on is left alone."""
        for order in orders:
            if order.status not in (OrderStatus.INITIALIZED, OrderStatus.RELEASED):
                continue
            if not self._cache.order_exists(order.client_order_id):
                self._cache.add_order(order, command.position_id, command.client_id)
            elif self._cache.order(order.client_order_id) is not order:
                continue  # Another order has the id; its story must not be changed.
            denied = OrderDenied(
                trader_id=order.trader_id,
                strategy_id=order.strategy_id,
                instrument_id=order.instrument_id,
                client_order_id=order.client_order_id,
                reason=denial.text,
                event_id=UUID4(),
                ts_init=self._clock.timestamp_ns(),
            )
            self._msgbus.send(PROCESS, denied)

    def reject_modify(self, command: ModifyOrder, denial: Denial) -> None:
        """Answer an amendment that was denied."""
        self._reject(OrderModifyRejected, command, denial)

    def reject_cancel(self, command: CancelOrder, denial: Denial) -> None:
        """Answer a cancel that was denied."""
        self._reject(OrderCancelRejected, command, denial)

    def _reject(
        self,
        event: type[OrderModifyRejected | OrderCancelRejected],
        command: ModifyOrder | CancelOrder,
        denial: Denial,
    ) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None or order.is_closed:
            return
        now_ns = self._clock.timestamp_ns()
        rejected = event(
            trader_id=order.trader_id,
            strategy_id=order.strategy_id,
            instrument_id=order.instrument_id,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            account_id=order.account_id,
            reason=denial.text,
            event_id=UUID4(),
            ts_event=now_ns,
            ts_init=now_ns,
        )
        self._msgbus.send(PROCESS, rejected)
