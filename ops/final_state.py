"""What a node believes when it ends: to be held against the venue's own books."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.orders import Order
from nautilus_trader.system.kernel import NautilusKernel

from risk.trading_state import TradingState

FINAL_STATE_FILE = "final_state.json"
NS_PER_MS = 1_000_000


def write_final_state(kernel: NautilusKernel, state: TradingState, run_dir: Path) -> None:
    """Write ``final_state.json``: positions, open orders, balance and fees of this run."""
    table = final_state(kernel, state)
    (run_dir / FINAL_STATE_FILE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def final_state(kernel: NautilusKernel, state: TradingState) -> dict[str, Any]:
    """
    Return what the node believes, as plain values.

    Positions are signed base units by the venue's symbol, ``ts`` is in Unix milliseconds, and
    ``commissions`` are those of fills since ``ts_started``, by asset, plus was paid.

    """
    cache = kernel.cache
    positions: dict[str, Decimal] = defaultdict(Decimal)
    for position in cache.positions_open():
        positions[_symbol(position.instrument_id)] += position.signed_decimal_qty()
    account = next(iter(cache.accounts()), None)
    total = account.balance_total(USDT) if account is not None else None
    return {
        "ts": kernel.clock.timestamp_ns() // NS_PER_MS,
        "ts_started": (kernel.ts_started or 0) // NS_PER_MS,
        "trading_state": state.name,
        "positions": {symbol: str(qty) for symbol, qty in sorted(positions.items()) if qty},
        "open_orders": [_order(o) for o in cache.orders_open() + cache.orders_inflight()],
        "balance_usdt": None if total is None else str(total.as_decimal()),
        "commissions": _commissions(kernel),
    }


def _symbol(instrument_id: Any) -> str:
    return str(instrument_id.symbol).removesuffix("-PERP")


def _order(order: Order) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id.value,
        "symbol": _symbol(order.instrument_id),
        "side": order.side_string(),
        "qty": str(order.quantity),
        "type": order.type_string(),
        "price": str(order.price) if order.has_price else None,
        "trigger_price": str(order.trigger_price) if order.has_trigger_price else None,
        "reduce_only": order.is_reduce_only,
    }


def _commissions(kernel: NautilusKernel) -> dict[str, str]:
    paid: dict[str, Decimal] = defaultdict(Decimal)
    since_ms = (kernel.ts_started or 0) // NS_PER_MS
    for order in kernel.cache.orders():
        for event in order.events:
            # The engine makes fills up for positions that it finds; nobody was paid for those.
            if not isinstance(event, OrderFilled) or event.reconciliation:
                continue
            if event.ts_event // NS_PER_MS >= since_ms:
                paid[event.commission.currency.code] += event.commission.as_decimal()
    return {asset: str(amount) for asset, amount in sorted(paid.items())}
