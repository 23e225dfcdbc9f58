"""The orders of one round trip: entry, stop, target, and what replaces or ends them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import (
    ContingencyType,
    OrderSide,
    OrderStatus,
    OrderType,
    TriggerType,
)
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import LimitOrder, MarketOrder, Order, OrderList, StopMarketOrder
from nautilus_trader.model.position import Position


@dataclass(slots=True)
class Trade:
    """
    The orders of the round trip in progress, as the cache holds them.

    The orders are the cached objects themselves, so their states are always current;
    nothing here has to be told about an event. A stop may be split over several orders: a venue
    that fills the entry bit by bit gets a further one where it does not let the first one grow.
    """

    entry: Order | None
    stop: Order | None
    target: Order | None = None
    exit: Order | None = None
    replacement: Order | None = None  # a tighter stop that is not accepted yet
    more_stops: list[Order] = field(default_factory=list)
    retired: list[Order] = field(default_factory=list)  # replaced stops and strays
    canceling: set[ClientOrderId] = field(default_factory=set)

    @classmethod
    def adopt(cls, position: Position | None, orders: Iterable[Order]) -> Self:
        """
        Rebuild the trade from what a previous run left: its position and its unclosed orders.

        Of stops for the whole position the tightest is kept; without one, those that cover it
        together count. What has no place in the trade is retired, which is to say canceled.
        """
        orders = list(orders)
        entry = next((order for order in orders if not order.is_reduce_only), None)
        trade = cls(entry=entry, stop=None)
        guarded = position or entry  # what a stop of this trade has to cover
        side = position.entry if position else entry.side if entry else OrderSide.NO_ORDER_SIDE
        stops: list[Order] = []
        for order in orders:
            if order is entry:
                continue
            if guarded is None or not order.is_reduce_only or order.side == side:
                trade.retired.append(order)
            elif order.order_type == OrderType.STOP_MARKET:
                stops.append(order)
            elif order.order_type == OrderType.MARKET and trade.exit is None:
                trade.exit = order
            elif order.order_type == OrderType.LIMIT and trade.target is None:
                trade.target = order
            else:
                trade.retired.append(order)
        if guarded is not None:
            stops.sort(key=lambda order: order.trigger_price, reverse=side == OrderSide.BUY)
            trade._adopt_stops(stops, guarded.quantity.as_decimal())
        return trade

    def _adopt_stops(self, stops: list[Order], needed: Decimal) -> None:
        whole = next((o for o in stops if o.leaves_qty.as_decimal() >= needed), None)
        if whole is not None:
            self.stop = whole
            self.retired += [order for order in stops if order is not whole]
        elif sum(o.leaves_qty.as_decimal() for o in stops) >= needed or any(
            o.status == OrderStatus.PENDING_UPDATE
            for o in stops  # one is being made larger
        ):
            self.stop, *self.more_stops = stops
        else:
            self.retired += stops

    def join(self, order: Order) -> None:
        """Take an order that was placed for the trade by whoever watches over its stop."""
        if order.order_type == OrderType.STOP_MARKET:
            self.more_stops.append(order)
        elif self.exit is None or self.exit.is_closed:
            self.exit = order
        else:
            self.retired.append(order)

    def knows(self, client_order_id: ClientOrderId) -> bool:
        """Return whether an order belongs to the trade."""
        return any(order.client_order_id == client_order_id for order in self._orders())

    def is_entering(self) -> bool:
        """Return whether the entry may still fill."""
        return self.entry is not None and not self.entry.is_closed

    def has_stop(self) -> bool:
        """Return whether a protective stop is working or on its way."""
        if self.stop is None or self.stop.is_closed:
            self.stop = next((stop for stop in self.more_stops if not stop.is_closed), self.stop)
        return self.stop is not None and not self.stop.is_closed

    def promote_replacement(self) -> None:
        """Make an accepted replacement the stop and retire the old one; drop a refused one."""
        if self.replacement is None:
            return
        if self.replacement.is_open:
            if self.stop is not None:
                self.retired += [self.stop, *self.more_stops]
            self.stop, self.replacement, self.more_stops = self.replacement, None, []
        elif self.replacement.is_closed:
            self.replacement = None

    def unclosed(self) -> list[Order]:
        """Return every order of the trade that could still do something."""
        return [order for order in self._orders() if not order.is_closed]

    def _orders(self) -> Iterator[Order]:
        single = (self.entry, self.stop, self.target, self.exit, self.replacement)
        yield from (order for order in single if order is not None)
        yield from self.more_stops
        yield from self.retired


def entry_list(
    factory: OrderFactory,
    instrument: Instrument,
    *,
    side: OrderSide,
    quantity: Decimal,
    stop: Decimal,
    target: Decimal | None,
    stop_trigger: TriggerType,
    now_ns: int,
) -> OrderList:
    """
    Return a market entry, its protective stop and optional target as one order list.

    The entry triggers its children (OTO). Stop and target are reduce-only and not linked to
    each other: reduce-only already forbids that both close the position, the strategy cancels
    what is left over, and a stop can be replaced without the venue canceling the target.
    """
    list_id = factory.generate_order_list_id()
    entry_id, stop_id = factory.generate_client_order_id(), factory.generate_client_order_id()
    target_id = None if target is None else factory.generate_client_order_id()
    shared: dict[str, Any] = {
        "trader_id": factory.trader_id,
        "strategy_id": factory.strategy_id,
        "instrument_id": instrument.id,
        "quantity": instrument.make_qty(quantity),
        "ts_init": now_ns,
        "order_list_id": list_id,
    }
    closing: dict[str, Any] = shared | {
        "order_side": OrderSide.SELL if side == OrderSide.BUY else OrderSide.BUY,
        "reduce_only": True,
        "parent_order_id": entry_id,
    }
    orders: list[Order] = [
        MarketOrder(
            client_order_id=entry_id,
            order_side=side,
            init_id=UUID4(),
            contingency_type=ContingencyType.OTO,
            linked_order_ids=[stop_id] if target_id is None else [stop_id, target_id],
            tags=["ENTRY"],
            **shared,
        ),
        StopMarketOrder(
            client_order_id=stop_id,
            trigger_price=instrument.make_price(stop),
            trigger_type=stop_trigger,
            init_id=UUID4(),
            tags=["STOP_LOSS"],
            **closing,
        ),
    ]
    if target_id is not None:
        orders.append(
            LimitOrder(
                client_order_id=target_id,
                price=instrument.make_price(target),
                init_id=UUID4(),
                tags=["TAKE_PROFIT"],
                **closing,
            ),
        )
    return OrderList(order_list_id=list_id, orders=orders)
