"""Orders, algo orders and positions as REST answers show them."""

from decimal import Decimal
from typing import Any

from venue.engine import adl, margin
from venue.engine.accounts import Account, Position
from venue.engine.exchange import Exchange
from venue.engine.liquidation_price import liquidation_price
from venue.engine.numbers import ZERO, plain
from venue.engine.orders import AlgoOrder, Order
from venue.engine.symbols import SymbolSpec


def order_answer(order: Order, spec: SymbolSpec) -> dict[str, Any]:
    """Return the answer to placing, amending or canceling (no avgPrice, no cumQuote)."""
    return {
        "clientOrderId": order.client_order_id,
        "cumQty": spec.qty_text(order.executed) if order.executed else "0",
        "executedQty": spec.qty_text(order.executed) if order.executed else "0",
        "orderId": order.order_id,
        "origQty": spec.qty_text(order.qty),
        "price": spec.price_text(order.price),
        "reduceOnly": order.is_reduce_only,
        "side": order.side,
        "positionSide": order.position_side,
        "status": order.status,
        "stopPrice": spec.price_text(order.stop_price),
        "closePosition": order.is_close_position,
        "symbol": order.symbol,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "origType": order.orig_type,
        "updateTime": order.update_ms,
        "workingType": order.working_type,
        "priceProtect": order.is_price_protected,
        "priceMatch": order.price_match,
        "selfTradePreventionMode": order.stp_mode,
        "goodTillDate": order.good_till_ms,
    }


def acknowledged(order: Order, spec: SymbolSpec) -> dict[str, Any]:
    """Return the ACK answer: the order as it was accepted, whatever the book did to it since."""
    return order_answer(order, spec) | {
        "cumQty": "0",
        "executedQty": "0",
        "status": "NEW",
        "updateTime": order.time_ms,
    }


def order_row(order: Order, spec: SymbolSpec) -> dict[str, Any]:
    """Return an order as queries and lists show it."""
    row = order_answer(order, spec)
    del row["cumQty"]
    return row | {
        "avgPrice": spec.price_text(order.avg_price),
        "cumQuote": plain(order.cum_quote),
        "time": order.time_ms,
    }


def algo_answer(algo: AlgoOrder, spec: SymbolSpec) -> dict[str, Any]:
    """Return the answer to placing a conditional order."""
    request = algo.request
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": request.type,
        "symbol": request.symbol,
        "side": request.side,
        "positionSide": request.position_side,
        "timeInForce": request.time_in_force,
        "quantity": spec.qty_text(request.qty),
        "algoStatus": algo.status,
        "triggerPrice": spec.price_text(request.trigger_price or ZERO),
        "price": spec.price_text(request.price or ZERO),
        "icebergQuantity": None,
        "selfTradePreventionMode": request.stp_mode,
        "workingType": request.working_type,
        "priceMatch": request.price_match,
        "closePosition": request.is_close_position,
        "priceProtect": request.is_price_protected,
        "reduceOnly": request.is_reduce_only,
        "activatePrice": _price(request.activate_price, spec),
        "callbackRate": None if request.callback_rate is None else plain(request.callback_rate),
        "createTime": algo.time_ms,
        "updateTime": algo.update_ms,
        "triggerTime": algo.trigger_ms,
        "goodTillDate": request.good_till_ms,
    }


def algo_row(algo: AlgoOrder, spec: SymbolSpec) -> dict[str, Any]:
    """Return a conditional order as queries show it."""
    is_triggered = algo.order_id is not None
    return algo_answer(algo, spec) | {
        "actualOrderId": str(algo.order_id) if is_triggered else "",
        "actualPrice": spec.price_text(algo.avg_price),
        "actualType": algo.actual_type if is_triggered else "",
        "actualQty": spec.qty_text(algo.executed),
        "tpOrderType": "",
    }


def algo_list_row(algo: AlgoOrder, spec: SymbolSpec) -> dict[str, Any]:
    """Return a conditional order as lists show it."""
    legs = {"tpTriggerPrice": None, "tpPrice": None, "slTriggerPrice": None, "slPrice": None}
    return algo_row(algo, spec) | legs


def position_row(ex: Exchange, account: Account, position: Position) -> dict[str, Any]:
    """Return a position as v3 positionRisk shows it."""
    spec, mark = ex.spec(position.symbol), margin.mark_of(ex, position.symbol)
    notional = margin.position_notional(ex, position)
    bids, asks = margin.open_notionals(account, position.symbol, position.side)
    initial = margin.initial_margin(ex, account, position)
    leverage = account.setting(position.symbol).leverage
    orders = (margin.worst_notional(notional, bids, asks) - abs(notional)) / leverage
    pnl = margin.unrealized(ex, position)
    is_isolated = account.is_isolated(position.symbol)
    isolated_margin = position.isolated_wallet + pnl if is_isolated else ZERO
    return {
        "symbol": position.symbol,
        "positionSide": position.side,
        "positionAmt": spec.qty_text(position.amt),
        "entryPrice": plain(position.entry_price),
        "breakEvenPrice": plain(position.break_even_price),
        "markPrice": f"{mark:.8f}",
        "unRealizedProfit": f"{pnl:.8f}",
        "liquidationPrice": plain(liquidation_price(ex, account, position)),
        "isolatedMargin": plain(isolated_margin),
        "notional": plain(notional),
        "marginAsset": spec.margin_asset,
        "isolatedWallet": plain(position.isolated_wallet),
        "initialMargin": plain(initial + orders),
        "maintMargin": plain(margin.maint_margin(ex, position)),
        "positionInitialMargin": plain(initial),
        "openOrderInitialMargin": plain(orders),
        "adl": adl.quantile(ex, position),
        "bidNotional": plain(bids),
        "askNotional": plain(asks),
        "updateTime": position.update_ms,
    }


def _price(price: Decimal | None, spec: SymbolSpec) -> str | None:
    return None if price is None else spec.price_text(price)
