"""What the gate itself sends for a bracket: children released, stops renewed, leftovers canceled."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from decimal import Decimal

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import Clock, MessageBus
from nautilus_trader.core.message import Command
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder, ModifyOrder, SubmitOrder
from nautilus_trader.model.enums import OrderSide, TimeInForce, TriggerType
from nautilus_trader.model.events import (
    OrderCanceled,
    OrderEvent,
    OrderPendingCancel,
    OrderPendingUpdate,
    OrderUpdated,
)
from nautilus_trader.model.identifiers import ClientId, ClientOrderId, PositionId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import MarketOrder, Order, StopMarketOrder
from nautilus_trader.model.position import Position

from risk.answers import PROCESS

Send = Callable[[Command], None]
Release = Callable[[Order, PositionId | None, ClientId | None], None]


class Desk:
    """
    Builds the gate's own commands and tells the strategy of each what it would tell itself.

    Parameters
    ----------
    send : Callable
        The gate's door: what goes through it is judged.
    release : Callable
        Sends a child that was approved with its entry.
    msgbus, cache, clock
        Those of the kernel.

    Attributes
    ----------
    used : set[str]
        Order ids of earlier runs, never to be given again.

    """

    def __init__(
        self, send: Send, release: Release, *, msgbus: MessageBus, cache: Cache, clock: Clock
    ) -> None:
        self.used: set[str] = set()
        self._send = send
        self._release = release
        self._msgbus = msgbus
        self._cache = cache
        self._clock = clock

    def release(
        self,
        child: Order,
        qty: Decimal,
        position_id: PositionId | None,
        client_id: ClientId | None,
    ) -> None:
        """Send a held child for *qty* (base units, > 0)."""
        if child.quantity.as_decimal() != qty:
            now_ns = self._clock.timestamp_ns()
            # As NautilusTrader does with orders that no venue knows yet: the order first.
            self._tell(
                child,
                OrderUpdated(
                    child.trader_id, child.strategy_id, child.instrument_id, child.client_order_id,
                    None, None, _quantity(child, qty),
                    child.price if child.has_price else None,
                    child.trigger_price if child.has_trigger_price else None,
                    UUID4(), now_ns, now_ns,
                ),
            )  # fmt: skip
        self._release(child, position_id, client_id)

    def end(self, child: Order) -> None:
        """Cancel a held child; no venue knows it."""
        now_ns = self._clock.timestamp_ns()
        self._msgbus.send(
            PROCESS,
            OrderCanceled(
                child.trader_id, child.strategy_id, child.instrument_id, child.client_order_id,
                None, child.account_id, UUID4(), now_ns, now_ns,
            ),
        )  # fmt: skip

    def amend(self, order: Order, qty: Decimal) -> None:
        """Ask for another quantity (base units, what has filled included)."""
        now_ns = self._clock.timestamp_ns()
        self._tell(order, self._pending(OrderPendingUpdate, order, now_ns))
        self._send(
            ModifyOrder(
                order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id,
                order.venue_order_id, _quantity(order, qty), None, None, UUID4(), now_ns,
            )
        )  # fmt: skip

    def cancel(self, order: Order) -> None:
        """Ask for a cancel."""
        now_ns = self._clock.timestamp_ns()
        self._tell(order, self._pending(OrderPendingCancel, order, now_ns))
        self._send(
            CancelOrder(
                order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id,
                order.venue_order_id, UUID4(), now_ns,
            )
        )  # fmt: skip

    def place_stop(
        self, stops: list[Order], qty: Decimal, client_id: ClientId | None
    ) -> StopMarketOrder:
        """Send a further stop like the last of *stops*, under an id of its own."""
        like = stops[-1]
        stop = StopMarketOrder(
            trader_id=like.trader_id,
            strategy_id=like.strategy_id,
            instrument_id=like.instrument_id,
            client_order_id=self._new_id(stops[0]),
            order_side=like.side,
            quantity=_quantity(like, qty),
            trigger_price=like.trigger_price,
            trigger_type=like.trigger_type,
            init_id=UUID4(),
            ts_init=self._clock.timestamp_ns(),
            time_in_force=TimeInForce.GTC,
            reduce_only=True,
            tags=["STOP_LOSS"],
        )
        self._submit(stop, client_id)
        return stop

    def close(self, like: Order, qty: Decimal, client_id: ClientId | None) -> None:
        """Close *qty* at market, reduce-only, on the side of a stop."""
        order = MarketOrder(
            trader_id=like.trader_id,
            strategy_id=like.strategy_id,
            instrument_id=like.instrument_id,
            client_order_id=self._new_id(like),
            order_side=like.side,
            quantity=_quantity(like, qty),
            init_id=UUID4(),
            ts_init=self._clock.timestamp_ns(),
            reduce_only=True,
            tags=["EXIT"],
        )
        self._submit(order, client_id)

    def close_position(self, position: Position, qty: Decimal) -> MarketOrder:
        """Close *qty* (base units, at most what is open) of a position at market, reduce-only."""
        now_ns = self._clock.timestamp_ns()
        order = MarketOrder(
            trader_id=position.trader_id,
            strategy_id=position.strategy_id,
            instrument_id=position.instrument_id,
            client_order_id=self._new_id_of(f"X-{now_ns // 1_000:x}-"),
            order_side=OrderSide.SELL if position.is_long else OrderSide.BUY,
            quantity=Quantity(qty, position.size_precision),
            init_id=UUID4(),
            ts_init=now_ns,
            reduce_only=True,
            tags=["EXIT"],
        )
        self._submit(order, None)
        return order

    def protect(
        self, position: Position, qty: Decimal, trigger_price: Price, trigger_type: TriggerType
    ) -> StopMarketOrder:
        """Send a reduce-only stop for *qty* (base units) of a position that has none to copy."""
        now_ns = self._clock.timestamp_ns()
        stop = StopMarketOrder(
            trader_id=position.trader_id,
            strategy_id=position.strategy_id,
            instrument_id=position.instrument_id,
            client_order_id=self._new_id_of(f"P-{now_ns // 1_000:x}-"),
            order_side=OrderSide.SELL if position.is_long else OrderSide.BUY,
            quantity=Quantity(qty, position.size_precision),
            trigger_price=trigger_price,
            trigger_type=trigger_type,
            init_id=UUID4(),
            ts_init=now_ns,
            time_in_force=TimeInForce.GTC,
            reduce_only=True,
            tags=["STOP_LOSS"],
        )
        self._submit(stop, None)
        return stop

    def _submit(self, order: Order, client_id: ClientId | None) -> None:
        # As a strategy does: known to the cache and told of before it is sent.
        self._cache.add_order(order, None, client_id)
        self._msgbus.publish(f"events.order.{order.strategy_id}", order.init_event)
        self._send(
            SubmitOrder(
                order.trader_id, order.strategy_id, order, UUID4(), order.ts_init,
                client_id=client_id,
            )
        )  # fmt: skip

    def _new_id(self, like: Order) -> ClientOrderId:
        """Return an id that says what the order stands in for: ``<id>r1``, ``<id>r2``, ..."""
        return self._new_id_of(re.sub(r"r\d+$", "", like.client_order_id.value))

    def _new_id_of(self, base: str) -> ClientOrderId:
        for number in itertools.count(1):
            new_id = ClientOrderId(f"{base}r{number}")
            if new_id.value not in self.used and not self._cache.order_exists(new_id):
                return new_id
        raise AssertionError("Invariant: numbers never end")

    def _pending[T: (OrderPendingUpdate, OrderPendingCancel)](
        self, event: type[T], order: Order, now_ns: int
    ) -> T:
        return event(
            order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id,
            order.venue_order_id, order.account_id, UUID4(), now_ns, now_ns,
        )  # fmt: skip

    def _tell(self, order: Order, event: OrderEvent) -> None:
        order.apply(event)
        self._cache.update_order(order)
        self._msgbus.publish(f"events.order.{order.strategy_id}", event)


def _quantity(like: Order, qty: Decimal) -> Quantity:
    return Quantity(qty, like.quantity.precision)
