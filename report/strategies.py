"""What each strategy of a run did, so that one that never traded is seen at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from report.tables import Rows

_TABLES = ("orders", "fills", "positions", "denials")


def by_strategy(strategy_ids: Iterable[str], rows: Mapping[str, Rows]) -> list[dict[str, Any]]:
    """
    Count what each strategy sent and what came of it.

    Parameters
    ----------
    strategy_ids : Iterable[str]
        The strategies that ran; each gets an entry, whether it did anything or not.
    rows : Mapping[str, Rows]
        The rows of the orders, fills, positions and denials tables; a strategy that only they
        name (one outside this run) comes last.

    Returns
    -------
    list[dict[str, Any]]
        JSON-ready: ``strategy_id``, ``instrument_ids`` (of its orders), ``orders``, ``fills``,
        ``trades`` (closed positions), ``net_pnl_usdt`` (realized, after fees and funding) and
        ``denials`` (denied requests: an entry and its stop are one).

    """
    counts = {name: Counter(row["strategy_id"] for row in rows[name]) for name in _TABLES}
    seen = sorted({row["strategy_id"] for name in _TABLES for row in rows[name]} - {None})
    return [
        {
            "strategy_id": strategy_id,
            "instrument_ids": _instruments(strategy_id, rows["orders"]),
            "orders": counts["orders"][strategy_id],
            "fills": counts["fills"][strategy_id],
            **_trades([row for row in rows["positions"] if row["strategy_id"] == strategy_id]),
            "denials": counts["denials"][strategy_id],
        }
        for strategy_id in dict.fromkeys([*strategy_ids, *seen])
    ]


def sent_nothing(strategy: Mapping[str, Any]) -> bool:
    """Tell whether a strategy of `by_strategy` neither sent an order nor was denied anything."""
    return not (strategy["orders"] or strategy["fills"] or strategy["denials"])


def _instruments(strategy_id: str, orders: Rows) -> list[str]:
    return sorted({row["instrument_id"] for row in orders if row["strategy_id"] == strategy_id})


def _trades(positions: Rows) -> dict[str, Any]:
    return {
        "trades": sum(row["ts_closed"] is not None for row in positions),
        "net_pnl_usdt": float(sum(row["net_pnl_usdt"] for row in positions)),
    }
