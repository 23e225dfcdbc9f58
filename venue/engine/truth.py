"""What the venue really holds, for logs and checkers."""

from typing import TYPE_CHECKING, Any

from venue.engine import margin
from venue.engine.accounts import Account, Position
from venue.engine.numbers import plain
from venue.engine.orders import AlgoOrder, Order

if TYPE_CHECKING:
    from venue.engine.exchange import Exchange


def of(ex: "Exchange", account: Account) -> dict[str, Any]:
    """
    Return an account's wallets, positions and open orders as JSON-able values.

    Returns
    -------
    dict
        ``ts`` (ms), ``wallets`` (asset to total wallet balance), ``margin_balance_usdt``,
        ``available_usdt``, ``positions`` (symbol, side, signed amt, entry, mark, unrealized,
        isolated wallet, leverage, margin type), ``open_orders`` and ``open_algos``.

    """
    totals = margin.totals(ex, account)
    return {
        "ts": ex.now_ms,
        "wallets": {a: plain(account.wallet_balance(a)) for a in sorted(account.cross_wallet)},
        "margin_balance_usdt": plain(totals.margin_balance),
        "available_usdt": plain(totals.available),
        "maint_margin_usdt": plain(totals.maint),
        "positions": [_position(ex, account, p) for p in account.open_positions()],
        "open_orders": [_order(o) for o in account.open_orders.values()],
        "open_algos": [_algo(a) for a in account.open_algos.values()],
    }


def _position(ex: "Exchange", account: Account, p: Position) -> dict[str, Any]:
    return {
        "symbol": p.symbol,
        "side": p.side,
        "amt": plain(p.amt),
        "entry_price": plain(p.entry_price),
        "mark_price": plain(margin.mark_of(ex, p.symbol)),
        "unrealized_usdt": plain(margin.unrealized(ex, p)),
        "isolated_wallet_usdt": plain(p.isolated_wallet),
        "leverage": account.setting(p.symbol).leverage,
        "margin_type": account.setting(p.symbol).margin_type,
    }


def _order(o: Order) -> dict[str, Any]:
    return {
        "order_id": o.order_id,
        "client_order_id": o.client_order_id,
        "symbol": o.symbol,
        "side": o.side,
        "position_side": o.position_side,
        "type": o.type,
        "time_in_force": o.time_in_force,
        "qty": plain(o.qty),
        "executed_qty": plain(o.executed),
        "price": plain(o.price),
        "reduce_only": o.is_reduce_only,
        "status": o.status,
    }


def _algo(a: AlgoOrder) -> dict[str, Any]:
    return {
        "algo_id": a.algo_id,
        "client_algo_id": a.client_algo_id,
        "order_id": a.order_id,
        "symbol": a.symbol,
        "side": a.request.side,
        "position_side": a.request.position_side,
        "type": a.request.type,
        "qty": plain(a.request.qty),
        "trigger_price": None
        if a.request.trigger_price is None
        else plain(a.request.trigger_price),
        "working_type": a.request.working_type,
        "reduce_only": a.request.is_reduce_only,
        "close_position": a.request.is_close_position,
        "status": a.status,
    }
