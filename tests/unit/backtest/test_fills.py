"""A node's simulated venue fills the best level's size, and the rest one tick behind it."""

from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.component import TestComponentStubs
from nautilus_trader.test_kit.stubs.data import TestDataStubs
from nautilus_trader.test_kit.stubs.execution import TestExecStubs

from backtest.fills import TopOfBookFillModel

BTC = TestInstrumentProvider.btcusdt_perp_binance()


def fills_of(order, *, slippage: float = 0.0):
    cache = TestComponentStubs.cache()
    quote = TestDataStubs.quote_tick(BTC, bid_price=49_999.9, ask_price=50_000.0, ask_size=0.018)
    cache.add_quote_tick(quote)
    model = TopOfBookFillModel(cache, 1.0, slippage, seed=1)
    book = model.get_orderbook_for_fill_simulation(BTC, order, quote.bid_price, quote.ask_price)
    if book is None:
        return None
    fills = book.simulate_fills(
        order, price_prec=BTC.price_precision, size_prec=BTC.size_precision, is_aggressive=True
    )
    return [(str(price), qty.as_decimal()) for price, qty in fills]


@pytest.mark.parametrize(
    ("quantity", "fills"),
    [
        ("0.018", [("50000.0", Decimal("0.018"))]),
        ("0.019", [("50000.0", Decimal("0.018")), ("50000.1", Decimal("0.001"))]),
    ],
)
def test_what_the_best_level_does_not_hold_fills_a_tick_behind_it(quantity, fills):
    order = TestExecStubs.market_order(BTC, OrderSide.BUY, BTC.make_qty(quantity))

    assert fills_of(order) == fills


def test_a_slipped_fill_starts_a_tick_behind():
    order = TestExecStubs.market_order(BTC, OrderSide.BUY, BTC.make_qty("0.001"))

    assert fills_of(order, slippage=1.0) == [("50000.1", Decimal("0.001"))]


def test_an_order_that_waits_for_its_price_is_left_to_the_venue():
    assert fills_of(TestExecStubs.limit_order(BTC, OrderSide.BUY)) is None
