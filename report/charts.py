"""Turn the tables of a run folder into the few thousand points that the page's charts draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from report.returns import drawdown_curve
from report.series import evenly, extremes_index, to_ms, to_numbers
from report.tables import Rows, read_columns, read_rows

MARKS_MAX = 1_500
"""How many fills, stops or denials of one symbol are drawn; the rest is in the Parquet files."""
SYMBOLS_MAX = 12

Chart = dict[str, Any]


def equity_chart(run_dir: Path) -> Chart:
    """Return equity and drawdown over time."""
    columns = read_columns(run_dir, "equity")
    equity = columns["equity_usdt"]
    drawdown = drawdown_curve(equity) if len(equity) else equity
    chosen = extremes_index(equity, drawdown)
    return {
        "ts": to_ms(columns["ts_event"][chosen]),
        "equity": to_numbers(equity[chosen]),
        "drawdown": to_numbers(drawdown[chosen], digits=5),
    }


def symbol_charts(run_dir: Path, caps: dict[str, Any]) -> list[Chart]:
    """
    Return price with fills and exposure against its cap, for each symbol that traded.

    Parameters
    ----------
    run_dir : Path
        The run folder.
    caps : dict[str, Any]
        Position cap of each symbol, USDT, in the profile's order, which the charts keep.

    """
    fills, denials = read_rows(run_dir, "fills"), read_rows(run_dir, "denials")
    stops = _stop_lines(read_rows(run_dir, "orders"), read_rows(run_dir, "order_events"))
    prices, exposure = read_columns(run_dir, "prices"), read_columns(run_dir, "exposure")
    counts = dict.fromkeys(np.unique(prices["instrument_id"]).tolist(), 0)
    for fill in fills:
        counts[fill["instrument_id"]] = counts.get(fill["instrument_id"], 0) + 1
    busiest = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))[:SYMBOLS_MAX]
    place = {symbol: number for number, symbol in enumerate(caps)}
    return [
        {
            "symbol": symbol,
            "cap": float(caps[symbol]) if symbol in caps else None,
            "price": _price_points(_of(prices, symbol)),
            "exposure": _exposure_points(_of(exposure, symbol)),
            "fills": _marks(fills, symbol),
            "stops": stops.get(symbol, [])[-MARKS_MAX:],
            "denials": _denial_marks(denials, symbol, _of(prices, symbol)),
            "fills_total": counts[symbol],
            "stops_total": len(stops.get(symbol, [])),
        }
        for symbol in sorted(busiest, key=lambda symbol: place.get(symbol, len(place)))
    ]


def _of(columns: dict[str, np.ndarray], symbol: str) -> dict[str, np.ndarray]:
    chosen = columns["instrument_id"] == symbol
    return {name: values[chosen] for name, values in columns.items()}


def _price_points(prices: dict[str, np.ndarray]) -> Chart:
    if not len(prices["ts_event"]):
        return {"ts": [], "price": [], "low": [], "high": []}
    chosen = extremes_index(prices["low"], prices["high"])
    return {
        "ts": to_ms(prices["ts_event"][chosen]),
        **{name: to_numbers(prices[name][chosen]) for name in ("price", "low", "high")},
    }


def _exposure_points(exposure: dict[str, np.ndarray]) -> Chart:
    series = [exposure[name] for name in ("position_usdt", "long_worst_usdt", "short_worst_usdt")]
    if not len(series[0]):
        return {"ts": [], "position": [], "long_worst": [], "short_worst": []}
    chosen = extremes_index(*series, points_max=4_000)
    position, long_worst, short_worst = (to_numbers(values[chosen], digits=7) for values in series)
    return {
        "ts": to_ms(exposure["ts_event"][chosen]),
        "position": position,
        "long_worst": long_worst,
        "short_worst": [-value for value in short_worst],
    }


def _marks(fills: Rows, symbol: str) -> Chart:
    own = [fill for fill in fills if fill["instrument_id"] == symbol]
    own = [own[i] for i in evenly(len(own), MARKS_MAX)]
    return {
        "ts": [fill["ts_event"] // 1_000_000 for fill in own],
        "px": [float(fill["last_px"]) for fill in own],
        "side": [fill["side"] for fill in own],
        "text": [
            f"{fill['side']} {_plain(fill['last_qty'])} @ {_plain(fill['last_px'])} "
            f"({fill['order_type']}, {fill['strategy_id']})"
            for fill in own
        ],
    }


def _denial_marks(denials: Rows, symbol: str, prices: dict[str, np.ndarray]) -> Chart:
    own = [denial for denial in denials if denial["instrument_id"] == symbol]
    own = [own[i] for i in evenly(len(own), MARKS_MAX)]
    if not own or not len(prices["ts_event"]):
        return {"ts": [], "px": [], "text": []}
    ts_event = np.array([denial["ts_event"] for denial in own], dtype=np.int64)
    nearest = np.searchsorted(prices["ts_event"], ts_event, side="right") - 1
    return {
        "ts": to_ms(ts_event),
        "px": to_numbers(prices["price"][np.maximum(nearest, 0)]),
        "text": [f"{denial['side'] or ''} denied: {denial['reason']}" for denial in own],
    }


def _stop_lines(orders: Rows, events: Rows) -> dict[str, list[list[Any]]]:
    """Return by symbol the ``[from ms, to ms, trigger price]`` at which protective stops rested."""
    stops = {
        order["client_order_id"]: order["instrument_id"]
        for order in orders
        if order["is_reduce_only"] and order["order_type"].startswith(("STOP_", "TRAILING_STOP_"))
    }
    resting: dict[str, tuple[int, Any]] = {}
    lines: dict[str, list[list[Any]]] = {}
    for event in events:
        order_id = event["client_order_id"]
        if order_id not in stops:
            continue
        if order_id in resting and event["event"] in _STOP_ENDS:
            start, trigger = resting.pop(order_id)
            line = [start // 1_000_000, event["ts_event"] // 1_000_000, float(trigger)]
            lines.setdefault(stops[order_id], []).append(line)
        if event["event"] in ("OrderAccepted", "OrderUpdated") and event["trigger_price"]:
            resting[order_id] = (event["ts_event"], event["trigger_price"])
    last_ns = events[-1]["ts_event"] if events else 0
    for order_id, (start, trigger) in resting.items():
        line = [start // 1_000_000, last_ns // 1_000_000, float(trigger)]
        lines.setdefault(stops[order_id], []).append(line)
    return lines


_STOP_ENDS = frozenset(
    {"OrderUpdated", "OrderFilled", "OrderCanceled", "OrderExpired", "OrderRejected"}
)


def _plain(value: Any) -> str:
    """Return a decimal without the zeros that its column carries."""
    return format(value.normalize(), "f")
