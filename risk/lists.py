"""The shape of an order list: which stop belongs to which entry, and what each reserves."""

from __future__ import annotations

from decimal import Decimal

from risk.book import ZERO, Pending
from risk.intent import OrderIntent

PROTECTIVE_TYPE = "STOP_MARKET"
"""The one order type that counts as a protective stop: it needs no counterparty's price."""


def parents_first(orders: tuple[OrderIntent, ...]) -> list[OrderIntent]:
    """Put each entry before its children: what a stop may close is reserved with its entry."""
    first = orders[0].client_order_id
    if all(o.is_reduce_only and o.parent_id == first for o in orders[1:]):
        return list(orders)  # one entry and its children, or a single order: nearly all there is
    ids = {o.client_order_id for o in orders if not o.is_reduce_only}
    ordered = [o for o in orders if o.is_reduce_only and o.parent_id not in ids]
    for entry in orders:
        if not entry.is_reduce_only:
            ordered.append(entry)
            ordered += [
                o for o in orders if o.is_reduce_only and o.parent_id == entry.client_order_id
            ]
    return ordered


def stop_for(entry: OrderIntent, orders: tuple[OrderIntent, ...]) -> OrderIntent | None:
    """Return the child that protects *entry*: reduce-only, opposite, at the venue, in base units."""
    for order in orders:
        if (
            order.parent_id == entry.client_order_id
            and order.side == -entry.side
            and order.instrument_id == entry.instrument_id
            and is_protective(order)
        ):
            return order
    return None


def is_protective(order: OrderIntent) -> bool:
    """Tell whether an order is a stop that the venue holds and that can only reduce."""
    return (
        order.is_reduce_only
        and order.order_type == PROTECTIVE_TYPE
        and order.trigger_price is not None
        and not order.is_emulated
        and not order.may_expire
        and not order.is_quote_qty
    )


def pending_entry(order: OrderIntent, worst_px: Decimal) -> Pending:
    """Return the reservation of an entry, valued at its worst-case price."""
    return Pending(
        order.client_order_id, strategy_id=order.strategy_id, side=order.side,
        leaves_qty=order.qty, price=worst_px, limit_price=order.price,
        trigger_price=order.trigger_price, parent_id=order.parent_id, order_type=order.order_type,
    )  # fmt: skip


def pending_exit(order: OrderIntent) -> Pending:
    """Return the reservation of an exit; a protective one covers what it can close."""
    return Pending(
        order.client_order_id, strategy_id=order.strategy_id, side=order.side,
        leaves_qty=order.qty, price=order.price or ZERO, limit_price=order.price,
        trigger_price=order.trigger_price, parent_id=order.parent_id, is_exit=True,
        is_stop=is_protective(order), order_type=order.order_type,
    )  # fmt: skip


def intent_of(stop: Pending, instrument_id: str) -> OrderIntent:
    """Return what a pending stop protects, as the order that would be asked for."""
    return OrderIntent(
        client_order_id=stop.client_order_id, strategy_id=stop.strategy_id,
        instrument_id=instrument_id, side=stop.side, qty=stop.cover_qty,
        order_type=PROTECTIVE_TYPE, trigger_price=stop.trigger_price, is_reduce_only=True,
        parent_id=stop.parent_id,
    )  # fmt: skip
