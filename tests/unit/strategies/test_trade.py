"""A trade is one list of orders, and is rebuilt from whatever a crash left of it."""

from decimal import Decimal

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import ContingencyType, OrderSide, OrderType, TriggerType
from nautilus_trader.model.identifiers import PositionId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.events import TestEventStubs
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs

from strategies.trade import Trade, entry_list

BTC = TestInstrumentProvider.btcusdt_perp_binance()


@pytest.fixture
def factory() -> OrderFactory:
    return OrderFactory(TestIdStubs.trader_id(), TestIdStubs.strategy_id(), TestClock())


def make_orders(factory: OrderFactory, target: Decimal | None = None) -> list[Order]:
    return entry_list(
        factory,
        BTC,
        side=OrderSide.SELL,
        quantity=Decimal("0.1"),
        stop=Decimal(50_500),
        target=target,
        stop_trigger=TriggerType.MARK_PRICE,
        now_ns=7,
    ).orders


def make_position(entry: Order) -> Position:
    fill = TestEventStubs.order_filled(
        entry, BTC, position_id=PositionId("P-1"), last_px=BTC.make_price(50_000)
    )
    return Position(BTC, fill)


def make_stop(factory: OrderFactory, trigger: float, quantity: float = 0.1) -> Order:
    return factory.stop_market(
        BTC.id,
        OrderSide.BUY,
        BTC.make_qty(quantity),
        BTC.make_price(trigger),
        reduce_only=True,
    )


def test_the_list_is_an_entry_that_triggers_a_full_reduce_only_stop(factory):
    entry, stop = make_orders(factory)

    assert (entry.order_type, entry.side) == (OrderType.MARKET, OrderSide.SELL)
    assert entry.contingency_type == ContingencyType.OTO
    assert entry.linked_order_ids == [stop.client_order_id]
    assert not entry.is_reduce_only
    assert (stop.order_type, stop.side) == (OrderType.STOP_MARKET, OrderSide.BUY)
    assert stop.is_reduce_only
    assert stop.quantity == entry.quantity
    assert stop.parent_order_id == entry.client_order_id
    assert stop.order_list_id == entry.order_list_id
    assert stop.trigger_type == TriggerType.MARK_PRICE
    assert str(stop.trigger_price) == "50500.0"
    assert not stop.is_quote_quantity


def test_a_target_is_a_second_reduce_only_child(factory):
    entry, stop, target = make_orders(factory, target=Decimal(49_000))

    assert entry.linked_order_ids == [stop.client_order_id, target.client_order_id]
    assert (target.order_type, target.side) == (OrderType.LIMIT, OrderSide.BUY)
    assert target.is_reduce_only
    assert target.parent_order_id == entry.client_order_id


def test_a_position_is_adopted_with_its_tightest_full_stop(factory):
    entry, loose, target = make_orders(factory, target=Decimal(49_000))
    tight, too_small = make_stop(factory, 50_100), make_stop(factory, 50_050, quantity=0.099)

    trade = Trade.adopt(make_position(entry), [loose, tight, too_small, target])

    assert trade.stop is tight
    assert trade.target is target
    assert trade.retired == [too_small, loose]
    assert trade.entry is None


def test_an_exit_on_its_way_is_adopted_as_the_exit(factory):
    entry, stop = make_orders(factory)
    leaving = factory.market(BTC.id, OrderSide.BUY, BTC.make_qty(0.1), reduce_only=True)

    trade = Trade.adopt(make_position(entry), [stop, leaving])

    assert trade.exit is leaving
    assert trade.retired == []


def test_a_stop_on_the_wrong_side_does_not_protect(factory):
    entry, _ = make_orders(factory)
    wrong = factory.stop_market(
        BTC.id, OrderSide.SELL, BTC.make_qty(0.1), BTC.make_price(49_500), reduce_only=True
    )

    trade = Trade.adopt(make_position(entry), [wrong])

    assert not trade.has_stop()
    assert trade.retired == [wrong]


def test_an_entry_that_has_not_filled_keeps_its_children(factory):
    entry, stop, target = make_orders(factory, target=Decimal(49_000))

    trade = Trade.adopt(None, [stop, entry, target])

    assert (trade.entry, trade.stop, trade.target) == (entry, stop, target)
    assert trade.is_entering()


def test_orders_without_position_or_entry_are_strays(factory):
    _, stop, target = make_orders(factory, target=Decimal(49_000))

    trade = Trade.adopt(None, [stop, target])

    assert trade.retired == [stop, target]
    assert trade.unclosed() == [stop, target]
    assert not trade.has_stop()
