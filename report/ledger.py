"""Fold order events into the final state of every order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import order_side_to_str, order_type_to_str
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderEvent,
    OrderFilled,
    OrderInitialized,
    OrderUpdated,
)

_STATUS = {
    "OrderDenied": "DENIED",
    "OrderEmulated": "EMULATED",
    "OrderReleased": "RELEASED",
    "OrderSubmitted": "SUBMITTED",
    "OrderAccepted": "ACCEPTED",
    "OrderRejected": "REJECTED",
    "OrderCanceled": "CANCELED",
    "OrderExpired": "EXPIRED",
    "OrderTriggered": "TRIGGERED",
    "OrderPendingUpdate": "PENDING_UPDATE",
    "OrderPendingCancel": "PENDING_CANCEL",
}
_CLOSED = frozenset({"DENIED", "REJECTED", "CANCELED", "EXPIRED", "FILLED"})
_BEFORE_VENUE = frozenset({"INITIALIZED", "EMULATED", "RELEASED"})
# A request that came to nothing, or an amend, leaves the order as it was before the request.
_RESTORES = frozenset({"OrderModifyRejected", "OrderCancelRejected", "OrderUpdated"})


@dataclass(slots=True)
class OrderState:
    """One order after the events seen so far; quantities in base units, times in nanoseconds."""

    client_order_id: str
    order_list_id: str | None
    parent_order_id: str | None
    strategy_id: str
    instrument_id: str
    side: str
    order_type: str
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    is_reduce_only: bool
    tags: str | None
    ts_init: int
    status: str = "INITIALIZED"
    filled_qty: Decimal = Decimal(0)
    reason: str | None = None
    ts_accepted: int | None = None
    ts_closed: int | None = None
    settled_status: str = "INITIALIZED"

    @classmethod
    def from_event(cls, event: OrderInitialized) -> OrderState:
        """Begin an order with its first event."""
        return cls(
            client_order_id=event.client_order_id.value,
            order_list_id=_text(event.order_list_id),
            parent_order_id=_text(event.parent_order_id),
            strategy_id=event.strategy_id.value,
            instrument_id=event.instrument_id.value,
            side=order_side_to_str(event.side),
            order_type=order_type_to_str(event.order_type),
            quantity=event.quantity.as_decimal(),
            price=_decimal(event.options.get("price")),
            trigger_price=_decimal(event.options.get("trigger_price")),
            is_reduce_only=event.reduce_only,
            tags=",".join(event.tags) if event.tags else None,
            ts_init=event.ts_event,
        )

    @property
    def leaves_signed_qty(self) -> Decimal:
        """Return what may still fill at the venue, plus for BUY and minus for SELL."""
        if self.status in _CLOSED or self.status in _BEFORE_VENUE:
            return Decimal(0)
        leaves = self.quantity - self.filled_qty
        return leaves if self.side == "BUY" else -leaves

    def adopt(self, filled_qty: Decimal) -> None:
        """Take over what the order had filled before the run."""
        self.filled_qty = filled_qty
        if filled_qty:
            self._set_status("PARTIALLY_FILLED")

    def apply(self, event: OrderEvent) -> None:
        """Move on by one event."""
        name = type(event).__name__
        if isinstance(event, OrderFilled):
            self.filled_qty += event.last_qty.as_decimal()
            self._set_status("FILLED" if self.filled_qty >= self.quantity else "PARTIALLY_FILLED")
        elif name in _RESTORES:
            self.status = self.settled_status
        elif name in _STATUS:
            self._set_status(_STATUS[name])
        if isinstance(event, OrderUpdated):
            self._update(event)
        if isinstance(event, OrderAccepted) and self.ts_accepted is None:
            self.ts_accepted = event.ts_event
        self.reason = getattr(event, "reason", None) or self.reason
        if self.status in _CLOSED:
            self.ts_closed = event.ts_event

    def _set_status(self, status: str) -> None:
        self.status = status
        if not status.startswith("PENDING_"):
            self.settled_status = status

    def _update(self, event: OrderUpdated) -> None:
        self.quantity = event.quantity.as_decimal()
        self.price = self.price if event.price is None else event.price.as_decimal()
        if event.trigger_price is not None:
            self.trigger_price = event.trigger_price.as_decimal()


def event_row(event: OrderEvent, order: OrderState) -> dict[str, Any]:
    """Return the row of an event: what happened and what the order is from then on."""
    return {
        "ts_event": event.ts_event,
        "client_order_id": order.client_order_id,
        "event": type(event).__name__,
        "quantity": event.last_qty.as_decimal()
        if isinstance(event, OrderFilled)
        else order.quantity,
        "price": event.last_px.as_decimal() if isinstance(event, OrderFilled) else order.price,
        "trigger_price": order.trigger_price,
        "reason": getattr(event, "reason", None),
    }


def _text(identifier: object | None) -> str | None:
    return None if identifier is None else str(identifier)


def _decimal(value: object | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
