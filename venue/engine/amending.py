"""Amending a resting LIMIT order: both price and quantity, at the cost of its place in the queue."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import filters, margin, matching, placing, reducing
from venue.engine.accounts import Account
from venue.engine.errors import VenueError, refusal
from venue.engine.orders import Amendment, Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

AMENDMENTS_MAX = 10_000


def amend(
    ex: "Exchange",
    account: Account,
    order: Order,
    *,
    side: str,
    qty: Decimal,
    price: Decimal | None,
    price_match: str = "NONE",
    modify_id: str | None = None,
) -> None:
    """
    Change an open order, or refuse to and leave it as it is.

    The order is canceled instead when its fills already reach the new quantity, or when it is
    post-only and the new price would take.

    Raises
    ------
    VenueError
        -5024 symbol not trading, -5025 not LIMIT, -5026 too often, -5027 nothing new, -5029
        notional, or the filter's, reduce-only's and margin's own code.

    """
    if price is None:
        price = placing.matched_price(ex, order.symbol, order.side, price_match)
    _check_amendable(ex, order, side, qty, price)
    _check_filters(ex, order, qty, price)
    if order.executed and qty <= order.executed:
        ex.end_order(order, "CANCELED")
        return
    before = (order.price, order.qty, order.price_match)
    order.price, order.qty, order.price_match = price, qty, price_match
    try:
        _check_room(ex, account, order)
    except VenueError:
        order.price, order.qty, order.price_match = before
        raise
    matching.unrest(ex, order)
    _record(ex, order, before[0], before[1])
    if order.time_in_force == "GTX" and matching.would_take(ex, order):
        ex.end_order(order, "CANCELED")
        return
    ex.tell_amendment(order, modify_id)
    matching.take(ex, order)


def _check_amendable(ex: "Exchange", order: Order, side: str, qty: Decimal, price: Decimal) -> None:
    if ex.spec(order.symbol).status != "TRADING":
        raise refusal(-5024)
    if order.type != "LIMIT":
        raise refusal(-5025)
    if side != order.side:
        raise refusal(-1117)
    if (qty, price) == (order.qty, order.price):
        raise refusal(-5027)
    if len(order.amendments) >= AMENDMENTS_MAX:
        raise refusal(-5026)


def _check_filters(ex: "Exchange", order: Order, qty: Decimal, price: Decimal) -> None:
    spec = ex.spec(order.symbol)
    filters.check_qty(spec, qty, is_market=False)
    filters.check_price(spec, price)
    filters.check_percent_price(spec, order.side, price, ex.book(spec.symbol).mark_price)
    if not order.is_reducing:
        filters.check_notional(spec, qty, price, code=-5029)


def _check_room(ex: "Exchange", account: Account, order: Order) -> None:
    if order.is_reducing:
        reducing.admit(ex, account, order)
    margin.check_entry(ex, account, ex.spec(order.symbol), order)


def _record(ex: "Exchange", order: Order, price_before: Decimal, qty_before: Decimal) -> None:
    order.sequence = ex.next_sequence()
    order.update_ms = ex.now_ms
    order.amendments.append(
        Amendment(
            amendment_id=ex.ids.next_transfer(),
            time_ms=ex.now_ms,
            price_before=price_before,
            price_after=order.price,
            qty_before=qty_before,
            qty_after=order.qty,
            count=len(order.amendments) + 1,
        ),
    )
