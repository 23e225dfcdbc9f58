"""How far fills were from the price that was asked for: what a backtest can only assume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from report.tables import Rows


def slippage(
    rows: Mapping[str, Rows], decision_px: Mapping[str, float | None]
) -> list[dict[str, Any]]:
    """
    Compare every fill with the price that its order stood for.

    That is the trigger of a stop, the limit of a limit order, and for a market order the newest
    price when it was made. Slippage is ``(price - asked) * side / asked``, in basis points and in
    USDT: plus is worse than asked, minus better.

    Parameters
    ----------
    rows : Mapping[str, Rows]
        The rows of the orders and fills tables.
    decision_px : Mapping[str, float | None]
        The newest price when each order was made, by client order id.

    Returns
    -------
    list[dict[str, Any]]
        One a type of order, by name: ``order_type``, ``fills``, ``mean_bps`` (weighted by value),
        ``worst_bps``, ``cost_usdt`` and ``unknown`` (fills without a price to compare with).

    """
    orders = {order["client_order_id"]: order for order in rows["orders"]}
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    unknown: dict[str, int] = defaultdict(int)
    for fill in rows["fills"]:
        order = orders[fill["client_order_id"]]
        asked = _asked(order, decision_px)
        groups[order["order_type"]] += []
        if asked is None:
            unknown[order["order_type"]] += 1
            continue
        side = 1 if fill["side"] == "BUY" else -1
        qty, price = float(fill["last_qty"]), float(fill["last_px"])
        groups[order["order_type"]].append(((price - asked) * side * qty, asked * qty))
    return [_row(name, groups[name], unknown[name]) for name in sorted(groups)]


def _asked(order: Mapping[str, Any], decision_px: Mapping[str, float | None]) -> float | None:
    for name in ("trigger_price", "price"):
        if order[name] is not None:
            return float(order[name])
    return decision_px.get(order["client_order_id"]) or None  # an empty book is told as price 0


def _row(order_type: str, fills: list[tuple[float, float]], unknown: int) -> dict[str, Any]:
    cost, value = sum(c for c, _ in fills), sum(v for _, v in fills)
    return {
        "order_type": order_type,
        "fills": len(fills) + unknown,
        "mean_bps": cost / value * 10_000 if value else None,
        "worst_bps": max((c / v * 10_000 for c, v in fills), default=None),
        "cost_usdt": cost,
        "unknown": unknown,
    }
