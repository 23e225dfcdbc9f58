"""Links, names and extras: what the venue makes of an order beside the terms that are judged."""

from __future__ import annotations

from collections.abc import Callable

from nautilus_trader.execution.messages import (
    CancelOrder,
    ModifyOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.model.enums import ContingencyType, OrderType, TimeInForce
from nautilus_trader.model.identifiers import ClientOrderId
from nautilus_trader.model.orders import Order

from risk.decision import Denial, DenyReason

Find = Callable[[ClientOrderId], Order | None]
_SIBLINGS = (ContingencyType.OCO, ContingencyType.OUO)


def links_denial(orders: tuple[Order, ...], find: Find) -> Denial | None:
    """
    Judge the links of the orders of one command.

    An entry must release its children itself (OTO, both name each other, in one list). A stop may
    be linked to a target only so that both shrink together (OUO, both name each other, same side
    and quantity, neither expires): with OCO the first partial fill of the target would cancel the
    stop of all that is left.

    """
    together = {order.client_order_id: order for order in orders}
    for order in orders:
        parent = together.get(order.parent_order_id)
        if parent is not None and not _releases(parent, order):
            return _not_linked(order.client_order_id, parent)
        for key in order.linked_order_ids or ():
            if order.contingency_type == ContingencyType.OTO:
                child = together.get(key)
                if child is None or child.parent_order_id != order.client_order_id:
                    return _not_linked(key, order)
            elif order.contingency_type in _SIBLINGS:
                other = together.get(key) or find(key)
                if other is None or not _is_fair(order, other):
                    return _not_allowed(order, key)
    return None


def identity_denial(command: ModifyOrder | CancelOrder, order: Order | None) -> Denial | None:
    """
    Deny a command whose names belong to different orders.

    The gate judges by client order id; a venue may go by its own id or look under another symbol,
    and would then change an order that was never judged.

    """
    if order is None:
        return Denial(DenyReason.ORDER_UNKNOWN, command.client_order_id, "an order in the cache")
    named, known = command.instrument_id, order.instrument_id
    if named != known:
        return Denial(DenyReason.ORDER_IDENTITY_MISMATCH, named, known)
    venue_id = command.venue_order_id
    # An amended order may get a new id while the command is on its way: the old one is good.
    if venue_id in (None, order.venue_order_id) or venue_id in order.venue_order_ids:
        return None
    return Denial(DenyReason.ORDER_IDENTITY_MISMATCH, venue_id, order.venue_order_id)


def params_denial(command: SubmitOrder | SubmitOrderList | ModifyOrder) -> Denial | None:
    """
    Deny instructions to the venue's client that do not stand in the order that is judged.

    Binance's ``price_match`` lets the venue set the price, and NautilusTrader 1.231 then sends the
    entry of a list and drops its stop.

    """
    if not command.params:
        return None
    shown = ", ".join(sorted(str(key) for key in command.params))
    return Denial(DenyReason.ORDER_PARAMS_NOT_ALLOWED, shown, "terms of the order itself")


def linked_ids(order: Order | None) -> tuple[str, ...]:
    """Return the orders that the venue cancels or updates with *order* (its siblings)."""
    if order is None or order.contingency_type not in _SIBLINGS:
        return ()
    return tuple(key.value for key in order.linked_order_ids or ())


def _releases(parent: Order, child: Order) -> bool:
    return parent.contingency_type == ContingencyType.OTO and child.client_order_id in (
        parent.linked_order_ids or ()
    )


def _is_fair(order: Order, other: Order) -> bool:
    if OrderType.STOP_MARKET not in (order.order_type, other.order_type):
        return True
    return (
        order.contingency_type == other.contingency_type == ContingencyType.OUO
        and order.client_order_id in (other.linked_order_ids or ())
        and order.side == other.side
        and order.leaves_qty == other.leaves_qty
        and order.time_in_force == other.time_in_force == TimeInForce.GTC
    )


def _not_linked(child_id: ClientOrderId, parent: Order) -> Denial:
    return Denial(
        DenyReason.STOP_LOSS_NOT_LINKED,
        f"{child_id} under {parent.client_order_id}",
        "an entry that releases (OTO) each of its children in the same list",
    )


def _not_allowed(order: Order, key: ClientOrderId) -> Denial:
    return Denial(
        DenyReason.STOP_LOSS_LINK_NOT_ALLOWED,
        f"{order.client_order_id} linked to {key}",
        "stop and target that update one another (OUO) for the same quantity, GTC",
    )
