"""What was open before a run belongs to it from its first moment on."""

from decimal import Decimal

import pytest
from nautilus_trader.common.component import TestClock as Clock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import PositionId, StrategyId, TradeId, TraderId
from nautilus_trader.test_kit.stubs.events import TestEventStubs as Stubs

from actors.recorder import BalanceSample, OpeningOrder, OpeningPosition, PriceSample
from report.checker import STOP_DELAY_MS_MAX, check
from report.replay import Replay
from report.tables import SCHEMAS
from tests.report_kit import BTC, START_NS, profile

MS = 1_000_000
LATE_NS = START_NS + (STOP_DELAY_MS_MAX + 1) * MS
LONG = OpeningPosition(START_NS, "P-1", "S-1", str(BTC.id), Decimal("0.1"), Decimal(50_000))


def priced(price: float) -> PriceSample:
    return PriceSample(START_NS + 1, str(BTC.id), price, price, price, None)


def balance(ts_ns: int = START_NS) -> BalanceSample:
    return BalanceSample(ts_ns, Decimal(100_000))


def open_stop(qty: str = "0.1", filled: str = "0"):
    """Return a stop that the venue accepted a minute before the run, and its recorded start."""
    order = OrderFactory(TraderId("T-1"), StrategyId("S-1"), Clock()).stop_market(
        BTC.id, OrderSide.SELL, BTC.make_qty(qty), BTC.make_price(49_500), reduce_only=True
    )
    before_ns = START_NS - 60_000 * MS
    events = [
        order.init_event,
        Stubs.order_submitted(order, ts_event=before_ns),
        Stubs.order_accepted(order, ts_event=before_ns),
        OpeningOrder(START_NS, order.client_order_id.value, Decimal(filled)),
    ]
    return order, events


def fill_of(order, qty: str, ts_ns: int):
    return Stubs.order_filled(
        order, BTC, strategy_id=order.strategy_id, trade_id=TradeId(f"T-{ts_ns}"),
        position_id=PositionId("P-1"), last_qty=BTC.make_qty(qty), last_px=BTC.make_price(49_500),
        ts_event=ts_ns,
    )  # fmt: skip


def checked(replay: Replay):
    return check({name: replay.rows[name] for name in SCHEMAS}, profile().limits)


def test_a_position_of_before_counts_from_its_entry_price():
    replay = Replay.of([LONG, balance(), priced(50_200), balance(START_NS + 2)])

    (cycle,) = replay.book.cycles
    assert [row["equity_usdt"] for row in replay.rows["equity"]] == [100_000.0, 100_020.0]
    assert (cycle.opening_order_id, cycle.open_qty) == ("before the run", Decimal("0.1"))
    assert replay.rows["exposure"][-1]["position_usdt"] == 5_020.0


def test_its_exit_ends_a_trade_and_opens_nothing():
    stop, events = open_stop()

    replay = Replay.of([LONG, *events, balance(), fill_of(stop, "0.1", START_NS + 5)])

    (cycle,) = replay.book.cycles
    assert (cycle.gross_pnl_usdt, cycle.exit_reason) == (Decimal(-50), "stop")
    assert cycle.ts_closed == START_NS + 5
    report = checked(replay)
    assert (report.opening_fills, report.breaches) == (0, [])


def test_a_position_of_before_whose_stop_still_rests_was_never_without_it():
    _, events = open_stop()

    report = checked(Replay.of([LONG, *events, balance(), balance(LATE_NS)]))

    assert (report.longest_without_stop_ms, report.breaches) == (0.0, [])


@pytest.mark.parametrize(("qty", "filled"), [(None, "0"), ("0.09", "0"), ("0.1", "0.01")])
def test_a_position_of_before_with_less_than_its_stop_is_a_breach(qty, filled):
    events = [] if qty is None else open_stop(qty, filled)[1]

    (breach,) = checked(Replay.of([LONG, *events, balance(), balance(LATE_NS)])).breaches

    assert (breach.rule, breach.ts_event) == ("stop_delay_ms_max", START_NS)
    assert breach.observed == str(STOP_DELAY_MS_MAX + 1)


def test_an_order_keeps_what_it_had_filled_before():
    stop, events = open_stop("0.3", filled="0.2")

    before = Replay.of([balance(), *events])
    after = Replay.of([balance(), *events, fill_of(stop, "0.1", START_NS + 5)])

    (early,), (late,) = before.rows["orders"], after.rows["orders"]
    assert (early["status"], early["filled_qty"]) == ("PARTIALLY_FILLED", Decimal("0.2"))
    assert (late["status"], late["filled_qty"]) == ("FILLED", Decimal("0.3"))


def test_the_price_when_an_order_was_made_is_the_newest_one_recorded_by_then():
    stop, events = open_stop()

    replay = Replay.of([balance(), priced(50_200), *events, priced(50_300)])

    assert replay.decision_px == {stop.client_order_id.value: 50_200.0}
