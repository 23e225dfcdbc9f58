"""A recorded log with as many orders as one likes, without running an engine."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import PositionId, StrategyId, TradeId, TraderId
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from actors.recorder import BalanceSample, Entry, PriceSample
from risk.events import Liquidation
from tests.report_kit import BTC, MINUTE_NS, START_NS

STRATEGY_ID = StrategyId("Bracketer-000")


def round_trips(count: int) -> Iterator[Entry]:
    """Yield the log of *count* entries with a stop each, and their exits: 3 orders a round trip."""
    clock = TestClock()
    factory = OrderFactory(TraderId("QUANTMIND-001"), STRATEGY_ID, clock)
    qty = BTC.make_qty("0.1")
    balance = Decimal(100_000)
    yield BalanceSample(START_NS, balance)
    for number in range(count):
        ts = START_NS + (number + 1) * MINUTE_NS
        clock.set_time(ts)
        price = 50_000.0 + 100 * (number % 7)
        yield PriceSample(ts, str(BTC.id), price, price - 20, price + 20, None)
        entry = factory.market(BTC.id, OrderSide.BUY, qty)
        stop = factory.stop_market(
            BTC.id, OrderSide.SELL, qty, BTC.make_price(price * 0.99), reduce_only=True
        )
        exit_ = factory.market(BTC.id, OrderSide.SELL, qty)
        yield entry.init_event
        yield stop.init_event
        yield TestEventStubs.order_submitted(entry, ts_event=ts)
        yield from _filled(entry, number, price, ts)
        yield BalanceSample(ts, balance := balance - Decimal(2))
        yield TestEventStubs.order_submitted(stop, ts_event=ts)
        yield TestEventStubs.order_accepted(stop, ts_event=ts)
        later = ts + MINUTE_NS // 2
        yield exit_.init_event
        yield TestEventStubs.order_submitted(exit_, ts_event=later)
        yield from _filled(exit_, number, price + (30 if number % 3 else -25), later)
        yield BalanceSample(later, balance := balance + Decimal(1))
        yield TestEventStubs.order_canceled(stop, ts_event=later)


def _filled(order: object, number: int, price: float, ts: int) -> Iterator[Entry]:
    yield TestEventStubs.order_accepted(order, ts_event=ts)
    yield TestEventStubs.order_filled(
        order,
        BTC,
        strategy_id=STRATEGY_ID,
        trade_id=TradeId(f"{order.side}-{number}"),
        position_id=PositionId(f"{BTC.id}-{STRATEGY_ID}"),
        last_px=BTC.make_price(price),
        ts_event=ts,
    )


def liquidation() -> Iterator[Entry]:
    """Yield the log of one long position that the venue closed when equity was gone."""
    factory = OrderFactory(TraderId("QUANTMIND-001"), STRATEGY_ID, TestClock())
    qty = BTC.make_qty("10")
    ts = START_NS
    yield BalanceSample(ts, Decimal(100_000))
    entry = factory.market(BTC.id, OrderSide.BUY, qty)
    taken = factory.market(BTC.id, OrderSide.SELL, qty, reduce_only=True, tags=["LIQUIDATION"])
    yield entry.init_event
    yield TestEventStubs.order_submitted(entry, ts_event=ts)
    yield from _filled(entry, 0, 50_000.0, ts)
    yield BalanceSample(ts, Decimal(100_000))
    yield PriceSample(ts + MINUTE_NS, str(BTC.id), 40_500.0, 40_000.0, 50_000.0, 40_400.0)
    yield BalanceSample(ts + MINUTE_NS, Decimal(100_000))
    yield taken.init_event
    yield TestEventStubs.order_submitted(taken, ts_event=ts + MINUTE_NS)
    yield from _filled(taken, 1, 40_000.0, ts + MINUTE_NS)
    yield Liquidation(
        instrument_ids=(str(BTC.id),),
        margin_balance_usdt=Decimal(4_000),
        maintenance_margin_usdt=Decimal(5_000),
        insurance_usdt=Decimal("361.5"),
        ts_event=ts + MINUTE_NS,
    )
    yield BalanceSample(ts + 2 * MINUTE_NS, Decimal(0))
