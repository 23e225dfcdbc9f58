"""Builders for the tests of the risk core: limits, orders, markets and a judge in plain numbers."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from risk.decision import Denial
from risk.intent import BUY, SELL, Market, OrderIntent, VenueFilters
from risk.judge import Judge
from risk.limits import RiskLimits

BTC = "BTCUSDT-PERP.BINANCE"
ETH = "ETHUSDT-PERP.BINANCE"
T0 = 1_735_689_600_000_000_000
"""2025-01-01T00:00:00Z: a UTC midnight."""
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
UNIT = 1_000_000_000
"""Prices become whole numbers of this fraction of a USDT for the price breaker."""

Terms = dict[str, Any]

_ids = itertools.count(1)


def D(value: object) -> Decimal:  # noqa: N802 - short for Decimal
    return Decimal(str(value))


def limits_table(**overrides: Any) -> dict[str, Any]:
    """
    Return a complete table of limits; *overrides* go by field name, for all symbols alike.

    ``protection`` and ``storms`` are given as whole tables, or not there.

    """
    symbol = {
        "sides": ("BUY", "SELL"),
        "order_qty_max": D(1_000),
        "order_notional_usdt_max": D(50_000),
        "position_notional_usdt_max": D(60_000),
    }
    table: dict[str, Any] = {
        "symbols": {BTC: dict(symbol), ETH: dict(symbol)},
        "orders": {
            "entry_types": ("MARKET", "LIMIT", "STOP_MARKET", "STOP_LIMIT"),
            "list_notional_usdt_max": D(80_000),
            "price_deviation_bps_max": D(2_000),
            "slippage_bps_max": D(50),
            "stop_distance_bps_max": D(2_000),
        },
        "market_data": {
            "price_source": "quote",
            "price_age_ms_max": 1_000,
            "spread_bps_max": D(100),
            "mark_divergence_bps_max": D(100),
        },
        "portfolio": {
            "gross_notional_usdt_max": D(90_000),
            "net_notional_usdt_max": D(80_000),
            "leverage_max": D(5),
        },
        "rates": {
            "messages_per_sec_max": 1_000,
            "messages_per_min_max": 2_000,
            "exit_reserve_ratio": D("0.5"),
            "repeated_entries_max": 100,
            "repeated_entries_window_sec": 60,
        },
        "losses": {
            "unrealized_loss_ratio_alarm": D("0.05"),
            "unrealized_loss_ratio_max": D("0.10"),
            "daily_loss_ratio_max": D("0.20"),
            "drawdown_ratio_max": D("0.30"),
        },
        "shock": {"price_move_bps_max": D(500), "price_move_window_sec": 60},
    }
    for name, value in overrides.items():
        _put(table, name, value)
    return table


def _put(table: dict[str, Any], name: str, value: object) -> None:
    if name in {"protection", "storms"}:  # whole tables, which a backtest has not
        table[name] = value
        return
    parts = [*table["symbols"].values(), *(part for key, part in table.items() if key != "symbols")]
    homes = [part for part in parts if name in part]
    assert homes, f"no limit is called {name}"
    for home in homes:
        home[name] = value


def make_limits(**overrides: Any) -> RiskLimits:
    """Return valid limits, wide enough that only what a test narrows can deny."""
    return RiskLimits.model_validate(limits_table(**overrides))


def make_filters(**overrides: Any) -> VenueFilters:
    """Return venue filters with a tick of 0.1 and a step of 0.001, and nothing else in the way."""
    loose: dict[str, Any] = dict.fromkeys(VenueFilters._fields)
    return VenueFilters(
        **(loose | {"tick": D("0.1"), "step": D("0.001"), "settlement": "USDT"} | overrides)
    )


def make_market(
    bid: object = 100, ask: object = "100.1", *, ts_ns: int = T0, mark: object = None, **kw: Any
) -> Market:
    """Return a fresh market around 100."""
    return Market(D(bid), D(ask), ts_ns, None if mark is None else D(mark), **kw)


def make_order(side: int = BUY, qty: object = 1, price: object = 100, **kw: Any) -> OrderIntent:
    """Return an entry: a limit order at *price*, or a market order when *price* is None."""
    terms: dict[str, Any] = {
        "client_order_id": f"O-{next(_ids)}",
        "strategy_id": "S-1",
        "instrument_id": BTC,
        "order_type": "MARKET" if price is None else "LIMIT",
    }
    return OrderIntent(
        side=side, qty=D(qty), price=None if price is None else D(price), **(terms | kw)
    )


def make_exit(side: int = SELL, qty: object = 1, price: object = None, **kw: Any) -> OrderIntent:
    """Return a reduce-only order: a market order unless it has a price."""
    return make_order(side, qty, price, is_reduce_only=True, **kw)


def make_stop(entry: OrderIntent, trigger: object = None, **kw: Any) -> OrderIntent:
    """Return the protective stop of *entry*, 5 % away from 100 unless told otherwise."""
    default = 95 if entry.side == BUY else 105
    terms: dict[str, Any] = {
        "client_order_id": f"{entry.client_order_id}-SL",
        "strategy_id": entry.strategy_id,
        "instrument_id": entry.instrument_id,
        "side": -entry.side,
        "qty": entry.qty,
        "order_type": "STOP_MARKET",
        "trigger_price": D(default if trigger is None else trigger),
        "is_reduce_only": True,
        "parent_id": entry.client_order_id,
    }
    return OrderIntent(**(terms | kw))


def make_judge(
    limits: RiskLimits | None = None,
    *,
    filters: VenueFilters | None = None,
    balance: object = 100_000,
    **overrides: Any,
) -> Judge:
    """Return a judge that knows both instruments and the balance."""
    known = dict.fromkeys((BTC, ETH), filters or make_filters())
    judge = Judge(limits or make_limits(**overrides), known.get)
    judge.account.balance = None if balance is None else D(balance)
    return judge


def submit(
    judge: Judge, *orders: OrderIntent, market: Market | None = None, now_ns: int = T0
) -> Denial | None:
    """Submit *orders* as one list, on a fresh market unless another one is given."""
    known = market or make_market(ts_ns=now_ns)
    return judge.submit(orders, {order.instrument_id: known for order in orders}, now_ns)


def bracket(
    judge: Judge, *, market: Terms | None = None, stop: Terms | None = None, **order: Any
) -> Denial | None:
    """Submit an entry with its stop."""
    entry = make_order(**order)
    shown = make_market(**(market or {}))
    return submit(judge, entry, make_stop(entry, **(stop or {})), market=shown)


def enter(judge: Judge, side: int = BUY, qty: object = 1, **kw: Any) -> OrderIntent:
    """Have an entry with its stop approved, accepted by the venue, and filled."""
    entry = work(judge, side, qty, **kw)
    fill(judge, entry)
    return entry


def work(judge: Judge, side: int = BUY, qty: object = 1, **kw: Any) -> OrderIntent:
    """Have an entry with its stop approved and accepted by the venue."""
    now_ns = kw.pop("now_ns", T0)
    entry = make_order(side, qty, **kw)
    stop = make_stop(entry)
    assert submit(judge, entry, stop, now_ns=now_ns) is None
    accept(judge, entry, stop)
    return entry


def accept(judge: Judge, *orders: OrderIntent) -> None:
    """Report that the venue has accepted *orders*."""
    for order in orders:
        judge.on_accepted(order.instrument_id, order.client_order_id)


def fill(
    judge: Judge,
    order: OrderIntent,
    qty: object = None,
    *,
    px: object = 100,
    fee_usdt: object = 0,
    now_ns: int = T0,
) -> None:
    """Report a fill of *order*, the whole of it unless *qty* says less."""
    judge.on_fill(
        order.instrument_id,
        order.client_order_id,
        side=order.side,
        qty=order.qty if qty is None else D(qty),
        px=D(px),
        fee_usdt=D(fee_usdt),
        now_ns=now_ns,
    )


def tell_price(judge: Judge, px: object, *, instrument_id: str = BTC, now_ns: int = T0) -> None:
    """Report a price."""
    raw = int(D(px) * UNIT)
    judge.on_price(instrument_id, now_ns, low=raw, high=raw, last=D(px))


def reason_of(denial: Denial | None) -> str | None:
    """Return the code of a denial, or None for an approval."""
    return None if denial is None else denial.reason.code


def stop_id(entry: OrderIntent) -> str:
    """Return the id of the stop that `make_stop` builds for *entry*."""
    return f"{entry.client_order_id}-SL"
