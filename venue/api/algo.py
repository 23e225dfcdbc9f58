"""Conditional orders: place, cancel, query."""

from decimal import Decimal
from typing import Any

from venue.api import rows
from venue.api.params import Params
from venue.api.trade import (
    DAY_MS,
    ENDED_UNFILLED_DAYS,
    HISTORY_DAYS,
    POSITION_SIDES,
    SIDES,
    STP_MODES,
    is_within,
    paged,
)
from venue.engine import algo as algos
from venue.engine.accounts import Account
from venue.engine.errors import refusal
from venue.engine.exchange import Exchange
from venue.engine.numbers import ZERO
from venue.engine.orders import ALGO_TYPES, AlgoOrder, AlgoRequest

TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTE_GTC")
LIMIT_TYPES = ("STOP", "TAKE_PROFIT")
CLOSING_TYPES = ("STOP_MARKET", "TAKE_PROFIT_MARKET")
CALLBACK_MIN, CALLBACK_MAX = Decimal("0.1"), Decimal(10)


def place(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    request = algo_request(ex, params)
    algo = algos.place(ex, account, request)
    return rows.algo_answer(algo, ex.spec(algo.symbol))


def algo_request(ex: Exchange, params: Params) -> AlgoRequest:
    """Return the conditional order that a client asks for."""
    params.choice("algoType", ("CONDITIONAL",), -1130)
    symbol = ex.spec(params.require("symbol")).symbol
    kind = params.choice("type", ALGO_TYPES, -1116)
    is_closing = params.flag("closePosition")
    _check_close_position(params, kind, is_closing=is_closing)
    is_trailing = kind == "TRAILING_STOP_MARKET"
    price_match = params.text("priceMatch", "NONE")
    if price_match != "NONE" and kind not in LIMIT_TYPES:
        raise refusal(-5038)
    return AlgoRequest(
        symbol=symbol,
        side=params.choice("side", SIDES, -1117),
        type=kind,
        qty=ZERO if is_closing else params.require_decimal("quantity"),
        trigger_price=None if is_trailing else params.require_decimal("triggerPrice"),
        price=_limit_price(params, kind, price_match),
        position_side=params.choice("positionSide", POSITION_SIDES, -4060, "BOTH"),
        time_in_force=params.choice("timeInForce", TIMES_IN_FORCE, -1115, "GTC"),
        working_type=params.choice(
            "workingType", ("MARK_PRICE", "CONTRACT_PRICE"), -1130, "CONTRACT_PRICE"
        ),
        is_reduce_only=params.flag("reduceOnly", code=-4062),
        is_close_position=is_closing,
        is_price_protected=params.flag("priceProtect"),
        activate_price=params.decimal("activatePrice") if is_trailing else None,
        callback_rate=_callback_rate(params) if is_trailing else None,
        client_algo_id=params.client_id("clientAlgoId"),
        stp_mode=params.choice("selfTradePreventionMode", (*STP_MODES, "NONE"), -5039, "NONE"),
        price_match=price_match,
        good_till_ms=params.integer("goodTillDate") or 0,
    )


def _check_close_position(params: Params, kind: str, *, is_closing: bool) -> None:
    """Refuse closePosition with another type (-4136), a quantity (-4137) or reduceOnly (-1106)."""
    if not is_closing:
        return
    if kind not in CLOSING_TYPES:
        raise refusal(-4136, kind, "true")
    if params.decimal("quantity"):
        raise refusal(-4137)
    if "reduceOnly" in params:
        raise refusal(-1106, "reduceonly")


def _limit_price(params: Params, kind: str, price_match: str) -> Decimal | None:
    if kind not in LIMIT_TYPES:
        if "price" in params and params.decimal("price"):
            raise refusal(-1106, "price")
        return None
    if price_match != "NONE":
        if "price" in params:
            raise refusal(-1106, "price")
        return None
    return params.require_decimal("price")


def _callback_rate(params: Params) -> Decimal:
    rate = params.require_decimal("callbackRate")
    if not CALLBACK_MIN <= rate <= CALLBACK_MAX:
        raise refusal(-1130, "callbackRate")
    return rate


def cancel(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    algo = _find(account, params)
    if algo is None or not algo.is_open:
        raise refusal(-2011)
    algos.cancel(ex, algo)
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "code": "200",
        "msg": "success",
    }


def cancel_all(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    symbol = ex.spec(params.require("symbol")).symbol
    for algo in account.open_algos_of(symbol):
        if algo.is_untriggered:
            algos.cancel(ex, algo)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def query(ex: Exchange, account: Account, params: Params) -> dict[str, Any]:
    algo = _find(account, params)
    if algo is None or not _is_findable(ex, algo):
        raise refusal(-2013)
    return rows.algo_row(algo, ex.spec(algo.symbol))


def open_algos(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    """Return what waits for its trigger; a triggered one is an ordinary order from then on."""
    symbol = ex.spec(params.text("symbol")).symbol if "symbol" in params else None
    algo_id = params.integer("algoId")
    return [
        rows.algo_list_row(a, ex.spec(a.symbol))
        for a in account.open_algos_of(symbol)
        if a.status in ("NEW", "TRIGGERING") and algo_id in (None, a.algo_id)
    ]


def all_algos(ex: Exchange, account: Account, params: Params) -> list[dict[str, Any]]:
    symbol = ex.spec(params.require("symbol")).symbol
    from_id = params.integer("algoId") or 0
    found = [
        a
        for a in account.algos.values()
        if a.symbol == symbol
        and a.algo_id >= from_id
        and _is_findable(ex, a)
        and is_within(params, a.time_ms)
    ]
    page = paged(found, params, 500, 1000, is_forward="algoId" in params)
    return [rows.algo_list_row(a, ex.spec(symbol)) for a in page]


def _find(account: Account, params: Params) -> AlgoOrder | None:
    algo_id, client_id = params.integer("algoId"), params.text("clientAlgoId")
    if algo_id is None and not client_id:
        raise refusal(-1102, "algoId")
    return algos.find(account, algo_id, client_id)


def _is_findable(ex: Exchange, algo: AlgoOrder) -> bool:
    if algo.is_open:
        return True
    days = HISTORY_DAYS if algo.executed else ENDED_UNFILLED_DAYS
    return ex.now_ms - algo.time_ms <= days * DAY_MS
