"""What the guard tells about itself after a run, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from risk.judge import Judge
from risk.limits import RiskLimits

LIMIT_OF = {
    "side": "sides",
    "order_type": "orders.entry_types",
    "price_known": "market_data.price_source",
    "price_age": "market_data.price_age_ms_max",
    "spread": "market_data.spread_bps_max",
    "mark_divergence": "market_data.mark_divergence_bps_max",
    "order_qty": "order_qty_max",
    "order_notional": "order_notional_usdt_max",
    "list_notional": "orders.list_notional_usdt_max",
    "stop_distance": "orders.stop_distance_bps_max",
    "price_collar": "orders.price_deviation_bps_max",
    "slippage": "orders.slippage_bps_max",
    "position": "position_notional_usdt_max",
    "gross": "portfolio.gross_notional_usdt_max",
    "net": "portfolio.net_notional_usdt_max",
    "leverage": "portfolio.leverage_max",
    "rate_sec": "rates.messages_per_sec_max",
    "rate_min": "rates.messages_per_min_max",
    "repeated": "rates.repeated_entries_max",
    "unrealized_loss": "losses.unrealized_loss_ratio_max",
    "daily_loss": "losses.daily_loss_ratio_max",
    "drawdown": "losses.drawdown_ratio_max",
    "price_shock": "shock.price_move_bps_max",
    "denial_storm": "storms.denials_max",
    "reject_storm": "storms.rejects_max",
}
"""The profile's key behind each tally; a control that is not here has no figure: it always holds."""

ALWAYS = "always on"


def controls(judge: Judge) -> list[dict[str, Any]]:
    """Return every control's tally, by number, with its limit in words."""
    rows = sorted(judge.report(), key=lambda row: int(row["control"]))
    described = [(name, value) for name, value, *_ in judge.limits.describe()]
    return [row | {"limit": _limit_text(row["key"], judge.limits, described)} for row in rows]


def decisions(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """
    Return the states, alarms and denials of journal records, as `guard_report` has them.

    What the venue told stands beside them under ``venue``, each with what it made the guard do, and
    how each closed position was protected under ``protection``.

    Parameters
    ----------
    records : Iterable[dict[str, Any]]
        Records of one run (see `risk.journal.records`); other types of record are left out.

    """
    states: list[dict[str, Any]] = []
    alarms: list[dict[str, Any]] = []
    denials: list[dict[str, Any]] = []
    venue: list[dict[str, Any]] = []
    protection: list[dict[str, Any]] = []
    for record in records:
        match record["type"]:
            case "state":
                states.append({"ts": record["ts"], **record["data"]})
            case "alarm":
                alarms.append({"ts": record["ts"], **record["data"]})
            case "denied":
                denials.append(record["data"])
            case "venue":
                venue.append({"ts": record["ts"], **record["data"]})
            case "protection":
                protection.append(record["data"])
            case _:
                continue
    return {
        "states": states, "alarms": alarms, "denials": denials, "venue": venue,
        "protection": protection,
    }  # fmt: skip


def guard_report(judge: Judge, denials: list[dict[str, Any]]) -> dict[str, Any]:
    """Return every control's tally, the state's history, alarms, denials and position caps."""
    limits = judge.limits
    return {
        "controls": controls(judge),
        "states": [
            {
                "ts": t.ts_ns, "previous": t.previous.name, "state": t.state.name,
                "cause": t.cause, "by": t.by,
            }
            for t in judge.state.transitions
        ],
        "alarms": [{"ts": ts, "text": text} for ts, text in judge.alarms],
        "denials": denials,
        "caps": {
            key: str(symbol.position_notional_usdt_max) for key, symbol in limits.symbols.items()
        },
    }  # fmt: skip


def _limit_text(key: str, limits: RiskLimits, described: list[tuple[str, object]]) -> str:
    if key == "symbol":
        return ", ".join(limits.symbols)
    wanted = LIMIT_OF.get(key)
    if wanted is None:
        return ALWAYS
    texts = [
        _text(value) for name, value in described if name.endswith(f".{wanted}") or name == wanted
    ]
    # The same figure for every symbol is said once.
    return " / ".join(dict.fromkeys(texts))


def _text(value: object) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
