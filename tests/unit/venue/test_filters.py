"""The symbol's filters, each at its bound and one step beyond."""

from decimal import Decimal

import pytest

from tests.engine_kit import BTC, code_of, scene


@pytest.mark.parametrize(
    ("qty", "price", "code"),
    [
        ("0", "60000", -4003),
        ("0.0005", "60000", -1111),
        ("1001", "60000", -4005),
        ("0.01", "60000.05", -4014),
        ("0.01", "60000.005", -1111),
        ("0.01", "556.70", -4013),
        ("0.01", "4529764.10", -4002),
        ("0.01", "4529764.00", -4016),
        ("0.01", "63000.10", -4016),
        ("0.000", "60000", -4003),
    ],
)
def test_a_limit_buy_outside_a_filter_is_refused_with_its_code(qty, price, code):
    assert code_of(lambda: scene().order("BUY", qty, price)) == code


def test_the_lowest_price_is_allowed():
    assert scene().order("BUY", "0.1", "556.80")["status"] == "NEW"


def test_a_buy_at_the_upper_band_around_the_mark_rests_only_when_it_is_within():
    venue = scene()
    venue.mark(60_000)
    venue.quote(63_500, 63_500.10)

    assert venue.order("BUY", "0.01", "63000.00")["status"] == "NEW"


def test_a_sell_below_the_lower_band_around_the_mark_is_refused():
    venue = scene()
    venue.quote(56_000, "56000.10")
    venue.mark(60_000)

    assert code_of(lambda: venue.order("SELL", "0.01", "56999.90")) == -4024
    assert venue.order("SELL", "0.01", "57000.00")["status"] == "NEW"


def test_the_bands_follow_the_mark_and_not_the_quote():
    venue = scene()
    venue.mark(50_000)

    assert code_of(lambda: venue.order("BUY", "0.01", "52500.10")) == -4016


def test_the_least_and_the_greatest_quantity_are_allowed():
    venue = scene(wallet=100_000_000)

    assert venue.order("BUY", "0.001", "59999.00")["status"] == "NEW"
    assert venue.order("BUY", "1000", "59999.00")["status"] == "NEW"


def test_a_market_order_has_a_maximum_of_its_own():
    venue = scene(wallet=100_000_000)

    assert code_of(lambda: venue.order("BUY", "120.001")) == -4005
    assert venue.order("BUY", "120")["status"] == "NEW"


def test_a_quantity_off_a_coarse_step_is_refused():
    venue = scene()
    venue.ex.change_symbol(BTC, step_size=Decimal("0.005"), min_qty=Decimal("0.005"))

    assert code_of(lambda: venue.order("BUY", "0.006", "60000.00")) == -4023
    assert code_of(lambda: venue.order("BUY", "0.004", "60000.00")) == -4004
    assert venue.order("BUY", "0.010", "59000.00")["status"] == "NEW"


def test_an_order_below_the_least_notional_is_refused_and_one_at_it_is_not():
    venue = scene()
    venue.ex.change_symbol(BTC, min_notional=Decimal(60))

    assert code_of(lambda: venue.order("BUY", "0.001", "59999.90")) == -4164
    assert venue.order("BUY", "0.001", "60000.00")["status"] == "NEW"


def test_a_market_orders_notional_is_judged_at_the_mark_price():
    venue = scene()
    venue.ex.change_symbol(BTC, min_notional=Decimal(60))
    venue.mark("59999.90")

    assert code_of(lambda: venue.order("BUY", "0.001")) == -4164


def test_a_reduce_only_order_may_be_below_the_least_notional():
    venue = scene()
    venue.order("BUY", "0.010")
    venue.ex.change_symbol(BTC, min_notional=Decimal(1_000))

    venue.order("SELL", "0.001", reduceOnly="True")

    assert venue.amt() == Decimal("0.009")


def test_a_market_order_is_refused_when_the_best_price_is_beyond_the_take_bound():
    venue = scene()
    venue.quote(62_999, "63000.10")
    venue.mark(60_000)

    assert code_of(lambda: venue.order("BUY", "0.010")) == -4131


def test_a_market_order_at_the_take_bound_is_filled_and_the_rest_beyond_it_expires():
    venue = scene()
    venue.ex.on_depth(
        BTC,
        [(Decimal(62_000), Decimal(1))],
        [(Decimal("63000.00"), Decimal("0.004")), (Decimal("63000.10"), Decimal(5))],
    )
    venue.mark(60_000)
    venue.events()

    venue.order("BUY", "0.010", newClientOrderId="m")

    assert venue.steps("m") == ["NEW/NEW/0", "TRADE/PARTIALLY_FILLED/0", "EXPIRED/EXPIRED/9"]
    assert venue.amt() == Decimal("0.004")


def test_the_201st_open_order_of_a_symbol_is_refused():
    venue = scene(wallet=10_000_000)
    for _ in range(200):
        venue.order("BUY", "0.001", "59000.00")

    assert code_of(lambda: venue.order("BUY", "0.001", "59000.00")) == -2025


def test_a_symbol_that_is_unknown_closed_or_halted_takes_no_order():
    venue = scene()
    venue.order("BUY", "0.010")

    assert code_of(lambda: venue.order("BUY", "0.010", symbol="XXXUSDT")) == -1121
    venue.ex.actions.halt(BTC, "TRADING_HALT")
    assert code_of(lambda: venue.order("BUY", "0.010")) == -4140
    assert code_of(lambda: venue.order("SELL", "0.010", reduceOnly="true")) == -1122
    venue.ex.actions.halt(BTC, "CLOSE")
    assert code_of(lambda: venue.order("BUY", "0.010")) == -4141


@pytest.mark.parametrize(
    ("control", "code", "allowed"), [("BUY", -4106, "SELL"), ("SELL", -4107, "BUY")]
)
def test_a_controlled_side_may_only_reduce(control, code, allowed):
    venue = scene()
    venue.ex.change_symbol(BTC, position_control_side=control)

    assert code_of(lambda: venue.order(control, "0.010")) == code
    venue.order(allowed, "0.010")
    venue.order(control, "0.010", reduceOnly="true")
    assert venue.amt() == 0


def test_a_symbol_wholly_under_control_opens_nothing():
    venue = scene()
    venue.ex.change_symbol(BTC, position_control_side="BOTH")

    assert code_of(lambda: venue.order("BUY", "0.010")) == -4105
