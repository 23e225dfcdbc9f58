"""The figures of a run: what came of it, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from report.cycles import Cycle
from report.returns import (
    as_dict,
    daily_returns,
    max_drawdown,
    monthly_returns,
    sharpe_ratio,
    sortino_ratio,
)
from report.tables import Rows

RATIO_DAYS_MIN = 20
"""Below so many daily returns a Sharpe or Sortino ratio is noise and is not shown."""


def statistics(
    rows: Mapping[str, Rows], cycles: Sequence[Cycle], starting_balance: float
) -> dict[str, Any]:
    """
    Compute our own statistics of a run; `docs/report.md` gives each formula.

    Parameters
    ----------
    rows : Mapping[str, Rows]
        The rows of the equity, fills, orders and funding tables.
    cycles : Sequence[Cycle]
        Every position cycle.
    starting_balance : float
        Balance before the first order, USDT.

    Returns
    -------
    dict[str, Any]
        JSON-ready, without NaN: a figure that has no value is None.

    """
    ts_event = np.array([row["ts_event"] for row in rows["equity"]], dtype=np.int64)
    equity = np.array([row["equity_usdt"] for row in rows["equity"]], dtype=np.float64)
    daily = daily_returns(ts_event, equity)
    ratios = np.array([value for _, value in daily])
    final = float(equity[-1]) if len(equity) else starting_balance
    span_ns = int(ts_event[-1] - ts_event[0]) if len(ts_event) else 0
    return {
        "starting_balance_usdt": starting_balance,
        "final_equity_usdt": final,
        "net_pnl_usdt": final - starting_balance,
        "unexplained_usdt": _unexplained(rows, cycles, starting_balance),
        "return_ratio": final / starting_balance - 1.0,
        "max_drawdown": as_dict(max_drawdown(ts_event, equity)),
        "sharpe_ratio": sharpe_ratio(ratios),
        "sortino_ratio": sortino_ratio(ratios),
        "daily_returns": daily,
        "monthly_returns": monthly_returns(ts_event, equity),
        "exposure_time_ratio": _open_ns(cycles, ts_event) / span_ns if span_ns else 0.0,
        **_trade_statistics(cycles),
        **_cost_statistics(rows),
    }


def _trade_statistics(cycles: Sequence[Cycle]) -> dict[str, Any]:
    closed = [float(cycle.net_pnl_usdt) for cycle in cycles if cycle.ts_closed is not None]
    wins = [pnl for pnl in closed if pnl > 0]
    losses = [pnl for pnl in closed if pnl < 0]
    return {
        "trades": len(closed),
        "positions_open_at_end": len(cycles) - len(closed),
        "win_ratio": len(wins) / len(closed) if closed else None,
        "profit_factor": sum(wins) / -sum(losses) if losses else None,
        "average_win_usdt": sum(wins) / len(wins) if wins else None,
        "average_loss_usdt": sum(losses) / len(losses) if losses else None,
        "liquidations": sum(cycle.exit_reason == "liquidation" for cycle in cycles),
    }


def _cost_statistics(rows: Mapping[str, Rows]) -> dict[str, Any]:
    return {
        "orders": len(rows["orders"]),
        "orders_denied": sum(row["status"] == "DENIED" for row in rows["orders"]),
        "orders_rejected": sum(row["status"] == "REJECTED" for row in rows["orders"]),
        "fills": len(rows["fills"]),
        "fees_usdt": float(sum(row["commission"] for row in rows["fills"])),
        "funding_usdt": float(sum(row["amount_usdt"] for row in rows["funding"])),
        "turnover_usdt": float(sum(row["last_qty"] * row["last_px"] for row in rows["fills"])),
    }


def _unexplained(
    rows: Mapping[str, Rows], cycles: Sequence[Cycle], starting_balance: float
) -> float:
    """
    Return the part of the account's balance that fills, fees and funding do not explain.

    The account and the replayed fills are two books of one thing. Only what the insurance fund
    paid in a liquidation may stand between them.
    """
    traded = sum(float(cycle.gross_pnl_usdt - cycle.fees_usdt) for cycle in cycles)
    funding = float(sum(row["amount_usdt"] for row in rows["funding"]))
    balance = float(rows["equity"][-1]["balance_usdt"])
    return round(balance - starting_balance - traded - funding, 6) + 0.0


def _open_ns(cycles: Sequence[Cycle], ts_event: np.ndarray) -> int:
    """Return for how long at least one position was open."""
    total = until = 0
    for cycle in sorted(cycles, key=lambda c: c.ts_opened):
        end = int(ts_event[-1]) if cycle.ts_closed is None else cycle.ts_closed
        total += max(0, end - max(cycle.ts_opened, until))
        until = max(until, end)
    return total


def shown_sharpe_ratio(figures: Mapping[str, Any]) -> float | None:
    """Return the Sharpe ratio of `statistics`; None from fewer than `RATIO_DAYS_MIN` days."""
    enough = len(figures["daily_returns"]) >= RATIO_DAYS_MIN
    return figures["sharpe_ratio"] if enough else None


def finite(value: Any) -> Any:
    """Return *value* with every NaN and infinity in it replaced by None, for JSON."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
