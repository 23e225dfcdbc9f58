"""Matching: takers walk the visible market and the accounts' resting orders; makers wait."""

from bisect import insort
from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import filters, settlement
from venue.engine.book import Level, Limit, sum_qty
from venue.engine.errors import refusal
from venue.engine.numbers import ZERO
from venue.engine.orders import Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

SELF_TRADE, IOC_REMAINDER, IOC_REMAINDER_STP, MARKET_REMAINDER = 1, 2, 3, 9


def priority(order: Order) -> tuple[Decimal, int]:
    """Return the sort key of a resting order: best price first, then the oldest."""
    return (-order.price if order.is_buy else order.price, order.sequence)


def rest(ex: "Exchange", order: Order) -> None:
    """Put an open order into the venue's own queue."""
    insort(ex.resting[order.symbol][order.side], order, key=priority)


def unrest(ex: "Exchange", order: Order) -> None:
    """Take an order out of the queue; one that never rested is no matter."""
    queue = ex.resting[order.symbol][order.side]
    if order in queue:
        queue.remove(order)


def taker_limit(ex: "Exchange", order: Order) -> Limit:
    """Return the worst price that a taker may execute at."""
    if order.type == "MARKET":
        mark = ex.book(order.symbol).mark_price
        return Limit(order.side, filters.market_bound(ex.spec(order.symbol), order.side, mark))
    return Limit(order.side, order.price)


def check_time_in_force(ex: "Exchange", order: Order) -> None:
    """Refuse an unfillable FOK (-5021) and a GTX that would take (-5022): no record is left."""
    if order.time_in_force == "GTX" and would_take(ex, order):
        raise refusal(-5022)
    if order.time_in_force == "FOK":
        limit = taker_limit(ex, order)
        market = ex.book(order.symbol).levels_against(order.side)
        rivals = [o for o in _rivals(ex, order) if limit(o.price)]
        there = sum_qty(market, limit) + sum((o.leaves for o in rivals), ZERO)
        if there < order.leaves:
            raise refusal(-5021)


def best_against(ex: "Exchange", order: Order) -> Decimal | None:
    """Return the best price on the other side: the market's, or a resting order's."""
    prices = [price for price, _ in ex.book(order.symbol).levels_against(order.side)[:1]]
    prices += [rival.price for rival in _rivals(ex, order)[:1]]
    return (min if order.is_buy else max)(prices, default=None)


def would_take(ex: "Exchange", order: Order) -> bool:
    """Return whether an order would execute at once."""
    limit = taker_limit(ex, order)
    return bool(_next_level(ex, order, limit) or _next_rival(ex, order, limit))


def take(ex: "Exchange", order: Order) -> None:
    """
    Match an order against everything within its limit, then rest or end what is left.

    At the same price the visible market comes before the accounts' own resting orders.
    """
    was_stopped = walk(ex, order)
    if not order.is_open:
        return
    if was_stopped:
        is_ioc = order.time_in_force == "IOC"
        reason = IOC_REMAINDER_STP if is_ioc else SELF_TRADE
        settlement.end(ex, order, "EXPIRED_IN_MATCH", expiry_reason=reason)
    elif order.type == "MARKET":
        settlement.end(ex, order, "EXPIRED", expiry_reason=MARKET_REMAINDER)
    elif order.time_in_force in ("IOC", "FOK"):
        settlement.end(ex, order, "EXPIRED", expiry_reason=IOC_REMAINDER)
    else:
        rest(ex, order)


def walk(ex: "Exchange", order: Order) -> bool:
    """Fill what is within the limit; return whether self-trade prevention stopped the taker."""
    limit = taker_limit(ex, order)
    while order.is_open and order.leaves:
        level = _next_level(ex, order, limit)
        rival = _next_rival(ex, order, limit)
        if rival is None and level is None:
            return False
        if rival is None or (level is not None and not _is_better(order, rival.price, level[0])):
            _take_level(ex, order, level)
        elif _is_self_trade(order, rival):
            if order.stp_mode != "EXPIRE_TAKER":
                settlement.end(ex, rival, "EXPIRED_IN_MATCH", expiry_reason=SELF_TRADE)
            if order.stp_mode != "EXPIRE_MAKER":
                return True
        else:
            _take_rival(ex, order, rival)
    return False


def _next_level(ex: "Exchange", order: Order, limit: Limit) -> Level | None:
    levels = ex.book(order.symbol).levels_against(order.side)
    return levels[0] if levels and limit(levels[0][0]) else None


def _next_rival(ex: "Exchange", order: Order, limit: Limit) -> Order | None:
    rivals = _rivals(ex, order)
    return rivals[0] if rivals and limit(rivals[0].price) else None


def _rivals(ex: "Exchange", order: Order) -> list[Order]:
    return ex.resting[order.symbol]["SELL" if order.is_buy else "BUY"]


def _is_better(order: Order, price: Decimal, than: Decimal) -> bool:
    return price < than if order.is_buy else price > than


def _is_self_trade(order: Order, rival: Order) -> bool:
    return (
        order.account == rival.account
        and order.stp_mode != "NONE"
        and order.time_in_force not in ("FOK", "GTX")
    )


def _take_level(ex: "Exchange", order: Order, level: Level | None) -> None:
    assert level is not None
    price, there = level
    qty = min(order.leaves, there)
    ex.book(order.symbol).take(order.side, qty)
    settlement.trade(ex, order, None, qty, price)


def _take_rival(ex: "Exchange", order: Order, rival: Order) -> None:
    settlement.trade(ex, order, rival, min(order.leaves, rival.leaves), rival.price)


def cross_resting(ex: "Exchange", symbol: str) -> None:
    """Fill resting orders that the market's quote has reached, for the size it shows."""
    book = ex.book(symbol)
    for side, queue in ex.resting[symbol].items():
        while queue and (levels := book.levels_against(side)):
            order = queue[0]
            if not Limit(side, order.price)(levels[0][0]):
                break
            qty = min(order.leaves, levels[0][1])
            book.take(side, qty)
            settlement.trade(ex, None, order, qty, order.price)


def trade_through(ex: "Exchange", symbol: str, price: Decimal, qty: Decimal) -> None:
    """
    Fill resting orders that a public trade went through, up to the trade's size.

    A trade at the very price of an order leaves it alone: its place in the queue is unknown.
    """
    for side, queue in ex.resting[symbol].items():
        left = qty
        while queue and left:
            order = queue[0]
            if price == order.price or not Limit(side, order.price)(price):
                break
            part = min(order.leaves, left)
            left -= part
            settlement.trade(ex, None, order, part, order.price)
