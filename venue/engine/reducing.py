"""Reduce-only orders never exceed the position: the venue refuses, shrinks or expires them."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import margin
from venue.engine.accounts import Account
from venue.engine.errors import refusal
from venue.engine.numbers import ZERO, sign
from venue.engine.orders import Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

KNOCKED_OUT = 4


def admit(ex: "Exchange", account: Account, order: Order) -> None:
    """
    Fit a new reducing order to the position, or refuse it.

    Refused with -2022 when there is nothing to reduce, or when open reduce-only orders of a
    better priority already reduce all of it; with -4118 when the account's other open orders
    would then open a position that its margin does not allow. A larger order is shrunk.
    """
    reducible = _reducible(account, order)
    better = [o for o in _competitors(account, order) if _rank(o) <= _rank(order)]
    room = reducible - sum((o.leaves for o in better), ZERO)
    if room <= 0:
        raise refusal(-2022)
    order.qty = min(order.qty, order.executed + room)
    _check_flip(ex, account, order)


def _check_flip(ex: "Exchange", account: Account, order: Order) -> None:
    position = account.position(order.symbol, order.position_side)
    if account.is_dual_side:
        return
    others = sum(
        (
            o.leaves
            for o in account.open_orders_of(order.symbol)
            if o.side == order.side and not o.is_reducing
        ),
        ZERO,
    )
    flipped = others + order.leaves - abs(position.amt)
    if not others or flipped <= 0:
        return
    asset = ex.spec(order.symbol).margin_asset
    needed = (
        min(flipped, others)
        * margin.mark_of(ex, order.symbol)
        / account.setting(order.symbol).leverage
    )
    free = margin.totals(ex, account, asset).free
    freed = position.isolated_wallet or margin.initial_margin(ex, account, position)
    held = margin.open_order_margin(ex, account, order.symbol)
    if needed > free + freed + held:
        raise refusal(-4118)


def review(ex: "Exchange", account: Account, symbol: str, position_side: str) -> None:
    """
    Shrink or expire (er=4) open reducing orders that exceed the position.

    The position is given to them by priority: better price first, then the oldest. A shrunk
    order is told as an AMENDMENT with its new ``q``.
    """
    orders = [
        o
        for o in account.open_orders.values()
        if o.symbol == symbol and o.position_side == position_side and o.is_reducing
    ]
    left: dict[str, Decimal] = {}
    for order in sorted(orders, key=_rank):
        room = left.setdefault(order.side, _reducible(account, order))
        if not order.is_open:
            continue
        if room <= 0:
            ex.end_order(order, "EXPIRED", expiry_reason=KNOCKED_OUT)
        elif order.leaves > room:
            order.qty = order.executed + room
            order.update_ms = ex.now_ms
            ex.tell_order(order, "AMENDMENT")
        left[order.side] = room - order.leaves if order.is_open else room


def _reducible(account: Account, order: Order) -> Decimal:
    amt = account.position(order.symbol, order.position_side).amt
    return abs(amt) if sign(amt) == -order.direction else ZERO


def _competitors(account: Account, order: Order) -> list[Order]:
    return [
        o
        for o in account.open_orders.values()
        if o is not order
        and (o.symbol, o.position_side, o.side) == (order.symbol, order.position_side, order.side)
        and o.is_reducing
    ]


def _rank(order: Order) -> tuple[int, Decimal, int]:
    """Return the priority of a reducing order; market orders come before all limits."""
    is_limit = order.type == "LIMIT"
    price = order.price if order.side == "SELL" else -order.price
    return (int(is_limit), price, order.sequence)
