"""User data events, field for field as the venue documents them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from venue.engine.accounts import Account, Position
from venue.engine.numbers import ZERO, plain
from venue.engine.orders import AlgoOrder, Order
from venue.engine.symbols import SymbolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of an order."""

    trade_id: int
    qty: Decimal
    price: Decimal
    is_maker: bool
    fee: Decimal
    fee_asset: str
    realized: Decimal


def order_trade_update(
    order: Order,
    spec: SymbolSpec,
    now_ms: int,
    *,
    execution: str,
    fill: Fill | None = None,
    expiry_reason: int = 0,
    notionals: tuple[Decimal, Decimal] = (ZERO, ZERO),
    modify_id: str | None = None,
) -> dict[str, Any]:
    """
    Return an ORDER_TRADE_UPDATE.

    Parameters
    ----------
    execution : str
        ``x``: NEW, TRADE, CALCULATED, CANCELED, EXPIRED or AMENDMENT.
    fill : Fill, optional
        The execution that is told, for TRADE and CALCULATED.
    expiry_reason : int
        ``er``: 0 none to 9 (market remainder cut).
    notionals : tuple of Decimal
        ``b`` and ``a``: notional of the account's open bids and asks of the symbol.
    modify_id : str, optional
        ``M`` of an AMENDMENT, as the client sent it.

    """
    o = _order_fields(order, spec) | {"x": execution, "X": order.status, "i": order.order_id}
    o |= _fill_fields(spec, fill) | {"T": now_ms, "er": str(expiry_reason)}
    o |= {"b": plain(notionals[0]), "a": plain(notionals[1])}
    if modify_id is not None:
        o["M"] = modify_id
    return {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": now_ms, "o": o}


def _order_fields(order: Order, spec: SymbolSpec) -> dict[str, Any]:
    return {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": spec.qty_text(order.qty),
        "p": spec.price_text(order.price) if order.price else "0",
        "ap": spec.price_text(order.avg_price) if order.executed else "0",
        "sp": spec.price_text(order.stop_price) if order.stop_price else "0",
        "z": spec.qty_text(order.executed) if order.executed else "0",
        "R": order.is_reduce_only,
        "wt": order.working_type,
        "ot": order.orig_type,
        "ps": order.position_side,
        "cp": order.is_close_position,
        "pP": order.is_price_protected,
        "si": 0,
        "ss": 0,
        "V": order.stp_mode,
        "pm": order.price_match,
        "gtd": order.good_till_ms,
    }


def _fill_fields(spec: SymbolSpec, fill: Fill | None) -> dict[str, Any]:
    """Return what is told of the last execution; without one the fee is left out altogether."""
    if fill is None:
        return {"l": "0", "L": "0", "t": 0, "m": False, "rp": "0"}
    return {
        "l": spec.qty_text(fill.qty),
        "L": spec.price_text(fill.price),
        "N": fill.fee_asset,
        "n": f"{fill.fee:.8f}",
        "t": fill.trade_id,
        "m": fill.is_maker,
        "rp": plain(fill.realized),
    }


def trade_lite(order: Order, spec: SymbolSpec, now_ms: int, fill: Fill) -> dict[str, Any]:
    """Return a TRADE_LITE: the same fill as the TRADE event, in brief."""
    return {
        "e": "TRADE_LITE",
        "E": now_ms,
        "T": now_ms,
        "s": order.symbol,
        "q": spec.qty_text(order.qty),
        "p": spec.price_text(order.price) if order.price else "0",
        "m": fill.is_maker,
        "c": order.client_order_id,
        "S": order.side,
        "L": spec.price_text(fill.price),
        "l": spec.qty_text(fill.qty),
        "t": fill.trade_id,
        "i": order.order_id,
    }


def balance_entry(account: Account, asset: str, change: Decimal = ZERO) -> dict[str, str]:
    """Return one element of ``B``; ``change`` leaves out profit and fees."""
    return {
        "a": asset,
        "wb": f"{account.wallet_balance(asset):.8f}",
        "cw": f"{account.cross_wallet.get(asset, ZERO):.8f}",
        "bc": plain(change),
    }


def position_entry(account: Account, position: Position, mark: Decimal) -> dict[str, str]:
    """Return one element of ``P``."""
    is_isolated = account.is_isolated(position.symbol)
    return {
        "s": position.symbol,
        "pa": plain(position.amt),
        "ep": plain(position.entry_price),
        "bep": plain(position.break_even_price),
        "cr": plain(position.realized),
        "up": plain(position.unrealized(mark)),
        "mt": "isolated" if is_isolated else "cross",
        "iw": plain(position.isolated_wallet),
        "ps": position.side,
    }


def account_update(
    reason: str,
    now_ms: int,
    *,
    balances: Sequence[dict[str, str]],
    positions: Sequence[dict[str, str]] | None,
    symbol: str | None = None,
) -> dict[str, Any]:
    """
    Return an ACCOUNT_UPDATE.

    ``positions`` None leaves ``P`` out altogether, as a cross FUNDING_FEE does; ``symbol`` is
    sent as ``S`` with FUNDING_FEE only.
    """
    a: dict[str, Any] = {"m": reason}
    if symbol is not None:
        a["S"] = symbol
    a["B"] = list(balances)
    if positions is not None:
        a["P"] = list(positions)
    return {"e": "ACCOUNT_UPDATE", "E": now_ms, "T": now_ms, "a": a}


def algo_update(algo: AlgoOrder, spec: SymbolSpec, now_ms: int) -> dict[str, Any]:
    """Return an ALGO_UPDATE; what concerns the child is absent before the trigger."""
    request = algo.request
    o: dict[str, Any] = {
        "caid": algo.client_algo_id,
        "aid": algo.algo_id,
        "at": "CONDITIONAL",
        "o": request.type,
        "s": request.symbol,
        "S": request.side,
        "ps": request.position_side,
        "f": request.time_in_force,
        "q": spec.qty_text(request.qty),
        "X": algo.status,
        "ai": "" if algo.order_id is None else str(algo.order_id),
    }
    if algo.order_id is not None:
        o["ap"] = spec.price_text(algo.avg_price) if algo.executed else "0"
        o["aq"] = spec.qty_text(algo.executed) if algo.executed else "0"
        o["act"] = algo.actual_type
    o |= {
        "tp": "0" if request.trigger_price is None else spec.price_text(request.trigger_price),
        "p": "0" if request.price is None else spec.price_text(request.price),
        "V": request.stp_mode,
        "wt": request.working_type,
        "pm": request.price_match,
        "cp": request.is_close_position,
        "pP": request.is_price_protected,
        "R": request.is_reduce_only,
        "tt": algo.trigger_ms,
        "gtd": request.good_till_ms,
        "rm": algo.reject_reason,
    }
    if request.type == "TRAILING_STOP_MARKET":
        o["ia"] = algo.is_activated
    return {"e": "ALGO_UPDATE", "T": now_ms, "E": now_ms, "o": o}


def margin_call(
    now_ms: int, positions: Sequence[dict[str, str]], cross_wallet: Decimal | None
) -> dict[str, Any]:
    """Return a MARGIN_CALL; ``cross_wallet`` only for cross positions."""
    event: dict[str, Any] = {"e": "MARGIN_CALL", "E": now_ms}
    if cross_wallet is not None:
        event["cw"] = plain(cross_wallet)
    event["p"] = list(positions)
    return event


def leverage_update(symbol: str, leverage: int, now_ms: int) -> dict[str, Any]:
    """Return the ACCOUNT_CONFIG_UPDATE of a leverage change."""
    change = {"s": symbol, "l": leverage}
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "T": now_ms, "ac": change}


def multi_assets_update(now_ms: int, *, is_on: bool) -> dict[str, Any]:
    """Return the ACCOUNT_CONFIG_UPDATE of the multi-assets mode."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "T": now_ms, "ai": {"j": is_on}}
