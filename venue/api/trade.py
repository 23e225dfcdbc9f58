"""Orders: place, amend, cancel, query."""

from collections.abc import Callable
from typing import Any

import msgspec

from venue.api import rows
from venue.api.params import Params
from venue.engine import amending, countdown, placing
from venue.engine.accounts import Account
from venue.engine.errors import VenueError, refusal
from venue.engine.exchange import Exchange
from venue.engine.numbers import plain
from venue.engine.orders import ALGO_TYPES, Order, OrderRequest

SIDES = ("BUY", "SELL")
POSITION_SIDES = ("BOTH", "LONG", "SHORT")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTD")
STP_MODES = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
BATCH_ORDERS_MAX, BATCH_CANCELS_MAX = 5, 10
DAY_MS = 86_400_000
ENDED_UNFILLED_DAYS, HISTORY_DAYS, TRADE_DAYS = 3, 90, 7


def place(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    request, wants_result = order_request(ex, params)
    order = placing.place(ex, account, request)
    spec = ex.spec(order.symbol)
    return rows.order_answer(order, spec) if wants_result else rows.acknowledged(order, spec)


def order_request(ex: Exchange, params: Params) -> tuple[OrderRequest, bool]:
    """Return what a client asks for, and whether it wants the RESULT of a final order."""
    symbol = ex.spec(params.require("symbol")).symbol
    side = params.choice("side", SIDES, -1117)
    kind = params.require("type")
    if kind in ALGO_TYPES:
        raise refusal(-4120)
    if kind not in ("LIMIT", "MARKET"):
        raise refusal(-1116)
    is_limit = kind == "LIMIT"
    time_in_force = params.choice("timeInForce", TIMES_IN_FORCE, -1115) if is_limit else "GTC"
    if not is_limit and "price" in params:
        raise refusal(-1106, "price")
    price_match = params.text("priceMatch", "NONE")
    if price_match != "NONE" and "price" in params:
        raise refusal(-1106, "price")
    needs_price = is_limit and price_match == "NONE"
    wants_result = params.choice("newOrderRespType", ("ACK", "RESULT"), -1136, "ACK") == "RESULT"
    request = OrderRequest(
        symbol=symbol,
        side=side,
        type=kind,
        qty=params.require_decimal("quantity"),
        price=params.require_decimal("price") if needs_price else None,
        position_side=params.choice("positionSide", POSITION_SIDES, -4060, "BOTH"),
        time_in_force=time_in_force,
        is_reduce_only=params.flag("reduceOnly", code=-4062),
        client_order_id=params.client_id("newClientOrderId"),
        stp_mode=params.choice("selfTradePreventionMode", STP_MODES, -5039, "EXPIRE_MAKER"),
        price_match=price_match,
        good_till_ms=_good_till(params, time_in_force),
    )
    is_final = not is_limit or time_in_force in ("IOC", "FOK")
    return request, wants_result and is_final


def _good_till(params: Params, time_in_force: str) -> int:
    if time_in_force != "GTD":
        return 0
    params.require("goodTillDate")
    return params.integer("goodTillDate") or 0


def test_order(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    """Check an order's parameters; nothing is sent to the matching engine."""
    order_request(ex, params)
    account.check_position_side(params.text("positionSide", "BOTH"))
    return {}


def amend(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    spec = ex.spec(params.require("symbol"))
    order = _open_order(account, params, -2013)
    price_match = params.text("priceMatch", "NONE")
    is_matched = price_match != "NONE"
    if is_matched and "price" in params:
        raise refusal(-1106, "price")
    amending.amend(
        ex,
        account,
        order,
        side=params.choice("side", SIDES, -1117),
        qty=params.require_decimal("quantity"),
        price=None if is_matched else params.require_decimal("price"),
        price_match=price_match,
        modify_id=params.text("modifyId") or None,
    )
    answer = rows.order_answer(order, spec)
    return answer | {"modifyId": params.text("modifyId")} if "modifyId" in params else answer


def cancel(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    spec = ex.spec(params.require("symbol"))
    order = _open_order(account, params, -2011)
    ex.end_order(order, "CANCELED")
    return rows.order_answer(order, spec)


def cancel_all(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    symbol = ex.spec(params.require("symbol")).symbol
    for order in account.open_orders_of(symbol):
        ex.end_order(order, "CANCELED")
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def place_batch(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    return _each(ex, account, params, place)


def amend_batch(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    return _each(ex, account, params, amend)


def _each(
    ex: Exchange,
    account: Account,
    params: Params,
    act: Callable[[Exchange, Account, Params], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Act on each element of batchOrders; a refused one does not hinder the others."""
    elements = _list(params, "batchOrders", dict)
    if not 1 <= len(elements) <= BATCH_ORDERS_MAX:
        raise refusal(-4082)
    answers = []
    for element in elements:
        texts = {key: _text(value) for key, value in element.items()}
        answers.append(_attempt(lambda t=texts: act(ex, account, Params(t))))
    return answers


def cancel_batch(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = params.require("symbol")
    ex.spec(symbol)
    ids = {
        "orderId": _list(params, "orderIdList", int) if "orderIdList" in params else [],
        "origClientOrderId": _list(params, "origClientOrderIdList", str)
        if "origClientOrderIdList" in params
        else [],
    }
    key = "orderId" if ids["orderId"] else "origClientOrderId"
    if not 1 <= len(ids[key]) <= BATCH_CANCELS_MAX:
        raise refusal(-4082)
    return [
        _attempt(lambda i=i: cancel(ex, account, Params({"symbol": symbol, key: str(i)})))
        for i in ids[key]
    ]


def _attempt(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return act()
    except VenueError as e:
        return {"code": e.code, "msg": e.msg}


def _list(params: Params, key: str, kind: type) -> list[Any]:
    try:
        return msgspec.json.decode(params.require(key), type=list[kind])
    except msgspec.MsgspecError as e:
        raise refusal(-1130, key) from e


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def count_down(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    symbol = ex.spec(params.require("symbol")).symbol
    params.require("countdownTime")
    countdown_ms = params.integer("countdownTime") or 0
    countdown.arm(ex, account, symbol, countdown_ms)
    return {"symbol": symbol, "countdownTime": str(countdown_ms)}


# Queries


def query(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    spec = ex.spec(params.require("symbol"))
    order = _find(account, params)
    if order is None or not _is_findable(ex, order):
        raise refusal(-2013)
    return rows.order_row(order, spec)


def query_open(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    spec = ex.spec(params.require("symbol"))
    return rows.order_row(_open_order(account, params, -2013), spec)


def open_orders(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = ex.spec(params.text("symbol")).symbol if "symbol" in params else None
    return [rows.order_row(o, ex.spec(o.symbol)) for o in account.open_orders_of(symbol)]


def all_orders(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = ex.spec(params.text("symbol")).symbol if "symbol" in params else None
    found = [
        o
        for o in account.orders.values()
        if (symbol is None or o.symbol == symbol)
        and _is_findable(ex, o)
        and o.order_id >= (params.integer("orderId") or 0)
        and is_within(params, o.time_ms)
    ]
    page = paged(found, params, 500, 1000, is_forward="orderId" in params)
    return [rows.order_row(o, ex.spec(o.symbol)) | {"pair": o.symbol} for o in page]


def user_trades(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = ex.spec(params.require("symbol")).symbol
    order_id, from_id = params.integer("orderId"), params.integer("fromId")
    found = [
        t
        for t in account.trades
        if t["symbol"] == symbol
        and (order_id is None or t["orderId"] == order_id)
        and (from_id is None or t["id"] >= from_id)
        and is_within(params, t["time"])
    ]
    return [
        _trade_row(ex, t) for t in paged(found, params, 500, 1000, is_forward=from_id is not None)
    ]


def _trade_row(ex: Exchange, trade: dict[str, Any]) -> dict[str, Any]:
    spec = ex.spec(trade["symbol"])
    return trade | {
        "price": spec.price_text(trade["price"]),
        "qty": spec.qty_text(trade["qty"]),
        "quoteQty": plain(trade["price"] * trade["qty"]),
        "baseQty": spec.qty_text(trade["qty"]),
        "marginAsset": spec.margin_asset,
        "realizedPnl": f"{trade['realizedPnl']:.8f}",
        "commission": f"{trade['commission']:.8f}",
        "pair": spec.symbol,
    }


def amendments(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    spec = ex.spec(params.require("symbol"))
    order = _find(account, params)
    if order is None:
        raise refusal(-2013)
    found = [a for a in order.amendments if is_within(params, a.time_ms)]
    return [
        {
            "amendmentId": a.amendment_id,
            "symbol": order.symbol,
            "pair": order.symbol,
            "orderId": order.order_id,
            "clientOrderId": order.client_order_id,
            "time": a.time_ms,
            "amendment": {
                "price": {
                    "before": spec.price_text(a.price_before),
                    "after": spec.price_text(a.price_after),
                },
                "origQty": {
                    "before": spec.qty_text(a.qty_before),
                    "after": spec.qty_text(a.qty_after),
                },
                "count": a.count,
            },
            "priceMatch": order.price_match,
        }
        for a in paged(found, params, 50, 100)
    ]


def is_within(params: Params, time_ms: int) -> bool:
    """Return whether a time lies between startTime and endTime, where given."""
    start_ms, end_ms = params.integer("startTime"), params.integer("endTime")
    return (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)


def paged[T](
    found: list[T], params: Params, default: int, most: int, *, is_forward: bool = False
) -> list[T]:
    """Return the latest rows up to the limit, oldest first; the first ones when paging forward."""
    limit = params.limit(default, most)
    is_forward = is_forward or ("startTime" in params and "endTime" not in params)
    return found[:limit] if is_forward else found[-limit:]


def _find(account: Account, params: Params) -> Order | None:
    """Return the order named by orderId, or the latest of that client order id."""
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    symbol = params.text("symbol")
    if order_id is None and not client_id:
        raise refusal(-1102, "orderId")
    if order_id is not None:
        order = account.orders.get(order_id)
        return order if order is not None and order.symbol == symbol else None
    for order in reversed(account.orders.values()):
        if order.client_order_id == client_id and order.symbol == symbol:
            return order
    return None


def _open_order(account: Account, params: Params, code: int) -> Order:
    order = _find(account, params)
    if order is None or not order.is_open:
        raise refusal(code)
    return order


def _is_findable(ex: Exchange, order: Order) -> bool:
    """Return whether the venue still shows an order: ended without a fill 3 days, others 90."""
    if order.is_open:
        return True
    days = HISTORY_DAYS if order.executed else ENDED_UNFILLED_DAYS
    return ex.now_ms - order.time_ms <= days * DAY_MS
