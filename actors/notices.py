"""Say in one line what happened: entries, stops, fills, exits, refusals, states, the venue."""

from __future__ import annotations

from typing import Any

import msgspec
from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import OrderType
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderSubmitted,
    OrderUpdated,
    PositionClosed,
)
from nautilus_trader.model.orders import Order

from actors.snapshot import VenueNote
from risk.trading_state import Transition

_STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_MARKET})
_STOP_ENDS = {OrderCanceled: "canceled", OrderExpired: "expired", OrderRejected: "rejected"}


class Notice(msgspec.Struct, frozen=True):
    """
    Something that a person wants to know.

    ``kind`` is STATE, ALARM, ENTRY, STOP, FILL, EXIT, DENIED, REJECTED or VENUE; ``is_bad`` marks
    what a person should look at; ``group`` is what like notices are counted by.

    """

    ts_ns: int
    kind: str
    text: str
    is_bad: bool = False
    group: str = ""


def order_notice(event: OrderEvent, cache: CacheFacade) -> Notice | None:
    """Return what an order event is worth telling, or None."""
    order = cache.order(event.client_order_id)
    if order is None:
        return None
    is_stop = order.is_reduce_only and order.order_type in _STOPS
    match event:
        case OrderSubmitted() if not order.is_reduce_only:
            return Notice(event.ts_event, "ENTRY", f"{_terms(order)} by {order.strategy_id}")
        case OrderAccepted() if is_stop:
            return Notice(event.ts_event, "STOP", f"placed: {_terms(order)}")
        case OrderUpdated() if is_stop:
            return Notice(event.ts_event, "STOP", f"moved: {_terms(order)}")
        case OrderCanceled() | OrderExpired() | OrderRejected() if is_stop:
            ended = f"{_STOP_ENDS[type(event)]}: {_terms(order)}{_reason(event)}"
            return Notice(
                event.ts_event, "STOP", ended, is_bad=not isinstance(event, OrderCanceled)
            )
        case OrderRejected():
            text = f"{_terms(order)}{_reason(event)}"
            return Notice(event.ts_event, "REJECTED", text, is_bad=True)
        case OrderFilled():
            return _fill(event, order, is_stop=is_stop)
        case _:
            return None


def _fill(event: OrderFilled, order: Order, *, is_stop: bool) -> Notice:
    what = "entry"
    if order.is_reduce_only:
        what = "stop" if is_stop else "exit"
    side = "BUY" if event.is_buy else "SELL"
    symbol = event.instrument_id.symbol
    text = f"{side} {event.last_qty} {symbol} @ {event.last_px} ({what}), fee {event.commission}"
    return Notice(event.ts_event, "FILL", text)


def closed_notice(event: PositionClosed) -> Notice:
    """Return the end of a position."""
    symbol, pnl = event.instrument_id.symbol, event.realized_pnl
    price = f"{event.avg_px_close:.10g}"  # a float average
    text = f"{symbol} flat, {pnl.as_decimal():+,.2f} {pnl.currency.code}, at {price}"
    return Notice(event.ts_event, "EXIT", text)


def state_notice(transition: Transition) -> Notice:
    """Return a change of the trading state."""
    text = f"{transition.previous.name} > {transition.state.name} by {transition.by}: {transition.cause}"
    return Notice(transition.ts_ns, "STATE", text, is_bad=transition.state > 0)


def denial_notice(row: dict[str, Any]) -> Notice:
    """Return a denial from the gate's record."""
    symbol = str(row["instrument_id"]).rsplit(".", 1)[0]
    text = f"{row['text']} ({row['command']} {symbol} by {row['strategy_id']})"
    return Notice(row["ts"], "DENIED", text, group=row["reason"])


def venue_notice(note: VenueNote) -> Notice:
    """Return what the venue told."""
    return Notice(note.ts_ns, "VENUE", note.text, is_bad=True, group=f"VENUE {note.kind}")


def _terms(order: Order) -> str:
    price = f" @ {order.price}" if order.has_price else ""
    trigger = f" trigger {order.trigger_price}" if order.has_trigger_price else ""
    symbol = order.instrument_id.symbol
    kind = order.type_string()
    return f"{order.side_string()} {order.quantity} {symbol} {kind}{price}{trigger}"


def _reason(event: Any) -> str:
    reason = getattr(event, "reason", None)
    return f" ({reason})" if reason else ""
