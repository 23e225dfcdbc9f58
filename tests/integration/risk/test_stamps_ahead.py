"""What the venue stamps ahead of our clock begins no day: the day's loss would be forgotten."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.identifiers import TradeId, VenueOrderId
from nautilus_trader.model.objects import Currency, Money

from risk.breakers import NS_PER_DAY
from risk.events import FUNDING_TOPIC, FundingPayment
from tests.attacks.scene import BTC, START_NS
from tests.bracket_rig import Rig

USDT = Currency.from_str("USDT")


def pay_funding(rig: Rig, ts_ns: int) -> None:
    rig.bus.publish(FUNDING_TOPIC, FundingPayment(str(BTC.id), Decimal(-1), ts_ns))


def fill_entry(rig: Rig, ts_ns: int) -> None:
    """Have the one entry that waits at the venue filled, with a stamp."""
    (entry,) = rig.entries
    order = entry.order
    rig.client.generate_order_filled(
        order.strategy_id, order.instrument_id, order.client_order_id,
        VenueOrderId(f"V-{order.client_order_id}"), None, TradeId("1"), order.side,
        order.order_type, order.quantity, BTC.make_price(50_000), USDT, Money(0, USDT),
        LiquiditySide.TAKER, ts_ns,
    )  # fmt: skip


@pytest.mark.parametrize("tell", [pay_funding, fill_entry])
@pytest.mark.parametrize("ahead_ns", [1, NS_PER_DAY])
def test_a_stamp_of_a_day_that_has_not_come_begins_no_day(
    tmp_path: Path, tell: Callable[[Rig, int], None], ahead_ns: int
) -> None:
    rig = Rig(tmp_path)
    today = START_NS // NS_PER_DAY
    rig.clock.set_time((today + 1) * NS_PER_DAY - 1)
    rig.enter(OrderSide.BUY, target=False)
    rig.serve()
    rig.hear()

    tell(rig, (today + 1) * NS_PER_DAY - 1 + ahead_ns)

    figures = rig.gate.judge.figures()
    assert figures is not None
    assert figures.marks.day == today
    rig.close()


@pytest.mark.parametrize("tell", [pay_funding, fill_entry])
def test_the_same_stamp_begins_its_day_when_the_clock_is_there(
    tmp_path: Path, tell: Callable[[Rig, int], None]
) -> None:
    rig = Rig(tmp_path)
    tomorrow = START_NS // NS_PER_DAY + 1
    rig.clock.set_time(tomorrow * NS_PER_DAY)
    rig.enter(OrderSide.BUY, target=False)
    rig.serve()
    rig.hear()

    tell(rig, tomorrow * NS_PER_DAY)

    figures = rig.gate.judge.figures()
    assert figures is not None
    assert figures.marks.day == tomorrow
    rig.close()
