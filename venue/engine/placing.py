"""New orders: every check in the venue's order, then the book."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from venue.engine import filters, margin, matching, reducing
from venue.engine.accounts import Account
from venue.engine.errors import refusal
from venue.engine.numbers import ZERO
from venue.engine.orders import AlgoOrder, Order, OrderRequest
from venue.engine.symbols import SymbolSpec

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange

GTD_LEAD_MS = 600_000
GTD_MAX_MS = 253_402_300_799_000
# priceMatch: the side of the book that is looked at, seen from the order, and the level (from 1).
PRICE_MATCHES = {
    "OPPONENT": (True, 1),
    "OPPONENT_5": (True, 5),
    "QUEUE": (False, 1),
    "QUEUE_5": (False, 5),
    "QUEUE_10": (False, 10),
    "QUEUE_20": (False, 20),
}


def place(ex: "Exchange", account: Account, request: OrderRequest) -> Order:
    """
    Accept an order or refuse it; an accepted one is matched before this returns.

    Raises
    ------
    VenueError
        With the venue's code; nothing has changed then.

    """
    spec = ex.spec(request.symbol)
    price = _price(ex, spec, request)
    order = _build(ex, account, request, price)
    _check_account(account, spec, order)
    _check_filters(ex, spec, order)
    _check_good_till(ex, order)
    if any(o.client_order_id == order.client_order_id for o in account.open_orders.values()):
        raise refusal(-4116)
    if len(account.open_orders_of(spec.symbol)) >= spec.max_num_orders:
        raise refusal(-2025)
    accept(ex, account, spec, order)
    return order


def place_child(
    ex: "Exchange",
    account: Account,
    request: OrderRequest,
    algo: AlgoOrder,
    on_accepted: Callable[[Order], None],
) -> Order:
    """
    Forward a triggered conditional order to the matching engine.

    Its filters were checked when it was placed. ``on_accepted`` is called between acceptance
    and the first event about the order.
    """
    spec = ex.spec(request.symbol)
    order = _build(ex, account, request, _price(ex, spec, request))
    order.algo_id = algo.algo_id
    order.stop_price = algo.request.trigger_price or ZERO
    order.working_type = algo.request.working_type
    order.is_close_position = algo.request.is_close_position
    order.is_price_protected = algo.request.is_price_protected
    order.orig_type = algo.request.type
    _check_account(account, spec, order)
    accept(ex, account, spec, order, on_accepted)
    return order


def accept(
    ex: "Exchange",
    account: Account,
    spec: SymbolSpec,
    order: Order,
    on_accepted: Callable[[Order], None] | None = None,
) -> None:
    """Make the checks that depend on positions and the book, then open and match the order."""
    if order.is_reducing:
        reducing.admit(ex, account, order)
    if order.type == "MARKET":
        best, mark = matching.best_against(ex, order), ex.book(spec.symbol).mark_price
        filters.check_market_best(spec, order.side, best, mark)
    matching.check_time_in_force(ex, order)
    margin.check_entry(ex, account, spec, order)
    account.orders[order.order_id] = order
    account.open_orders[order.order_id] = order
    if on_accepted is not None:
        on_accepted(order)
    ex.tell_order(order, "NEW")
    if order.good_till_ms:
        ex.schedule(order.good_till_ms, lambda: _expire(ex, order))
    if order.is_reducing and order.type == "LIMIT":
        reducing.review(ex, account, order.symbol, order.position_side)
    matching.take(ex, order)


def _expire(ex: "Exchange", order: Order) -> None:
    if order.is_open:
        ex.end_order(order, "EXPIRED")


def _price(ex: "Exchange", spec: SymbolSpec, request: OrderRequest) -> Decimal:
    """Return the limit price (zero for MARKET), taken from the book with priceMatch."""
    if request.price_match == "NONE":
        return request.price or ZERO
    if request.type != "LIMIT":
        raise refusal(-5038)
    return matched_price(ex, spec.symbol, request.side, request.price_match)


def matched_price(ex: "Exchange", symbol: str, side: str, price_match: str) -> Decimal:
    """Return the book's price that priceMatch names, or refuse (-5037, -5041)."""
    if price_match not in PRICE_MATCHES:
        raise refusal(-5037)
    is_opponent, level = PRICE_MATCHES[price_match]
    other = "SELL" if side == "BUY" else "BUY"
    levels = ex.book(symbol).levels_against(side if is_opponent else other)
    if len(levels) < level:
        raise refusal(-5041)
    return levels[level - 1][0]


def _build(ex: "Exchange", account: Account, request: OrderRequest, price: Decimal) -> Order:
    return Order(
        account=account.name,
        symbol=request.symbol,
        order_id=ex.ids.next_order(),
        client_order_id=request.client_order_id or ex.ids.client_id(),
        side=request.side,
        position_side=request.position_side,
        type=request.type,
        orig_type=request.type,
        time_in_force=request.time_in_force,
        qty=request.qty,
        price=price,
        is_reduce_only=request.is_reduce_only,
        stp_mode=request.stp_mode,
        price_match=request.price_match,
        good_till_ms=request.good_till_ms // 1000 * 1000,
        time_ms=ex.now_ms,
        update_ms=ex.now_ms,
        sequence=ex.next_sequence(),
    )


def _check_account(account: Account, spec: SymbolSpec, order: Order) -> None:
    account.check_may_trade(is_reducing=order.is_reducing)
    account.check_position_side(order.position_side)
    if account.is_dual_side and order.is_reduce_only:
        raise refusal(-1106, "reduceonly")
    filters.check_status(spec, is_reducing=order.is_reducing)
    filters.check_risk_control(spec, order.side, is_reducing=order.is_reducing)


def _check_filters(ex: "Exchange", spec: SymbolSpec, order: Order) -> None:
    mark = ex.book(spec.symbol).mark_price
    is_market = order.type == "MARKET"
    filters.check_qty(spec, order.qty, is_market=is_market)
    if not is_market:
        filters.check_price(spec, order.price)
        filters.check_percent_price(spec, order.side, order.price, mark)
    if not order.is_reducing:
        filters.check_notional(spec, order.qty, mark if is_market else order.price)


def _check_good_till(ex: "Exchange", order: Order) -> None:
    """Refuse a GTD time that is not later than now + 600 s, or too late (-5040)."""
    if order.time_in_force != "GTD":
        return
    if not ex.now_ms + GTD_LEAD_MS < order.good_till_ms < GTD_MAX_MS:
        raise refusal(-5040)
