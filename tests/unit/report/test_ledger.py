"""Orders folded from events are what the engine's own orders are, after every event."""

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderSide, TrailingOffsetType
from nautilus_trader.model.events import OrderCancelRejected
from nautilus_trader.model.identifiers import (
    AccountId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.test_kit.stubs.events import TestEventStubs as Stubs

from report.ledger import OrderState
from tests.report_kit import BTC

FACTORY = {"trader_id": TraderId("QUANTMIND-001"), "strategy_id": StrategyId("S-001")}
QTY = Quantity.from_str("1.000")


def _stop(factory):
    trigger = Price.from_str("49000.0")
    return factory.stop_market(BTC.id, OrderSide.SELL, QTY, trigger, reduce_only=True)


def _filled(order, qty, trade):
    return Stubs.order_filled(
        order, BTC, last_qty=Quantity.from_str(qty), trade_id=TradeId(trade), ts_event=9
    )


def _cancel_rejected(order):
    return OrderCancelRejected(
        order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id,
        VenueOrderId("1"), AccountId("SIM-000"), "unknown order", UUID4(), 5, 5,
    )  # fmt: skip


STORIES = {
    "filled in parts": lambda o: [
        Stubs.order_submitted(o), Stubs.order_accepted(o, ts_event=3),
        _filled(o, "0.400", "T-1"), _filled(o, "0.600", "T-2"),
    ],
    "amended": lambda o: [
        Stubs.order_submitted(o), Stubs.order_accepted(o, ts_event=3),
        Stubs.order_pending_update(o),
        Stubs.order_updated(
            o, quantity=Quantity.from_str("2.000"), trigger_price=Price.from_str("48000.0")
        ),
    ],
    "amended after a partial fill": lambda o: [
        Stubs.order_submitted(o), Stubs.order_accepted(o, ts_event=3), _filled(o, "0.400", "T-1"),
        Stubs.order_pending_update(o),
        Stubs.order_updated(o, quantity=Quantity.from_str("0.700")),
    ],
    "cancel refused": lambda o: [
        Stubs.order_submitted(o), Stubs.order_accepted(o, ts_event=3),
        Stubs.order_pending_cancel(o), _cancel_rejected(o),
    ],
    "canceled": lambda o: [
        Stubs.order_submitted(o), Stubs.order_accepted(o, ts_event=3),
        Stubs.order_pending_cancel(o), Stubs.order_canceled(o, ts_event=8),
    ],
    "rejected": lambda o: [Stubs.order_submitted(o), Stubs.order_rejected(o, ts_event=5)],
    "expired": lambda o: [
        Stubs.order_submitted(o), Stubs.order_accepted(o, ts_event=3), Stubs.order_expired(o),
    ],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_an_order_is_what_the_engine_has_after_every_event(story):
    order = _stop(OrderFactory(**FACTORY, clock=TestClock()))
    state = OrderState.from_event(order.init_event)

    for event in STORIES[story](order):
        order.apply(event)
        state.apply(event)

        assert state.status == order.status_string()
        assert state.quantity == order.quantity.as_decimal()
        assert state.filled_qty == order.filled_qty.as_decimal()
        assert state.trigger_price == order.trigger_price.as_decimal()
        leaves = order.leaves_qty.as_decimal() if order.is_open or order.is_inflight else 0
        assert state.leaves_signed_qty == -leaves
    assert (state.ts_closed is not None) == order.is_closed


def test_a_first_event_tells_all_that_never_changes():
    factory = OrderFactory(**FACTORY, clock=TestClock())
    order = factory.limit(
        BTC.id, OrderSide.BUY, QTY, Price.from_str("50000.5"), tags=["A", "B"], reduce_only=True
    )

    state = OrderState.from_event(order.init_event)

    assert (state.side, state.order_type, state.tags) == ("BUY", "LIMIT", "A,B")
    assert (state.price, state.trigger_price) == (order.price.as_decimal(), None)
    assert state.is_reduce_only


def test_a_trailing_stop_without_a_trigger_price_has_none():
    factory = OrderFactory(**FACTORY, clock=TestClock())
    order = factory.trailing_stop_market(
        BTC.id, OrderSide.SELL, QTY, Price.from_str("10.0").as_decimal(),
        trailing_offset_type=TrailingOffsetType.PRICE,
    )  # fmt: skip

    assert OrderState.from_event(order.init_event).trigger_price is None


def test_what_is_not_yet_sent_may_not_fill():
    order = _stop(OrderFactory(**FACTORY, clock=TestClock()))

    assert OrderState.from_event(order.init_event).leaves_signed_qty == 0
