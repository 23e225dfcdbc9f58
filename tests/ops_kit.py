"""Snapshots made by hand, for the tests of what a person is shown."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

from rich.console import Console

from actors.notices import Notice
from actors.snapshot import (
    BreakerLine,
    ClientHealth,
    FeedHealth,
    Health,
    OrderLine,
    PositionLine,
    Snapshot,
    Stop,
    Use,
)
from ops.events import EventLog
from ops.screen import screen

SECOND = 1_000_000_000
T0 = 1_735_732_800 * SECOND
"""2025-01-01T12:00:00Z."""
BTC, ETH = "BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE"


def D(value: object) -> Decimal:  # noqa: N802 - short for Decimal
    return Decimal(str(value))


def stop(**more: Any) -> Stop:
    terms = {
        "client_order_id": "O-20250101-120000-001-000-2", "status": "WORKING",
        "trigger_price": D("92150.5"), "distance_bps": 151.3, "cover_qty": D("0.100"),
        "age_sec": 75.0,
    }  # fmt: skip
    return Stop(**(terms | more))


def position(**more: Any) -> PositionLine:
    terms = {
        "instrument_id": BTC, "signed_qty": D("0.100"), "entry_px": D("93500.10"),
        "price": D("93566.05"), "mark_px": D("93560"), "unrealized_usdt": D("6.595"),
        "stops": (stop(),), "covered_qty": D("0.100"), "unprotected_sec": 0.0,
        "cached_qty": D("0.100"),
    }  # fmt: skip
    return PositionLine(**(terms | more))


def naked(**more: Any) -> PositionLine:
    return position(stops=(), covered_qty=D(0), unprotected_sec=3.2, **more)


def order(**more: Any) -> OrderLine:
    terms = {
        "client_order_id": "O-20250101-120000-001-000-1", "instrument_id": BTC,
        "strategy_id": "EmaCross-000", "side": "BUY", "order_type": "LIMIT", "status": "WORKING",
        "leaves_qty": D("0.1"), "price": D("93000"), "trigger_price": None,
        "is_reduce_only": False, "age_sec": 12.0,
    }  # fmt: skip
    return OrderLine(**(terms | more))


def use(key: str, limit: object, observed: object | None, instrument_id: str | None = None) -> Use:
    return Use(key, D(limit), None if observed is None else D(observed), instrument_id)


def breaker(
    key: str, limit: object, observed: object | None, closest: object | None = None, **more: Any
) -> BreakerLine:
    """Return a breaker that has not tripped, whose closest approach is now unless told otherwise."""
    now, most = (None if v is None else D(v) for v in (observed, closest or observed))
    return BreakerLine(**({"key": key, "limit": D(limit), "observed": now, "closest": most,
                           "is_tripped": False} | more))  # fmt: skip


def health(**more: Any) -> Health:
    terms: dict[str, Any] = {
        "clients": (ClientHealth("BINANCE", "data", True), ClientHealth("BINANCE", "exec", True)),
        "feeds": (FeedHealth(BTC, 120, 5_000), FeedHealth(ETH, 800, 5_000)),
        "is_user_stream_up": True,
        "clock_offset_ms": -3.0,
        "used_weight": (240, 2_400),
        "order_counts": {"10s": (3, 300), "1m": (9, 1_200)},
    }
    return Health(**(terms | more))


def snapshot(**more: Any) -> Snapshot:
    terms: dict[str, Any] = {
        "ts_ns": T0, "started_ns": T0 - 754 * SECOND, "name": "rehearsal-demo",
        "mode": "rehearsal", "trader_id": "QUANTMIND-001", "venue": "BINANCE", "state": "ACTIVE",
        "causes": (), "since_ns": T0 - 754 * SECOND, "balance_usdt": D("100000"),
        "equity_usdt": D("100006.595"), "positions": (position(),), "orders": (order(),),
        "exposure": (
            use("position_notional_usdt_max", 10_000, 9_356, BTC),
            use("position_notional_usdt_max", 10_000, 0, ETH),
            use("gross_notional_usdt_max", 15_000, 9_356),
            use("net_notional_usdt_max", 15_000, 9_356),
            use("leverage_max", 1, "0.09"),
        ),
        "rates": (use("messages_per_sec_max", 20, 1), use("messages_per_min_max", 300, 14)),
        "losses": (
            use("unrealized_loss_ratio_max", "0.1", 0), use("daily_loss_ratio_max", "0.03", "0.01"),
            use("drawdown_ratio_max", "0.15", "0.01"),
        ),
        "denials": (), "denials_total": 0, "health": health(), "journal_records": 123,
        "breakers": (
            breaker("unrealized_loss", "0.1", 0, "0.0213456789"),
            breaker("daily_loss", "0.03", "0.01"), breaker("drawdown", "0.15", "0.0123", "0.03"),
            breaker("price_shock", 500, "12.3456", "47.1"), breaker("repeated", 5, 1, 2),
            breaker("denial_storm", 50, 0, 12), breaker("reject_storm", 10, 7, 8),
        ),
    }  # fmt: skip
    return Snapshot(**(terms | more))


def notice(kind: str = "FILL", text: str = "BUY 0.1", *, at: float = 0, **more: Any) -> Notice:
    """Return a notice *at* seconds after T0."""
    return Notice(T0 + int(at * SECOND), kind, text, **more)


def drawn(shown: Snapshot | None, *notices: Notice, width: int = 80, height: int = 24) -> list[str]:
    """Return the lines of the screen, without colors."""
    events = EventLog()
    for told in notices:
        events.add(told)
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(screen(shown, events, width, height))
    return console.export_text().splitlines()
