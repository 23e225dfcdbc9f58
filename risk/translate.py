"""NautilusTrader objects to what the core judges, and nothing guessed on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from nautilus_trader.execution.messages import ModifyOrder
from nautilus_trader.model.enums import (
    OrderSide,
    OrderType,
    TimeInForce,
    TriggerType,
    order_type_to_str,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import (
    LimitIfTouchedOrder,
    LimitOrder,
    MarketIfTouchedOrder,
    MarketOrder,
    MarketToLimitOrder,
    Order,
    StopLimitOrder,
    StopMarketOrder,
    TrailingStopLimitOrder,
    TrailingStopMarketOrder,
)

from risk.intent import BUY, SELL, AmendIntent, OrderIntent, VenueFilters

ORDER_CLASSES = frozenset(
    {
        LimitIfTouchedOrder, LimitOrder, MarketIfTouchedOrder, MarketOrder, MarketToLimitOrder,
        StopLimitOrder, StopMarketOrder, TrailingStopLimitOrder, TrailingStopMarketOrder,
    }
)  # fmt: skip
_TRAILING_TYPES = (OrderType.TRAILING_STOP_MARKET, OrderType.TRAILING_STOP_LIMIT)
_TYPE_NAMES = {i: order_type_to_str(i) for i in range(1, 10)}


def intent_of(order: Order, expected_px: Decimal | None = None) -> OrderIntent:
    """
    Return what *order* asks for.

    Raises
    ------
    TypeError
        If the order is of a class of somebody's own: such a class can show Python one quantity
        and the compiled engine another.

    """
    if type(order) not in ORDER_CLASSES:
        raise TypeError(f"{type(order).__name__} is no order class of NautilusTrader")
    parent_id = order.parent_order_id
    return OrderIntent(
        client_order_id=order.client_order_id.value,
        strategy_id=order.strategy_id.value,
        instrument_id=order.instrument_id.value,
        side=BUY if order.side == OrderSide.BUY else SELL,
        qty=order.quantity.as_decimal(),
        order_type=_TYPE_NAMES[order.order_type],
        price=order.price.as_decimal() if order.has_price else None,
        trigger_price=(
            order.trigger_price.as_decimal()
            if order.has_trigger_price and order.trigger_price is not None
            else None
        ),
        is_reduce_only=order.is_reduce_only,
        parent_id=None if parent_id is None else parent_id.value,
        is_quote_qty=order.is_quote_quantity,
        is_emulated=order.emulation_trigger != TriggerType.NO_TRIGGER,
        may_expire=order.time_in_force != TimeInForce.GTC,
        expected_px=expected_px,
        trigger_type=TriggerType(order.trigger_type).name if order.has_trigger_price else None,
    )


class OrderTerms(NamedTuple):
    """The terms that an approval holds good for, as NautilusTrader has them."""

    instrument_id: InstrumentId
    side: OrderSide
    order_type: OrderType
    quantity: Quantity
    price: Price | None
    trigger_price: Price | None
    is_reduce_only: bool
    is_quote_quantity: bool
    is_post_only: bool
    time_in_force: TimeInForce
    trigger_type: TriggerType | None
    expire_ns: int
    """Unix nanoseconds; 0 where the order does not expire at a time of its own."""
    trail: tuple[Decimal, Price | None] | None
    """Trailing offset (in the order's own unit) and activation price."""


def terms_of(order: Order) -> OrderTerms:
    """Return the terms that an approval holds good for; cheap, because each order is asked twice."""
    has_trigger = order.has_trigger_price
    trails = order.order_type in _TRAILING_TYPES  # perhaps without a trigger price as yet
    return OrderTerms(  # in the order of its fields: names cost a microsecond here
        order.instrument_id,
        order.side,
        order.order_type,
        order.quantity,
        order.price if order.has_price else None,
        order.trigger_price if has_trigger else None,
        order.is_reduce_only,
        order.is_quote_quantity,
        order.is_post_only,
        order.time_in_force,
        order.trigger_type if has_trigger or trails else None,
        order.expire_time_ns if order.time_in_force == TimeInForce.GTD else 0,
        (order.trailing_offset, order.activation_price) if trails else None,
    )


def amended_terms(order: Order, command: ModifyOrder) -> OrderTerms:
    """Return the terms that an order has once it is amended."""
    terms = terms_of(order)
    return terms._replace(
        quantity=terms.quantity if command.quantity is None else command.quantity,
        price=terms.price if command.price is None else command.price,
        trigger_price=terms.trigger_price
        if command.trigger_price is None
        else command.trigger_price,
    )


def amend_of(command: ModifyOrder) -> AmendIntent:
    """Return what an amendment asks for."""
    return AmendIntent(
        client_order_id=command.client_order_id.value,
        instrument_id=command.instrument_id.value,
        qty=_decimal(command.quantity),
        price=_decimal(command.price),
        trigger_price=_decimal(command.trigger_price),
    )


def filters_of(instrument: Instrument) -> VenueFilters:
    """Return the venue's filters, from the instrument and the exchangeInfo facts in its ``info``."""
    info: dict[str, Any] = instrument.info or {}
    return VenueFilters(
        tick=instrument.price_increment.as_decimal(),
        step=instrument.size_increment.as_decimal(),
        min_qty=_decimal(instrument.min_quantity),
        max_qty=_decimal(instrument.max_quantity),
        market_max_qty=_fact(info, "market_max_qty"),
        min_notional=_decimal(instrument.min_notional),
        percent_price_up=_fact(info, "percent_price_up"),
        percent_price_down=_fact(info, "percent_price_down"),
        open_orders_max=int(info["max_num_orders"]) if "max_num_orders" in info else None,
        settlement=instrument.get_settlement_currency().code,
    )


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else value.as_decimal()


def _fact(info: dict[str, Any], key: str) -> Decimal | None:
    value = info.get(key)
    return None if value is None else Decimal(str(value))
