"""
One decision: an entry with its stop, with 0, 100 and 10,000 orders open in the same symbol.

Measured twice: the judge alone, and the gate of a backtest kernel with its translation of orders
and a journal that is flushed (the way to the execution engine is left out).

    python -m benchmarks.decision [--open N ...] [--count N] [--out FILE]
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import SubmitOrderList
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import ContingencyType, OrderSide, TriggerType
from nautilus_trader.model.identifiers import ClientOrderId, OrderListId, StrategyId, TraderId
from nautilus_trader.model.orders import LimitOrder, OrderList, StopMarketOrder

from backtest.engine import build_engine
from catalog.instruments import builtin_instruments
from configs.profile import Profile, load_profile
from risk.gate import RiskGate
from risk.intent import BUY, SELL, Market, OrderIntent
from risk.journal import Journal
from risk.judge import Judge
from risk.latch import Latch
from risk.record import Record
from risk.translate import filters_of

BTC = builtin_instruments()["BTCUSDT-PERP.BINANCE"]
KEY = str(BTC.id)
PROFILE = Path(__file__).parents[1] / "configs" / "profiles" / "backtest.toml"
QTY = BTC.make_qty("0.002")
BID, ASK, STOP = BTC.make_price(60_000), BTC.make_price("60000.1"), BTC.make_price(59_000)
SECOND = 1_000_000_000
START_NS = 1_735_689_600 * SECOND


def wide_profile() -> Profile:
    """Return the demo profile with room for 10,000 orders, so that each decision is an approval."""
    profile = load_profile(PROFILE)
    limits = profile.limits
    room = Decimal(10) ** 12
    symbol = limits.symbols[KEY].model_copy(
        update={"order_qty_max": room, "position_notional_usdt_max": room}
    )
    wide = limits.model_copy(
        update={
            "symbols": {KEY: symbol},
            "market_data": limits.market_data.model_copy(update={"price_source": "quote"}),
            "portfolio": limits.portfolio.model_copy(
                update=dict.fromkeys(
                    ("gross_notional_usdt_max", "net_notional_usdt_max", "leverage_max"), room
                )
            ),
            "rates": limits.rates.model_copy(
                update=dict.fromkeys(
                    ("messages_per_sec_max", "messages_per_min_max", "repeated_entries_max"),
                    10**9,
                )
            ),
        }
    )
    return profile.model_copy(update={"limits": wide})


def bracket(number: int) -> tuple[OrderIntent, OrderIntent]:
    """Return a limit entry below the market and its stop."""
    entry = OrderIntent(
        f"O-{number}", "S-1", KEY, BUY, QTY.as_decimal(), "LIMIT", price=BID.as_decimal()
    )
    stop = OrderIntent(
        f"S-{number}", "S-1", KEY, SELL, entry.qty, "STOP_MARKET",
        trigger_price=STOP.as_decimal(), is_reduce_only=True, parent_id=entry.client_order_id,
    )  # fmt: skip
    return entry, stop


def open_orders(judge: Judge, count: int, now_ns: int) -> None:
    """Have *count* orders approved that stay open."""
    market = {KEY: Market(BID.as_decimal(), ASK.as_decimal(), now_ns)}
    for number in range(count // 2):
        denial = judge.submit(bracket(-1 - number), market, now_ns)
        assert denial is None, denial.text


def timed(decide: Callable[[int], Callable[[], None]], count: int) -> list[int]:
    """Return nanoseconds of *count* decisions; what *decide* returns cleans up, untimed."""
    for number in range(count // 10):
        decide(-1_000_000 - number)()
    spans = []
    gc.collect()
    gc.disable()
    for number in range(count):
        begun = time.perf_counter_ns()
        clean = decide(number)
        spans.append(time.perf_counter_ns() - begun)
        clean()
    gc.enable()
    return spans


def judge_spans(profile: Profile, open_count: int, count: int) -> list[int]:
    filters = filters_of(BTC)._replace(open_orders_max=None)
    judge = Judge(profile.limits, {KEY: filters}.get)
    judge.account.balance = Decimal(100_000)
    open_orders(judge, open_count, START_NS)
    lists = {n: bracket(n) for n in (*range(count), *range(-1_000_000 - count, -999_999))}
    markets = {KEY: Market(BID.as_decimal(), ASK.as_decimal(), START_NS)}

    def decide(number: int) -> Callable[[], None]:
        orders = lists[number]
        denial = judge.submit(orders, markets, START_NS + SECOND // 100)
        assert denial is None, denial.text
        return lambda: [judge.on_closed(KEY, o.client_order_id) for o in orders] and None

    return timed(decide, count)


def gate_spans(profile: Profile, open_count: int, count: int) -> list[int]:
    engine = build_engine(profile, [BTC])
    engine.kernel.clock.set_time(START_NS)
    with tempfile.TemporaryDirectory() as folder:
        record = Record(
            Journal(Path(folder) / "journal.jsonl", sync="flush"),
            Latch(Path(folder) / "latch.json"),
            is_persistent=False,
        )
        spans = _gate_spans(engine, profile, record, open_count, count)
        record.journal.close()
    engine.dispose()
    return spans


def _gate_spans(
    engine: BacktestEngine, profile: Profile, record: Record, open_count: int, count: int
) -> list[int]:
    kernel, sent = engine.kernel, []
    gate = RiskGate(
        profile.limits, msgbus=kernel.msgbus, cache=kernel.cache, clock=kernel.clock,
        forward=sent.append, record=record,
    )  # fmt: skip
    judge = gate.judge
    judge._filters = {KEY: filters_of(BTC)._replace(open_orders_max=None)}.get
    judge.account.balance = Decimal(100_000)
    kernel.cache.add_quote_tick(QuoteTick(BTC.id, BID, ASK, QTY, QTY, START_NS, START_NS))
    open_orders(judge, open_count, START_NS)
    commands = {
        n: _command(kernel.trader_id, n)
        for n in (*range(count), *range(-1_000_000 - count // 10, -999_999))
    }

    def decide(number: int) -> Callable[[], None]:
        gate.execute(commands[number])
        assert sent, record.denials[-1]["text"]
        return clean

    def clean() -> None:
        for order in sent.pop().order_list.orders:
            judge.on_closed(KEY, order.client_order_id.value)
            gate.approvals.revoke(order.client_order_id.value)

    return timed(decide, count)


def _command(trader_id: TraderId, number: int) -> SubmitOrderList:
    """Return a list of a limit entry that releases its stop, as a strategy would send it."""
    list_id, entry_id, stop_id = (f"{kind}-{number}" for kind in "LES")
    shared = {
        "trader_id": trader_id, "strategy_id": StrategyId("S-1"), "instrument_id": BTC.id,
        "quantity": QTY, "ts_init": START_NS, "order_list_id": OrderListId(list_id),
    }  # fmt: skip
    entry = LimitOrder(
        **shared, client_order_id=ClientOrderId(entry_id), order_side=OrderSide.BUY, price=BID,
        init_id=UUID4(), contingency_type=ContingencyType.OTO,
        linked_order_ids=[ClientOrderId(stop_id)],
    )  # fmt: skip
    stop = StopMarketOrder(
        **shared, client_order_id=ClientOrderId(stop_id), order_side=OrderSide.SELL,
        trigger_price=STOP, trigger_type=TriggerType.MARK_PRICE, init_id=UUID4(),
        reduce_only=True, parent_order_id=entry.client_order_id,
    )  # fmt: skip
    return SubmitOrderList(
        trader_id=trader_id, strategy_id=StrategyId("S-1"),
        order_list=OrderList(OrderListId(list_id), [entry, stop]),
        command_id=UUID4(), ts_init=START_NS,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, nargs="+", default=[0, 100, 10_000])
    parser.add_argument("--count", type=int, default=5_000, help="decisions measured each time")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    args = parser.parse_args()
    profile = wide_profile()
    rows = []
    print(f"{'measured':8} {'open':>7} {'p50 us':>8} {'p99 us':>8} {'p50 against none open':>22}")
    for name, measure in (("judge", judge_spans), ("gate", gate_spans)):
        first = 0.0
        for open_count in args.open:
            spans = sorted(measure(profile, open_count, args.count))
            p50, p99 = (spans[int(len(spans) * q)] / 1_000 for q in (0.5, 0.99))
            first = first or p50
            rows.append({"measured": name, "open": open_count, "p50_us": p50, "p99_us": p99})
            print(f"{name:8} {open_count:7} {p50:8.1f} {p99:8.1f} {p50 / first:22.2f}", flush=True)
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
