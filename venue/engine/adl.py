"""Forced orders, and auto-deleveraging: who is ahead most, and most leveraged, is closed first."""

from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import liquidation_price, margin, settlement
from venue.engine.accounts import Account, Position
from venue.engine.numbers import ZERO, sign
from venue.engine.orders import ADL_ID, LIQUIDATION_ID, Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

QUANTILES = 5


def forced_order(
    ex: "Exchange",
    account: Account,
    position: Position,
    qty: Decimal,
    price: Decimal,
    id_prefix: str,
) -> Order:
    """Open and tell one of the venue's own orders against an account; it never rests."""
    order_id = ex.ids.next_order()
    client_order_id = f"{LIQUIDATION_ID}{order_id}" if id_prefix == LIQUIDATION_ID else ADL_ID
    order = Order(
        account=account.name,
        symbol=position.symbol,
        order_id=order_id,
        client_order_id=client_order_id,
        side="SELL" if position.amt > 0 else "BUY",
        position_side=position.side,
        type="LIQUIDATION",
        orig_type="LIQUIDATION",
        time_in_force="IOC",
        qty=qty,
        price=price,
        is_reduce_only=False,
        stp_mode="NONE",
        price_match="NONE",
        good_till_ms=0,
        time_ms=ex.now_ms,
        update_ms=ex.now_ms,
        sequence=ex.next_sequence(),
    )
    account.orders[order_id] = order
    account.open_orders[order_id] = order
    ex.tell_order(order, "NEW")
    return order


def deleverage(ex: "Exchange", order: Order, price: Decimal) -> None:
    """
    Close what is left of a liquidation order against the accounts on the other side.

    They trade at the bankruptcy price, without a fee, in the order of their rank; what they do
    not cover is taken by traders outside, at the same price.
    """
    for account, position in _ranked(ex, order.symbol, order.direction):
        if account.name == order.account or not order.leaves:
            continue
        qty = min(order.leaves, abs(position.amt))
        _close_orders(ex, account, order.symbol)
        counter = forced_order(ex, account, position, qty, price, ADL_ID)
        settlement.trade(ex, order, counter, qty, price)
    if order.leaves:
        settlement.trade(ex, order, None, order.leaves, price)


def deleverage_account(
    ex: "Exchange", account: Account, position: Position, qty: Decimal, price: Decimal
) -> None:
    """Deleverage one account against a trader outside: its orders go first, then the quantity."""
    _close_orders(ex, account, position.symbol)
    order = forced_order(ex, account, position, qty, price, ADL_ID)
    settlement.trade(ex, order, None, qty, price)


def _close_orders(ex: "Exchange", account: Account, symbol: str) -> None:
    for order in account.open_orders_of(symbol):
        if order.type != "LIQUIDATION":
            ex.end_order(order, "CANCELED")


def rank(ex: "Exchange", account: Account, position: Position) -> Decimal:
    """
    Return the place in the ADL queue: profit ratio times effective leverage (divided for losses).

    The venue's exact ranking is not published.
    """
    profit = margin.unrealized(ex, position)
    cost = abs(position.cost)
    group = liquidation_price.group_of(account, position)
    money, _ = liquidation_price.backing(ex, account, group)
    balance = money + sum((margin.unrealized(ex, p) for p in group), ZERO)
    if not cost or balance <= 0:
        return ZERO
    leverage = abs(margin.position_notional(ex, position)) / balance
    ratio = profit / cost
    return ratio * leverage if profit >= 0 else ratio / leverage


def quantile(ex: "Exchange", position: Position) -> int:
    """Return 0 (last in the queue) to 4 (first) among the positions of the same direction."""
    if not position.amt:
        return 0
    queue = [p for _, p in reversed(_ranked(ex, position.symbol, sign(position.amt)))]
    return QUANTILES * queue.index(position) // len(queue)


def _ranked(ex: "Exchange", symbol: str, direction: int) -> list[tuple[Account, Position]]:
    found = [
        (account, position)
        for account in ex.accounts.values()
        for position in account.open_positions(symbol)
        if sign(position.amt) == direction
    ]
    return sorted(found, key=lambda pair: rank(ex, *pair), reverse=True)
