"""Lay a guarded run beside an unguarded one: what the guard refused, what that cost or earned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from report.artifacts import read_result
from report.charts import equity_chart
from report.statistics import shown_sharpe_ratio
from report.tables import read_rows

ROWS_MAX = 100
NO_COUNTERPART = "no counterpart: the runs had parted"

FIGURES = (
    "final_equity_usdt", "return_ratio", "sharpe_ratio", "trades", "win_ratio", "profit_factor",
    "fees_usdt", "funding_usdt", "turnover_usdt", "exposure_time_ratio", "liquidations",
)  # fmt: skip


def compare(run_dir: Path, other_dir: Path) -> dict[str, Any]:
    """
    Compare the run in *run_dir* with the run in *other_dir*, which had no gate.

    Returns
    -------
    dict[str, Any]
        ``figures`` (name, this run, other run), ``differences`` (reasons for which the two are
        not the same run but for the gate), ``curve`` (the other's equity), ``breaches`` (of the
        other run, by rule), ``refused`` (see `refused_orders`; those with a counterpart first)
        and their sums.

    Raises
    ------
    FileNotFoundError
        If one of them is not a run folder.

    """
    this, other = read_result(run_dir), read_result(other_dir)
    refused = refused_orders(run_dir, other_dir)
    known = [row["net_pnl_usdt"] for row in refused if row["net_pnl_usdt"] is not None]
    return {
        "run_id": other["run_id"],
        "guarded": other["guarded"],
        "differences": _differences(this, other),
        "figures": _figures(this["statistics"], other["statistics"]),
        "curve": equity_chart(other_dir),
        "breaches": _breaches(other["check"]),
        "refused": sorted(refused, key=lambda row: row["outcome"] == NO_COUNTERPART)[:ROWS_MAX],
        "refused_total": len(refused),
        "refused_known": len(known),
        "refused_net_usdt": float(sum(known)),
        "difference_usdt": this["statistics"]["final_equity_usdt"]
        - other["statistics"]["final_equity_usdt"],
    }


def refused_orders(run_dir: Path, other_dir: Path) -> list[dict[str, Any]]:
    """
    Say of each refused opening order what the same order did in the run without the gate.

    An order is the same when strategy, symbol, side, type, quantity and the nanosecond at which
    it was made are the same; after the first refusal the runs part, so many orders have no
    counterpart, and for those nothing is said. A counterpart's result is known when it opened
    a position that was closed again: the net PnL of that position. An order that added to or
    reduced a position has no result of its own.

    """
    own = {order["client_order_id"]: order for order in read_rows(run_dir, "orders")}
    others: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for other in read_rows(other_dir, "orders"):
        others[_identity(other)].append(other)
    opened = {row["opening_order_id"]: row for row in read_rows(other_dir, "positions")}
    rows = []
    for denial in read_rows(run_dir, "denials"):
        order = own.get(denial["client_order_id"])
        if order is None or order["status"] != "DENIED" or order["is_reduce_only"]:
            continue  # a refused amend or cancel, or a stop or target whose entry stands here
        matches = others[_identity(order)]
        twin = matches.pop(0) if matches else None
        rows.append({**denial, **_outcome(twin, opened)})
    return rows


def _identity(order: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("strategy_id", "instrument_id", "side", "order_type", "quantity", "ts_init")
    return tuple(order[name] for name in names)


def _outcome(
    twin: Mapping[str, Any] | None, opened: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    if twin is None:
        return {"outcome": NO_COUNTERPART, "net_pnl_usdt": None}
    if not twin["filled_qty"]:
        return {"outcome": f"not filled ({twin['status'].lower()})", "net_pnl_usdt": None}
    cycle = opened.get(twin["client_order_id"])
    if cycle is None:
        text = "filled into an open position: no result of its own"
        return {"outcome": text, "net_pnl_usdt": None}
    if cycle["ts_closed"] is None:
        return {"outcome": "opened a position that stayed open", "net_pnl_usdt": None}
    text = f"opened a position, closed by {cycle['exit_reason']}"
    return {"outcome": text, "net_pnl_usdt": float(cycle["net_pnl_usdt"])}


def _differences(this: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    found = [
        f"{name}: {this[name]} here, {other[name]} there"
        for name in ("profile_hash", "seed")
        if this[name] != other[name]
    ]
    if this["data"] != other["data"]:
        found.append("the market data are not the same")
    if other["guarded"]:
        found.append("the other run had a gate as well")
    return found


def _figures(this: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    this, other = ({**s, "sharpe_ratio": shown_sharpe_ratio(s)} for s in (this, other))
    figures = [(name, this[name], other[name]) for name in FIGURES]
    here, there = (s["max_drawdown"]["ratio"] if s["max_drawdown"] else 0.0 for s in (this, other))
    return [*figures[:2], ("max_drawdown_ratio", here, there), *figures[2:]]


def _breaches(check: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Count the breaches of each rule and name the worst."""
    counts = Counter(breach["rule"] for breach in check["breaches"])
    return [
        {
            "rule": rule,
            "count": count,
            "worst": max(
                (breach for breach in check["breaches"] if breach["rule"] == rule),
                key=lambda breach: float(breach["observed"]),
            ),
        }
        for rule, count in counts.most_common()
    ]
